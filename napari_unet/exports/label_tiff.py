"""Labels as a tiled BigTIFF, which is written a few rows at a time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.core.atomic import told_in_words, write_atomically
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


def iter_write_label_tiff(
    path: Path,
    labels: Regions,
    pixel_size: Mapping[str, float],
    said: Mapping[str, Any],
) -> Generator[None, None, None]:
    """Write labels, or values, that are read by regions; whole or not at all.

    Tiles are packed into a file without a name first, row by row, and the library gets
    all of them at once, for it never comes back in between.

    Parameters
    ----------
    said : mapping
        Where they come from; stored beside the axes.
    """
    size = {axis: n for axis, n in pixel_size.items() if axis in labels.axes}
    tags = tags_of(labels.axes, size)
    tags["metadata"] |= {_OURS: json.dumps(said)}
    lengths = list[int]()
    with told_in_words(path), TemporaryFile(dir=path.parent) as packed:
        for tiles in _rows_of_tiles(labels):
            yield
            for tile in tiles:
                lengths.append(packed.write(zlib.compress(tile.data)))
        packed.seek(0)

        def write(file: BinaryIO) -> None:
            tifffile.imwrite(
                file,
                map(packed.read, lengths),
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


def _rows_of_tiles(labels: Regions) -> Iterator[Iterator[npt.NDArray[Any]]]:
    """Yield all tiles, rows that lie together at once; what is beyond the end is 0."""
    *others, rows, columns = labels.shape
    for at in np.ndindex(*others):
        after = tuple(n + 1 for n in at)
        for start in range(0, rows, PIECE):
            stop = min(rows, start + PIECE)
            band = labels.read(Box((*at, start, 0), (*after, stop, columns)))
            yield _tiles(band.reshape(band.shape[-2:]))


def _tiles(band: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yield tiles one by one: a band as wide as a slide is not copied."""
    for top in range(0, len(band), _TILE):
        for left in range(0, band.shape[1], _TILE):
            part = band[top : top + _TILE, left : left + _TILE]
            tile = np.zeros((_TILE, _TILE), band.dtype)
            tile[: part.shape[0], : part.shape[1]] = part
            yield tile
