"""Files of microscopes are read by regions; the kind is known by the content."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import bioio_lif
import liffile
import nd2
import numpy as np
import pytest

from napari_unet.errors import InputError, UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.io import open_source
from napari_unet.io.microscope import kind_of
from napari_unet.io.pairing import list_images
from napari_unet.io.read import read_header, read_image
from tests.io.lif_file import save_lif
from tests.io.nd2_file import save_nd2

STACK = np.random.default_rng(0).integers(0, 250, (2, 3, 40, 50)).astype(np.uint8)
REGION = Box((1, 1, 5, 6), (2, 3, 30, 20))


def test_what_others_read_of_the_file_of_this_test(tmp_path: Path) -> None:
    path = save_lif(tmp_path / "a.lif", [STACK], "CZYX")
    with liffile.LifFile(path) as file:
        np.testing.assert_array_equal(file.images[0].asarray(), STACK)


def test_regions_of_a_lif(tmp_path: Path) -> None:
    path = save_lif(tmp_path / "a.lif", [STACK, STACK[:, :1]], "CZYX")
    source = pickle.loads(pickle.dumps(open_source(path)))
    assert (source.axes, source.shape, source.dtype) == ("CZYX", STACK.shape, np.uint8)
    assert source.pixel_size == pytest.approx({"Z": 2, "Y": 2, "X": 2})
    assert "holds 2 images" in str(source.note)
    np.testing.assert_array_equal(source.read(REGION), STACK[REGION.slices])
    assert source.missing(REGION) == ()
    before = source.fingerprint()
    source.close()
    np.testing.assert_array_equal(read_image(path).array, STACK)
    header = read_header(path)
    assert (header.axes, header.channels) == ("CZYX", ("Green", "Green"))
    assert list_images(tmp_path) == [path]
    path.write_bytes(path.read_bytes() + b"\0")
    assert source.fingerprint() != before


def test_regions_of_an_nd2(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 60_000, (3, 2, 40, 50))
    path = save_nd2(tmp_path / "a.nd2", frames)
    with nd2.ND2File(path) as file:
        np.testing.assert_array_equal(file.asarray(), frames)
    source = pickle.loads(pickle.dumps(open_source(path)))
    assert (source.axes, source.shape, source.dtype) == ("TCYX", frames.shape, "u2")
    assert source.piece == (1, 2, 40, 50)
    assert source.channels == ()
    assert (source.pixel_size["Y"], source.pixel_size["X"]) == (0.5, 0.5)
    region = Box((1, 1, 5, 6), (3, 2, 30, 20))
    np.testing.assert_array_equal(source.read(region), frames[region.slices])
    np.testing.assert_array_equal(read_image(path).array, frames)


def test_only_planes_of_a_region_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_lif(tmp_path / "a.lif", [STACK], "CZYX")
    source = open_source(path)
    assert source.piece == (1, 1, 40, 50)
    planes: list[int] = []
    read = bioio_lif.Reader._get_image_data

    def counted(*what: Any, **named: Any) -> Any:
        planes.append(1)
        return read(*what, **named)

    monkeypatch.setattr(bioio_lif.Reader, "_get_image_data", staticmethod(counted))
    source.read(REGION)
    assert len(planes) == 2


def test_a_plane_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_lif(tmp_path / "a.lif", [STACK], "CZYX")

    def fail(*what: Any, **named: Any) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(bioio_lif.Reader, "_get_image_data", staticmethod(fail))
    with open_source(path) as source, pytest.raises(UnreadableRegion) as caught:
        source.read(REGION)
    assert caught.value.path == str(path)
    assert caught.value.reason == "the disk is gone"
    assert "1:2 x 1:3 x 5:30 x 6:20" in caught.value.piece


def test_the_content_decides(tmp_path: Path) -> None:
    path = save_lif(tmp_path / "a.bin", [STACK[0]], "ZYX")
    assert open_source(path).axes == "ZYX"


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = save_lif(tmp_path / "a.lif", [STACK], "CZYX")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="incomplete or damaged"):
        open_source(path)


@pytest.mark.parametrize(
    ("content", "module", "remedy"),
    [
        (
            b"\xda\xce\xbe\x0a" + bytes(40),
            "bioio_nd2",
            r"pip install \"\.\[formats\]\"",
        ),
        (b"\x70\0\0\0" + bytes(40), "bioio_lif", r"pip install \"\.\[formats\]\""),
        (b"ZISRAWFILE" + bytes(40), "bioio_czi", "pip install bioio-czi"),
    ],
)
def test_without_its_reader(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    module: str,
    remedy: str,
) -> None:
    path = tmp_path / "a.file"
    path.write_bytes(content + bytes(40))
    kind = kind_of(path)
    assert kind is not None
    assert kind.module == module
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=remedy) as caught:
        open_source(path)
    assert kind.name in str(caught.value)
