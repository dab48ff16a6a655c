"""Labels as a tiled BigTIFF, which is written a few rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.core.atomic import write_atomically
from napari_unet.exports.label_zarr import PIECE
from napari_unet.geometry.box import Box
from napari_unet.io.write import tags_of

_TILE = 512


class Regions(Protocol):
    """Labels, or values, with their axes."""

    @property
    def axes(self) -> str: ...  # noqa: D102
    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return what lies in a region."""
        ...


_OURS = "napari-unet"


def write_label_tiff(
    path: Path,
    labels: Regions,
    pixel_size: Mapping[str, float],
    said: Mapping[str, Any],
) -> None:
    """Write labels, or values, that are read by regions; whole or not at all.

    Parameters
    ----------
    said : mapping
        Where they come from; stored beside the axes.
    """
    size = {axis: n for axis, n in pixel_size.items() if axis in labels.axes}
    tags = tags_of(labels.axes, size)
    tags["metadata"] |= {_OURS: json.dumps(said)}

    def write(file: BinaryIO) -> None:
        tifffile.imwrite(
            file,
            _tiles(labels),
            shape=labels.shape,
            dtype=labels.dtype,
            tile=(_TILE, _TILE),
            bigtiff=True,
            compression="zlib",
            photometric="minisblack",
            **tags,
        )

    write_atomically(path, write)


def read_tiff_note(path: Path) -> dict[str, Any] | None:
    """Return where the labels in a TIFF come from; None where they are not ours."""
    try:
        with tifffile.TiffFile(path) as file:
            metadata: Any = file.shaped_metadata
            found = json.loads(metadata[0][_OURS])
    # Whatever else lies there is none of ours.
    except Exception:  # noqa: BLE001
        return None
    return found if isinstance(found, dict) else None


def _tiles(labels: Regions) -> Iterator[npt.NDArray[Any]]:
    """Yield all tiles, row by row; those at the end are filled up with 0."""
    *others, rows, columns = labels.shape
    for at in np.ndindex(*others):
        after = tuple(n + 1 for n in at)
        for start in range(0, rows, PIECE):
            stop = min(rows, start + PIECE)
            band = labels.read(Box((*at, start, 0), (*after, stop, columns)))
            band = band.reshape(band.shape[-2:])
            for top in range(0, len(band), _TILE):
                for left in range(0, columns, _TILE):
                    part = band[top : top + _TILE, left : left + _TILE]
                    tile = np.zeros((_TILE, _TILE), band.dtype)
                    tile[: part.shape[0], : part.shape[1]] = part
                    yield tile
