"""Good files, spoilt at random: what is read is valid, what is not is refused in words.

`NAPARI_UNET_TORTURE=1` tries fifty times as much.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import roifile
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import Blosc, GZip, Zstd
from PIL import Image

from napari_unet.errors import NapariUnetError
from napari_unet.io.archive import read_zip
from napari_unet.io.read import read_image
from napari_unet.io.rois import read_rois
from napari_unet.weights.folder import load_model, unpack_model
from napari_unet.weights.foreign import import_weights
from napari_unet.weights.model import Model
from tests.hostile.bad_archives import saved, zipped
from tests.hostile.bad_zarrs import save
from tests.hostile.conftest import FUZZ

T = TypeVar("T")
Change = tuple[str, float, bytes]

# What counts and offsets must not be believed with.
EXTREMES = [
    struct.pack(layout, value)
    for layout, value in (
        ("<I", 0), ("<I", 1), ("<I", 2**31 - 1), ("<I", 2**32 - 1), (">I", 2**31),
        ("<H", 0), ("<H", 2**16 - 1), ("<Q", 2**63), ("<d", float("nan")),
        ("<f", float("inf")), ("<i", -1),
    )
]  # fmt: skip

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "write", "drop"]),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(EXTREMES) | st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=4,
)


def spoil(content: bytes, changes: list[Change]) -> bytes:
    """Flip a bit, cut the end off, insert, overwrite or take out some bytes."""
    data = bytearray(content)
    for what, where, given_bytes in changes:
        place = int(where * max(1, len(data)))
        if what == "flip" and data:
            data[place] ^= 1 << given_bytes[0] % 8
        elif what == "cut":
            del data[place:]
        elif what == "insert":
            data[place:place] = given_bytes
        elif what == "write":
            data[place : place + len(given_bytes)] = given_bytes
        else:
            del data[place : place + len(given_bytes)]
    return bytes(data)


def answer(read: Callable[[], T]) -> T | None:
    """Return what was read, or None where it was refused in one line."""
    try:
        return read()
    except NapariUnetError as error:
        said = str(error).splitlines()
    assert len(said) == 1
    return None


def is_sound(model: Model | None) -> bool:
    """Whether a model that was read can be used, if one was."""
    if model is None:
        return True
    state = model.net.state_dict().values()
    return all(bool(torch.isfinite(v).all()) for v in state if v.is_floating_point())


@pytest.fixture(scope="module")
def files(good_model: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(good_model.iterdir())}


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
@FUZZ
@given(changes=CHANGES)
def test_model_folders(
    tmp_path_factory, files: dict[str, bytes], name: str, changes: list[Change]
) -> None:
    folder = tmp_path_factory.mktemp("model", numbered=True)
    for each, content in (files | {name: spoil(files[name], changes)}).items():
        (folder / each).write_bytes(content)
    assert is_sound(answer(lambda: load_model(folder)))


@FUZZ
@given(changes=CHANGES)
def test_headers_of_weights(
    tmp_path_factory, files: dict[str, bytes], changes: list[Change]
) -> None:
    folder = tmp_path_factory.mktemp("model", numbered=True)
    content = files["weights.safetensors"]
    end = 8 + int.from_bytes(content[:8], "little")
    header = spoil(content[8:end], changes)
    spoilt = struct.pack("<Q", len(header)) + header + content[end:]
    (folder / "model.json").write_bytes(files["model.json"])
    (folder / "weights.safetensors").write_bytes(spoilt)
    assert is_sound(answer(lambda: load_model(folder)))


@FUZZ
@given(changes=CHANGES)
def test_zips_of_models(
    tmp_path_factory, files: dict[str, bytes], changes: list[Change]
) -> None:
    path = tmp_path_factory.mktemp("zip", numbered=True) / "a.zip"
    path.write_bytes(spoil(zipped(files), changes))
    limits = {"members": 16, "member_bytes": 2**24, "total_bytes": 2**24}
    members = answer(lambda: read_zip(path, **limits))
    if members is not None:
        assert sum(map(len, members.values())) <= limits["total_bytes"]
        assert is_sound(answer(lambda: unpack_model(members, "a.zip")))


@pytest.fixture(scope="module")
def torch_file(good_model: Path) -> bytes:
    return saved(dict(load_model(good_model).net.state_dict()))


@FUZZ
@given(changes=CHANGES)
def test_files_of_torch(
    tmp_path_factory, good_model: Path, torch_file: bytes, changes: list[Change]
) -> None:
    path = tmp_path_factory.mktemp("torch", numbered=True) / "a.pt"
    path.write_bytes(spoil(torch_file, changes))
    spec = load_model(good_model).spec
    found = answer(lambda: import_weights(path, spec, "a"))
    assert is_sound(found and found[0])


def _region(points: np.ndarray, **options: Any) -> bytes:
    return roifile.ImagejRoi.frompoints(points, **options).tobytes()


SQUARE = np.array([[2, 1], [30, 1], [30, 20], [2, 20]])
REGIONS = [
    _region(SQUARE, name="cell"),
    _region(SQUARE + 0.25),
    roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, bottom=20, right=30).tobytes(),
]


@FUZZ
@given(content=st.sampled_from(REGIONS), changes=CHANGES, packed=st.booleans())
def test_regions(
    tmp_path_factory, content: bytes, changes: list[Change], packed: bool
) -> None:
    spoilt = spoil(content, changes)
    if packed:
        spoilt = zipped({"a.roi": spoilt, "b.roi": _region(SQUARE + np.array([0, 30]))})
    folder = tmp_path_factory.mktemp("roi", numbered=True)
    path = folder / ("a.zip" if packed else "a.roi")
    path.write_bytes(spoilt)
    labels = answer(lambda: read_rois(path, (64, 48)))
    if labels is not None:
        assert labels.shape == (64, 48)
        assert labels.dtype == np.int32
        assert set(np.unique(labels)) == ({0, 1, 2} if packed else {0, 1})


@FUZZ
@given(changes=CHANGES)
def test_zips_of_regions(tmp_path_factory, changes: list[Change]) -> None:
    path = tmp_path_factory.mktemp("roi", numbered=True) / "a.zip"
    path.write_bytes(spoil(zipped({"a.roi": REGIONS[0]}), changes))
    answer(lambda: read_rois(path, (64, 48)))


def _tiff(array: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def _pillow(array: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format=kind)
    return file.getvalue()


STACK = np.random.default_rng(0).integers(0, 9, (3, 20, 24), dtype=np.uint16)
IMAGES = [
    _tiff(STACK, photometric="minisblack"),
    _tiff(STACK, imagej=True, metadata={"axes": "ZYX", "unit": "um", "spacing": 2.0}),
    _tiff(STACK, ome=True, metadata={"axes": "TYX", "PhysicalSizeX": 0.5}),
    _tiff(
        STACK, compression="zlib", tile=(16, 16), bigtiff=True, photometric="minisblack"
    ),
    _tiff(STACK[0], compression="zlib", predictor=True, byteorder=">"),
    _tiff(STACK[0].astype(np.float32), rowsperstrip=4),
    _pillow(STACK[0].astype(np.uint8), "png"),
    _pillow(STACK[0].astype(np.uint8), "jpeg"),
    _pillow(STACK[0].astype(np.uint8), "bmp"),
    _pillow(STACK[0].astype(np.uint8), "gif"),
]


@pytest.mark.parametrize("number", range(len(IMAGES)))
@FUZZ
@given(changes=CHANGES)
def test_images(tmp_path_factory, number: int, changes: list[Change]) -> None:
    path = tmp_path_factory.mktemp("image", numbered=True) / "a.tif"
    content = spoil(IMAGES[number], changes)
    path.write_bytes(content)
    found = answer(lambda: read_image(path))
    if found is not None:
        assert found.array.size > 0
        assert found.array.dtype.kind in "uif"
        assert found.axes is None or len(found.axes) == found.array.ndim
        assert all(0 < size < 1e10 for size in found.pixel_size.values())


@pytest.mark.parametrize("codec", [None, Blosc(), Zstd(), GZip()])
@pytest.mark.parametrize("name", [".zarray", "0.0"])
@FUZZ
@given(changes=CHANGES)
def test_zarrs(tmp_path_factory, codec: Any, name: str, changes: list[Change]) -> None:
    path = save(tmp_path_factory.mktemp("zarr", numbered=True) / "a.zarr", codec)
    (path / name).write_bytes(spoil((path / name).read_bytes(), changes))
    found = answer(lambda: read_image(path))
    if found is not None:
        assert found.array.size > 0
        assert found.array.dtype.kind in "uif"


@pytest.mark.parametrize("suffix", ["tif", "png", "roi", "zip", "pt", "safetensors"])
@FUZZ
@given(content=st.binary(max_size=200))
def test_any_bytes(
    tmp_path_factory, good_model: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any", numbered=True) / f"a.{suffix}"
    path.write_bytes(content)
    if suffix in {"roi", "zip"}:
        assert answer(lambda: read_rois(path, (9, 9))) is None
    elif suffix in {"pt", "safetensors"}:
        spec = load_model(good_model).spec
        assert answer(lambda: import_weights(path, spec, "a")) is None
    else:
        answer(lambda: read_image(path))
