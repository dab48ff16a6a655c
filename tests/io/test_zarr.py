"""Zarr arrays and OME-Zarr images are read as other images are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numcodecs import LZ4, Blosc, GZip, Zlib, Zstd

from napari_unet.errors import InputError
from napari_unet.io.labels import read_ids
from napari_unet.io.pairing import by_stem, list_images, pair_by_stem
from napari_unet.io.read import read_image
from napari_unet.io.zarr import Inside, look_inside
from tests.io.format_cases import PLANE as SMALL
from tests.io.format_cases import container, plate

PLANE = np.random.default_rng(0).integers(0, 999, (50, 70), dtype=np.uint16)
EMPTY = np.zeros((300, 300), np.uint8)


def save(path: Path, array: np.ndarray, version: Any = 3, **options: Any) -> Path:
    options = {"chunks": tuple(min(32, n) for n in array.shape)} | options
    zarr.create_array(store=str(path), data=array, zarr_format=version, **options)
    return path


def save_ome(path: Path, array: np.ndarray, axes: str, version: int) -> Path:
    """Write an image of two levels as OME-Zarr 0.4 (zarr 2) or 0.5 (zarr 3)."""
    named = [
        {"name": axis, "type": "space", "unit": "micrometer"} if axis in "zyx"
        else {"name": axis}
        for axis in axes
    ]  # fmt: skip
    levels = [
        {
            "path": name,
            "coordinateTransformations": [
                {"type": "scale", "scale": [scale if a in "zyx" else 1 for a in axes]}
            ],
        }
        for name, scale in (("fine", 0.5), ("coarse", 1.0))
    ]
    scales = [{"version": "0.4", "axes": named, "datasets": levels}]
    group = zarr.create_group(store=str(path), zarr_format=version)  # type: ignore[arg-type]
    if version == 2:
        group.attrs["multiscales"] = scales
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": scales}
    save(path / "fine", array, version)
    save(path / "coarse", array[..., ::2, ::2], version)
    return path


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "int32", "float32", "float64", ">u2"]
)
def test_an_array(tmp_path: Path, version: int, dtype: str) -> None:
    if version == 3 and dtype.startswith(">"):
        pytest.skip("zarr 3 says the order of bytes in a codec")
    array = PLANE.astype(dtype)
    found = read_image(save(tmp_path / "a.zarr", array, version))
    np.testing.assert_array_equal(found.array, array)
    assert found.array.dtype.isnative
    assert found.axes is None


@pytest.mark.parametrize("codec", [None, Blosc(), Zstd(), GZip(), Zlib(), LZ4()])
@pytest.mark.parametrize("array", [PLANE, EMPTY])
def test_what_chunks_are_packed_with(tmp_path: Path, codec: Any, array: Any) -> None:
    path = save(tmp_path / "a.zarr", array, 2, compressors=codec)
    np.testing.assert_array_equal(read_image(path).array, array)


@pytest.mark.parametrize(
    "codec",
    [
        zarr.codecs.BloscCodec(),
        zarr.codecs.GzipCodec(),
        zarr.codecs.ZstdCodec(checksum=True),
        [zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec()],
    ],
)
def test_what_chunks_of_version_3_are_packed_with(tmp_path: Path, codec: Any) -> None:
    path = save(tmp_path / "a.zarr", PLANE, compressors=codec)
    np.testing.assert_array_equal(read_image(path).array, PLANE)


def test_large_chunks_that_shrink_to_nothing(tmp_path: Path) -> None:
    array = np.zeros((2000, 2000), np.uint16)
    array[0, 0] = 1
    for number, codec in enumerate((Blosc(), Zstd(), GZip(9))):
        path = tmp_path / f"{number}.zarr"
        save(path, array, 2, compressors=codec, chunks=array.shape)
        np.testing.assert_array_equal(read_image(path).array, array)


@pytest.mark.parametrize("version", [2, 3])
def test_the_finest_level_of_an_ome_zarr(tmp_path: Path, version: int) -> None:
    found = read_image(save_ome(tmp_path / "a.zarr", PLANE, "yx", version))
    np.testing.assert_array_equal(found.array, PLANE)
    assert found.axes == "YX"
    assert found.pixel_size == {"Y": 0.5, "X": 0.5}


def test_axes_with_one_plane_are_left_out(tmp_path: Path) -> None:
    stack = np.stack([PLANE] * 3)[None, None]
    found = read_image(save_ome(tmp_path / "a.zarr", stack, "tczyx", 3))
    assert (found.axes, found.array.shape) == ("ZYX", (3, 50, 70))


def test_labels(tmp_path: Path) -> None:
    labels = read_ids(save_ome(tmp_path / "a.zarr", PLANE[None], "cyx", 2))
    np.testing.assert_array_equal(labels, PLANE)


def test_chunks_that_are_not_there_are_0(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PLANE)
    (path / "c" / "0" / "0").unlink()
    found = read_image(path).array
    assert not found[:32, :32].any()
    np.testing.assert_array_equal(found[32:], PLANE[32:])


def test_zarrs_in_a_folder_are_images(tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "a.zarr", PLANE)
    images, labels = tmp_path / "images", tmp_path / "labels"
    assert list_images(images) == [images / "a.zarr"]
    assert list_images(images / "a.zarr") == [images / "a.zarr"]
    assert pair_by_stem(images, labels) == [(images / "a.zarr", labels / "a.zarr")]


def test_a_group_of_something_else(tmp_path: Path) -> None:
    zarr.create_group(store=str(tmp_path / "a.zarr"))
    with pytest.raises(InputError, match="name the array inside"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("where", ["start", "end"])
def test_shards(tmp_path: Path, where: Any) -> None:
    shards = {"shape": (32, 32), "index_location": where}
    path = save(tmp_path / "a.zarr", PLANE, chunks=(8, 8), shards=shards)
    np.testing.assert_array_equal(read_image(path).array, PLANE)


def test_shards_in_shards_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PLANE, chunks=(8, 8), shards=(32, 32))
    content = json.loads((path / "zarr.json").read_text())
    outer = content["codecs"][0]["configuration"]
    outer["codecs"] = [json.loads(json.dumps(content["codecs"][0]))]
    (path / "zarr.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="sharding_indexed"):
        read_image(path)


def test_a_folder_that_only_calls_itself_a_zarr(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="found neither"):
        read_image(tmp_path / "a.zarr")


def test_other_axes_are_not_guessed(tmp_path: Path) -> None:
    path = save_ome(tmp_path / "a.zarr", PLANE, "yx", 3)
    content = json.loads((path / "zarr.json").read_text())
    content["attributes"]["ome"]["multiscales"][0]["axes"] = ["angle", "x"]
    (path / "zarr.json").write_text(json.dumps(content))
    assert read_image(path).axes is None


def test_an_array_may_name_its_axes(tmp_path: Path) -> None:
    stack = np.zeros((3, 50, 70), np.uint8)
    new = save(tmp_path / "a.zarr", stack, dimension_names=["time", "y", "x"])
    named = {"_ARRAY_DIMENSIONS": ["channel", "lat", "lon"]}
    xarray = save(tmp_path / "b.zarr", stack, 2, attributes=named)
    strange = save(tmp_path / "c.zarr", stack, dimension_names=["dim_0", None, "x"])
    found = [read_image(path).axes for path in (new, xarray, strange)]
    assert found == ["TYX", "CYX", None]


def test_zarr_is_imported_when_it_is_needed() -> None:
    code = "import sys, napari_unet.io.read; print('zarr' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_image_in_a_container(tmp_path: Path) -> None:
    container(tmp_path / "a.zarr", 1)
    found = read_image(tmp_path / "a.zarr")
    np.testing.assert_array_equal(found.array, SMALL)
    assert (found.axes, found.note) == ("YX", None)
    assert list_images(tmp_path / "a.zarr") == [tmp_path / "a.zarr"]
    container(tmp_path / "b.zarr", 12)
    images = list_images(tmp_path / "b.zarr")
    assert [path.name for path in images] == [str(n) for n in range(12)]
    assert "12 images" in str(read_image(tmp_path / "b.zarr").note)


def test_fields_of_a_plate_are_images_and_named(tmp_path: Path) -> None:
    path = tmp_path / "p.ome.zarr"
    plate(path)
    fields = list_images(path)
    assert list_images(path / "A" / "2") == fields[2:]
    names = ["p_A_1_0", "p_A_1_1", "p_A_2_0", "p_A_2_1"]
    assert list(by_stem(fields)) == names
    np.testing.assert_array_equal(read_image(fields[0]).array, SMALL)
    with pytest.raises(InputError, match=r"A/1/0"):
        read_image(path)


def test_groups_above_name_an_image_too(tmp_path: Path) -> None:
    plate(tmp_path / "plate")
    names = list(by_stem(list_images(tmp_path / "plate")))
    assert names[0] == "plate_A_1_0"
    assert list(by_stem([tmp_path / "plain.tif"])) == ["plain"]


def test_labels_beside_an_image_are_named(tmp_path: Path) -> None:
    path = save_ome(tmp_path / "a.zarr", PLANE, "yx", 2)
    group = zarr.create_group(store=str(path / "labels"), zarr_format=2)
    group.attrs["labels"] = ["cells"]
    save_ome(path / "labels" / "cells", PLANE, "yx", 2)
    with pytest.raises(InputError, match=r"labels/cells"):
        read_image(path / "labels")
    np.testing.assert_array_equal(read_ids(path / "labels" / "cells"), PLANE)


def test_old_images_without_names_of_axes(tmp_path: Path) -> None:
    path = save_ome(tmp_path / "a.zarr", PLANE[None, None, None], "tczyx", 2)
    scales = zarr.open_group(str(path)).attrs["multiscales"]
    scales[0].pop("axes")
    zarr.open_group(str(path)).attrs["multiscales"] = scales
    assert read_image(path).axes == "YX"


@pytest.mark.parametrize(
    "attributes",
    [
        {"plate": {"wells": [{"path": "../../elsewhere"}]}},
        {"well": {"images": [{"path": "/etc"}]}},
    ],
)
def test_a_plate_leads_nowhere_else(tmp_path: Path, attributes: Any) -> None:
    group = zarr.create_group(store=str(tmp_path / "a.zarr"), zarr_format=2)
    group.attrs.update(attributes)
    with pytest.raises(InputError, match="lead out of it"):
        list_images(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "attributes",
    [
        {"plate": 3},
        {"plate": {"wells": "A"}},
        {"plate": {"wells": [1, {}, {"path": 2}]}},
        {"well": None},
        {"bioformats2raw.layout": 3},
    ],
)
def test_nonsense_in_a_group_is_refused(tmp_path: Path, attributes: Any) -> None:
    group = zarr.create_group(store=str(tmp_path / "a.zarr"), zarr_format=2)
    group.attrs.update(attributes)
    assert list_images(tmp_path / "a.zarr") == [tmp_path / "a.zarr"]
    with pytest.raises(InputError):
        read_image(tmp_path / "a.zarr")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_field_that_is_a_link_to_elsewhere(tmp_path: Path) -> None:
    plate(tmp_path / "a.zarr")
    plate(tmp_path / "b.zarr", wells="3")
    (tmp_path / "a.zarr" / "A" / "2").rename(tmp_path / "old")
    (tmp_path / "a.zarr" / "A" / "2").symlink_to(tmp_path / "b.zarr" / "A" / "3")
    with pytest.raises(InputError, match="leads out of it"):
        list_images(tmp_path / "a.zarr")


def save_labels(path: Path, *names: str) -> Path:
    """Write labels without an image, as predictions of large images are written."""
    root = zarr.create_group(store=str(path), zarr_format=3)
    root.attrs["ome"] = {"version": "0.5"}
    listed = root.create_group("labels")
    listed.attrs["ome"] = {"version": "0.5", "labels": list(names)}
    for name in names:
        save_ome(path / "labels" / name, SMALL, "yx", 3)
    return path


def test_what_a_zarr_holds(tmp_path: Path) -> None:
    image = save_ome(tmp_path / "image.zarr", SMALL, "yx", 3)
    assert look_inside(image) == Inside(image=True, labels=(), plain=True)
    array = save(tmp_path / "array.zarr", SMALL)
    assert look_inside(array) == Inside(image=True, labels=(), plain=True)
    both = save_labels(tmp_path / "both.zarr", "cells")
    zarr.open_group(str(both)).attrs["ome"] = zarr.open_group(str(image)).attrs["ome"]
    cells = both / "labels" / "cells"
    assert look_inside(both) == Inside(image=True, labels=(cells,), plain=False)
    plate(tmp_path / "plate.zarr")
    found = look_inside(tmp_path / "plate.zarr")
    assert found == Inside(image=True, labels=(), plain=False)
    (tmp_path / "empty.zarr").mkdir()
    assert not look_inside(tmp_path / "empty.zarr").image


def test_labels_without_an_image_are_told_from_images(tmp_path: Path) -> None:
    path = save_labels(tmp_path / "result.zarr", "cells", "nuclei")
    maps = (path / "labels" / "cells", path / "labels" / "nuclei")
    assert look_inside(path) == Inside(image=False, labels=maps, plain=False)
    assert look_inside(path / "labels").labels == maps
    with pytest.raises(InputError, match=r"labels/cells', .* and no image"):
        read_image(path)
    outside = save_labels(tmp_path / "outside.zarr", "../../image.zarr")
    with pytest.raises(InputError, match="lead out"):
        look_inside(outside)
