"""Labels and provenance of a save as two TIFF files; read with suspicion."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    Provenance,
    ProvenanceMap,
)
from napari_unet.core.atomic import write_atomically
from napari_unet.errors import StorageError
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.identity import content_hash

Pair: TypeAlias = tuple[Path, Path]
"""Where labels and provenance lie."""

_BIG = 2**31
_MOST_EXPANSION = 1100
"""A little more than deflate can do: beyond it a header must be lying."""
_COMPRESSIONS = (tifffile.COMPRESSION.NONE, tifffile.COMPRESSION.ADOBE_DEFLATE)


def write_maps(paths: Pair, work: AnnotationSnapshot, axes: str) -> tuple[str, str]:
    """Write labels and provenance, each atomically; return their content hashes.

    Where that fails (StorageError), neither of them is there.
    """
    several = "C" * (work.labels.ndim - work.provenance.ndim)
    try:
        _write(paths[0], work.labels, several + axes)
        _write(paths[1], work.provenance, axes)
    except StorageError:
        # A full disk stays full if its leftovers stay.
        for path in paths:
            with suppress(OSError):
                path.unlink()
        raise
    return content_hash(work.labels), content_hash(work.provenance)


def read_maps(
    paths: Pair,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    hashes: tuple[str, str] | None,
) -> tuple[LabelMap | ValueMap, ProvenanceMap]:
    """Return labels and provenance after checking both.

    Their shapes differ where values are regressed. A StorageError tells that one is
    missing, damaged, or, where the hashes are known, not the one that was saved.
    """
    dtype = np.int32 if shapes[0] == shapes[1] else np.float32
    labels_hash, provenance_hash = hashes or (None, None)
    provenance = _read(paths[1], shapes[1], np.dtype(np.uint8), provenance_hash)
    labels = _read(paths[0], shapes[0], np.dtype(dtype), labels_hash)
    if provenance.max() > max(Provenance):
        raise StorageError(f"{paths[1].name} holds values that do not exist.")
    return labels, provenance


def _write(path: Path, array: npt.NDArray[Any], axes: str) -> None:
    write_atomically(
        path,
        lambda file: tifffile.imwrite(
            file,
            array,
            photometric="minisblack",
            compression="zlib",
            # Label maps shrink well at the lowest level, three times as fast.
            compressionargs={"level": 1},
            metadata={"axes": axes},
            bigtiff=array.nbytes > _BIG,
            # The cores belong to the person who is painting.
            maxworkers=1,
        ),
    )


def _read(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], expected: str | None
) -> npt.NDArray[Any]:
    try:
        array = _read_checked(path, shape, dtype)
    except (StorageError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{path.name} is missing.") from error
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"{path.name} could not be read: {reason}.") from error
    except Exception as error:  # a damaged file makes the reader raise anything
        raise StorageError(f"{path.name} is damaged.") from error
    if expected not in (None, content_hash(array)):
        raise StorageError(f"{path.name} is not what was saved.")
    return array


@contextmanager
def _quiet() -> Iterator[None]:
    """Let tifffile print nothing: what is damaged is told in our own words."""
    logger, handler = logging.getLogger("tifffile"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _read_checked(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    with _quiet(), tifffile.TiffFile(path) as file:
        series = file.series[0]
        # Nothing of the array's size is taken before the header agrees.
        if tuple(series.shape) != shape or series.dtype != dtype:
            raise StorageError(
                f"{path.name} holds {series.dtype} of shape {series.shape}, "
                f"expected {dtype} of shape {shape}."
            )
        if series.nbytes > path.stat().st_size * _MOST_EXPANSION:
            raise StorageError(f"{path.name} is cut short.")
        if series.keyframe.compression not in _COMPRESSIONS:
            raise StorageError(f"{path.name} is compressed in an unknown way.")
        array: npt.NDArray[Any] = series.asarray(maxworkers=1)
    return array
