"""Label and provenance maps as TIFF files, written whole and read with suspicion."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.core.atomic import write_atomically
from napari_unet.errors import StorageError
from napari_unet.project.identity import content_hash

T = TypeVar("T", np.int32, np.uint8, np.float32)

_BIG = 2**31
_MOST_EXPANSION = 1100
"""A little more than deflate can do: beyond it a header must be lying."""
_COMPRESSIONS = (tifffile.COMPRESSION.NONE, tifffile.COMPRESSION.ADOBE_DEFLATE)


def write_map(path: Path, array: npt.NDArray[Any], axes: str) -> str:
    """Write a map as zlib-compressed TIFF, atomically, and return its content hash.

    Raises
    ------
    StorageError
        If the disk is full, read-only or gone.
    """
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
    return content_hash(array)


def read_map(
    path: Path, shape: tuple[int, ...], dtype: type[T], expected_hash: str
) -> npt.NDArray[T]:
    """Read a map back after comparing its header with what the manifest says.

    Raises
    ------
    StorageError
        If the file is missing, damaged, or another one than was saved.
    """
    try:
        array = _read_checked(path, shape, np.dtype(dtype))
    except (StorageError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{path.name} is missing.") from error
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"{path.name} could not be read: {reason}.") from error
    except Exception as error:  # a damaged file makes the reader raise anything
        raise StorageError(f"{path.name} is damaged.") from error
    if content_hash(array) != expected_hash:
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
