"""Ways to write an array to a file, for tests of what reads regions of it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr


@dataclass(frozen=True, slots=True)
class Way:
    """A way to write an image.

    Parameters
    ----------
    write : callable
        Writes an array with these axes to a path.
    stated : bool
        Whether the file names its axes, and those of one plane are left out.
    planes_last : bool
        Whether rows and columns have to be the last axes.
    """

    write: Callable[[Path, np.ndarray, str], Any]
    stated: bool = True
    planes_last: bool = False

    def expected(self, array: np.ndarray, axes: str) -> tuple[np.ndarray, str | None]:
        """Return what is read back, and with which axes."""
        if not self.stated:
            return array, None
        single = [n for n, a in enumerate(axes) if a in "TCZ" and array.shape[n] == 1]
        kept = "".join(a for n, a in enumerate(axes) if n not in single)
        return array.squeeze(tuple(single)), kept


def _tiff(**options: Any) -> Way:
    def write(path: Path, array: np.ndarray, axes: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of channels that are no colours
            tifffile.imwrite(
                path,
                array,
                ome=True,
                photometric="minisblack",
                metadata={"axes": axes},
                **options,
            )

    return Way(write, planes_last=True)


def _zarr(version: Any, **options: Any) -> Way:
    def write(path: Path, array: np.ndarray, axes: str) -> None:
        chunks = tuple(min(8, n) for n in array.shape)
        whole = {"chunks": chunks, "zarr_format": version} | options
        if "shards" in options:
            whole["shards"] = tuple(2 * n for n in chunks)
        zarr.create_array(store=str(path), data=array, overwrite=True, **whole)

    return Way(write, stated=False)


def _ome_zarr(version: Any) -> Way:
    def write(path: Path, array: np.ndarray, axes: str) -> None:
        save_pyramid(path, [array], axes, version)

    return Way(write)


def save_pyramid(
    path: Path, levels: list[np.ndarray], axes: str, version: Any = 3, **options: Any
) -> Path:
    """Write an OME-Zarr 0.4 (zarr 2) or 0.5 (zarr 3)."""
    datasets = [{"path": str(n)} for n in range(len(levels))]
    scales = [{"axes": [{"name": a.lower()} for a in axes], "datasets": datasets}]
    group = zarr.create_group(store=str(path), zarr_format=version, overwrite=True)
    if version == 2:
        group.attrs["multiscales"] = scales
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": scales}
    for number, level in enumerate(levels):
        chunks = tuple(min(16, n) for n in level.shape)
        settings = {"chunks": chunks, "zarr_format": version} | options
        zarr.create_array(store=str(path / str(number)), data=level, **settings)
    return path


WAYS: dict[str, Way] = {
    "contiguous.ome.tif": _tiff(),
    "big_endian.ome.tif": _tiff(byteorder=">"),
    "strips.ome.tif": _tiff(compression="zlib", rowsperstrip=5),
    "one_strip.ome.tif": _tiff(compression="zlib", predictor=True),
    "tiles.ome.tif": _tiff(tile=(16, 32)),
    "big_tiff.ome.tif": _tiff(tile=(16, 16), compression="lzw", bigtiff=True),
    "big_endian_tiles.ome.tif": _tiff(tile=(16, 16), byteorder=">"),
    "version_2.zarr": _zarr(2),
    "version_3.zarr": _zarr(3),
    "columns.zarr": _zarr(2, order="F"),
    "shards.zarr": _zarr(3, shards=True),
    "ome_0.4.zarr": _ome_zarr(2),
    "ome_0.5.zarr": _ome_zarr(3),
}


def spoil_json(path: Path, change: Callable[[Any], None]) -> None:
    """Change metadata in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
