"""A slide of any size: sample nuclei side by side, turned, as a zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr

from napari_unet.io.samples import load_sample

_PIECE = 1024


def write_slide(path: Path, extent: int) -> None:
    """Write a slide of so many pixels along each axis, a piece at a time."""
    sample = load_sample("nuclei")[0].image
    tile = np.block(
        [[sample, np.rot90(sample)], [np.rot90(sample, 2), np.rot90(sample, 3)]]
    )
    rows = np.arange(extent) % tile.shape[0]
    columns = np.arange(extent) % tile.shape[1]
    slide = zarr.create_array(
        path, shape=(extent, extent), chunks=(_PIECE, _PIECE), dtype=tile.dtype
    )
    for start in range(0, extent, _PIECE):
        band = rows[start : start + _PIECE]
        slide[start : start + _PIECE] = tile[np.ix_(band, columns)]
