"""What a file states before its pixels are read is what is read with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_unet.geometry.axes import resolve_axes
from napari_unet.io.read import read_header, read_image

SIZES = {"T": 2, "Z": 3, "C": 2, "Y": 24, "X": 20}
AXES = ["YX", "TYX", "ZYX", "CYX", "TZYX", "ZCYX", "TCYX", "TZCYX"]
NAMES = ["DAPI", "GFP"]


def _pixels(axes: str) -> np.ndarray:
    shape = tuple(SIZES[axis] for axis in axes)
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def _imagej(path: Path, axes: str) -> None:
    tifffile.imwrite(path, _pixels(axes), imagej=True, metadata={"axes": axes})


def _ome(path: Path, axes: str) -> None:
    channels = {"Channel": {"Name": NAMES}} if "C" in axes else {}
    metadata = {"axes": axes, **channels}
    tifffile.imwrite(path, _pixels(axes), ome=True, metadata=metadata)


def _shaped(path: Path, axes: str) -> None:
    options: Any = {"metadata": {"axes": axes}, "photometric": "minisblack"}
    tifffile.imwrite(path, _pixels(axes), **options)


def _plain(path: Path, axes: str) -> None:
    tifffile.imwrite(path, _pixels(axes), metadata=None, photometric="minisblack")


def _ome_zarr(path: Path, axes: str, version: str) -> None:
    pixels = _pixels(axes)
    kinds = {"T": "time", "C": "channel"}
    image: dict[str, Any] = {
        "axes": [{"name": a.lower(), "type": kinds.get(a, "space")} for a in axes],
        "datasets": [{"path": "0", "coordinateTransformations": []}],
    }
    told: dict[str, Any] = {"multiscales": [image]}
    if "C" in axes:
        told["omero"] = {"channels": [{"label": name} for name in NAMES]}
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("0", data=pixels, chunks=pixels.shape)
    if version == "0.4":
        group.attrs.update(told)
    else:
        group.attrs["ome"] = {"version": version, **told}


WRITERS = {
    "imagej.tif": _imagej,
    "ome.ome.tif": _ome,
    "shaped.tif": _shaped,
    "plain.tif": _plain,
    "ngff-0.4.zarr": lambda path, axes: _ome_zarr(path, axes, "0.4"),
    "ngff-0.5.zarr": lambda path, axes: _ome_zarr(path, axes, "0.5"),
}


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("name", WRITERS)
def test_header_and_pixels_tell_the_same_axes(name: str, axes: str, tmp_path: Path):
    path = tmp_path / name
    WRITERS[name](path, axes)
    image, header = read_image(path), read_header(path)
    found = resolve_axes(image.array.shape, image.array.dtype, file=header)
    if image.axes is None:
        assert found.origin == "guess"
    else:
        assert (found.letters, found.origin) == (image.axes, "file")
    if name != "plain.tif":
        assert found.letters == axes
    if "C" in axes and name.startswith(("ome", "ngff")):
        assert header.channels == tuple(NAMES)


def test_imagej_labels_name_channels_where_there_is_one_a_channel(tmp_path: Path):
    path = tmp_path / "a.tif"
    for axes, named in (("CYX", tuple(NAMES)), ("TYX", ())):
        metadata = {"axes": axes, "Labels": NAMES}
        tifffile.imwrite(path, _pixels(axes), imagej=True, metadata=metadata)
        assert read_header(path).channels == named


def test_colour_and_grey_of_other_formats(tmp_path: Path):
    colours = np.zeros((8, 9, 3), np.uint8)
    for name, pixels in (("a.png", colours), ("b.png", colours[..., 0])):
        Image.fromarray(pixels).save(tmp_path / name)
        stated = read_header(tmp_path / name)
        assert (stated.axes, stated.shape) == ("YXC"[: pixels.ndim], pixels.shape)


def test_what_cannot_be_read_states_nothing(tmp_path: Path):
    whole = tmp_path / "whole.tif"
    _ome(whole, "TYX")
    content = whole.read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[: len(content) // 9])
    (tmp_path / "text.tif").write_text("no image")
    (tmp_path / "empty.zarr").mkdir()
    for name in ("cut.tif", "text.tif", "empty.zarr", "missing.tif", "."):
        assert read_header(tmp_path / name).axes is None
