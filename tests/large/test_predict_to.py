"""Labels of an image in blocks are those of the image in memory."""

from __future__ import annotations

import itertools
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr

from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.inference.blocks import Cutting
from napari_unet.inference.predict import predict
from napari_unet.io import open_source, read_label_file
from napari_unet.large import predict_to
from napari_unet.large.folder import RunFolder
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import Model
from tests.inference.test_blocks import volume_model
from tests.large.scenes import asked, crossing, labels_of, predicted, same_partition
from tests.session.brightness import brightness_model, classes_model, values_model


def saved(path: Path, image: np.ndarray, axes: str) -> Path:
    tifffile.imwrite(path, image, metadata={"axes": axes}, photometric="minisblack")
    return path


@pytest.mark.parametrize(
    "shape", [(300, 283), (65, 257), (64, 64), (1, 200), (129, 1), (192, 128)]
)
def test_objects_are_those_of_the_image_in_memory(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    image = crossing(shape)
    whole = predict(image, brightness_model(), device="cpu", diameter=20.0)
    path = saved(tmp_path / "big.tif", image, "YX")
    found = predicted(path, tmp_path / "out", diameter=20.0)
    labels = labels_of(found)
    assert same_partition(labels, whole)
    assert found.objects == labels.max() == len(np.unique(whole[whole > 0]))
    assert labels.dtype == np.int32


@pytest.mark.parametrize("made", ["numpy", "dask", "xarray", "zarr"])
def test_arrays_of_python_are_images(tmp_path: Path, made: str) -> None:
    pixels = crossing((60, 50))
    given = {
        "numpy": lambda: pixels,
        "dask": lambda: da.from_array(pixels, chunks=32),
        "xarray": lambda: xr.DataArray(pixels, dims=("y", "x")),
        "zarr": lambda: zarr.array(pixels, chunks=(32, 32)),
    }[made]()
    found = predict_to(given, brightness_model(), tmp_path, name="a", device="cpu")
    assert found.objects == len(np.unique(labels_of(found))) - 1 == 3


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    for nothing in (None, "abc.tif", {}):
        with pytest.raises(InputError):
            predict_to(nothing, brightness_model(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_do_not_depend_on_chunks_or_format(tmp_path: Path) -> None:
    path = saved(tmp_path / "big.tif", crossing((300, 283)), "YX")
    first = labels_of(predicted(path, tmp_path / "a", chunk=64))
    for number, chunk in enumerate((1, 100, 128, 10_000)):
        again = predicted(path, tmp_path / str(number), chunk=chunk)
        np.testing.assert_array_equal(labels_of(again), first)
    tiff = predicted(path, tmp_path / "tiff", output_format="tiff")
    np.testing.assert_array_equal(labels_of(tiff), first)
    with tifffile.TiffFile(tiff.labels) as file:
        assert file.is_bigtiff
        assert file.pages.first.is_tiled
    assert [each.name for each in (tmp_path / "tiff").iterdir()] == ["big.tif"]


def test_one_object_through_all_blocks_is_one(tmp_path: Path) -> None:
    # A comb: its teeth meet in one place, far from where most blocks see them.
    image = np.zeros((260, 300), np.uint16)
    image[:, 4::24] = image[:, 5::24] = image[:, 6::24] = 200
    image[-3:] = 200
    found = predicted(image_source(image), tmp_path / "out", name="comb", diameter=20.0)
    assert found.objects == 1
    np.testing.assert_array_equal(labels_of(found) > 0, image > 0)


def image_source(image: np.ndarray, axes: str = "YX"):
    from napari_unet.images.source import ArrayImage

    return ArrayImage(array=image, axes=axes)


ORDERS = ["TYX", "YXT", "ZYX", "YXZ", "CYX", "YXC", "TZYX", "ZTXY", "TCZYX", "XYZCT"]


@pytest.mark.parametrize("axes", ORDERS)
def test_axes_in_every_order(tmp_path: Path, axes: str) -> None:
    extents = {"T": 2, "C": 2, "Z": 3, "Y": 90, "X": 110}
    canonical = np.zeros([extents[a] if a in axes else 1 for a in "TCZYX"], np.uint16)
    for n, place in enumerate(itertools.product(*map(range, canonical.shape[:3]))):
        canonical[place] = np.roll(crossing((90, 110), 30), 4 * n, axis=0)
    order = ["TCZYX".index(a) for a in axes]
    others = tuple(n for n in range(5) if n not in order)
    image = canonical.transpose(*others, *order).reshape(
        [canonical.shape[n] for n in order]
    )
    channel = "2" if "C" in axes else None
    asked_for = {"axes": axes, "diameter": 20.0, "channel": channel}
    model = brightness_model()
    whole = predict(image, model, device="cpu", **asked_for)
    source = image_source(image, axes)
    found = predicted(source, tmp_path / "o", model, name="o", **asked_for)
    kept = result_axes(axes)
    turned = whole.transpose([kept.index(a) for a in "TZYX" if a in kept])
    assert same_partition(labels_of(found), turned)


@pytest.mark.parametrize("model", [classes_model(), values_model("a", "b")])
def test_classes_and_values(tmp_path: Path, model: Model) -> None:
    image = np.stack([crossing((150, 140)), crossing((150, 140), 30)])
    options = {"axes": "TYX", "full_precision": True}
    whole = predict(image, model, device="cpu", **options)
    source = image_source(image, "TYX")
    found = predicted(source, tmp_path / "o", model, name="o", **options)
    labels = labels_of(found)
    if whole.dtype == np.float32:
        whole = np.moveaxis(whole, 0, 1)
    assert labels.dtype == whole.dtype
    np.testing.assert_allclose(labels, whole, atol=1e-3)
    assert found.objects is None


def test_probabilities_are_values(tmp_path: Path) -> None:
    image = crossing((100, 90))
    model = brightness_model()
    asked_for = {"probabilities": True, "full_precision": True}
    whole = predict(image, model, device="cpu", **asked_for)
    found = predicted(image_source(image), tmp_path / "o", name="o", **asked_for)
    np.testing.assert_allclose(labels_of(found), whole, atol=1e-3)


def test_networks_of_three_dimensions(tmp_path: Path) -> None:
    model = volume_model()
    image = np.zeros((40, 40, 40))
    for corner in itertools.product((3, 16, 29), repeat=3):
        image[tuple(slice(n, n + 5) for n in corner)] = 1
    asked_for = {"axes": "ZYX", "full_precision": True, "diameter": 5.0}
    whole = predict(image, model, device="cpu", **asked_for)
    source = image_source(image, "ZYX")
    cutting = Cutting(core=24, margin=8, band=4)
    options = {"name": "o", "cutting": cutting, **asked_for}
    found = predicted(source, tmp_path / "o", model, **options)
    assert found.blocks == 8
    assert same_partition(labels_of(found), whole)


def test_zoomed_planes(tmp_path: Path) -> None:
    model = brightness_model()
    spec: ModelSpec = model.spec.model_copy(update={"diameters": (9.0, 12.0)})
    model = Model(spec, model.net)
    image = crossing((300, 283))
    asked_for = {"diameter": 24.0, "full_precision": True}
    whole = predict(image, model, device="cpu", **asked_for)
    source = image_source(image)
    found = predicted(source, tmp_path / "o", model, name="o", **asked_for)
    labels = labels_of(found)
    assert same_partition(labels, whole)
    once = predicted(source, tmp_path / "p", model, name="o", chunk=500, **asked_for)
    np.testing.assert_array_equal(labels_of(once), labels)


def test_an_ome_zarr_has_a_pyramid_and_sizes(tmp_path: Path) -> None:
    image = np.zeros((60, 2500), np.uint16)
    image[20:40, ::3] = 200
    path = tmp_path / "big.zarr"
    zarr.create_array(path, data=image, chunks=(32, 500))
    found = predicted(path, tmp_path / "out", pixel_size=0.5, diameter=20.0)
    group = zarr.open_group(found.labels, mode="r")["labels/cells"]
    said = group.attrs["ome"]["multiscales"][0]
    full = group["0"][...]
    assert [each["path"] for each in said["datasets"]] == ["0", "1", "2"]
    for number, each in enumerate(said["datasets"]):
        scale = each["coordinateTransformations"][0]["scale"]
        assert scale == [0.5 * 2**number] * 2
        np.testing.assert_array_equal(
            group[str(number)], full[:: 2**number, :: 2**number]
        )
    np.testing.assert_array_equal(read_label_file(found.labels).array, full)
    with open_source(Path(found.labels) / "labels" / "cells") as source:
        assert source.levels == ((60, 2500), (30, 1250), (15, 625))


def test_the_only_channel_may_be_named(tmp_path: Path) -> None:
    """Also where there is no axis of channels."""
    path = saved(tmp_path / "big.tif", crossing((300, 283)), "YX")
    named = predicted(path, tmp_path / "named", channel="1")
    np.testing.assert_array_equal(
        labels_of(named), labels_of(predicted(path, tmp_path / "usual"))
    )
    with pytest.raises(InputError, match="1 channel"):
        predicted(path, tmp_path / "other", channel="2")


def test_what_was_left_at_the_end_goes_with_the_next_call(tmp_path: Path) -> None:
    path = saved(tmp_path / "big.tif", crossing((300, 283)), "YX")
    found = predicted(path, tmp_path / "out")
    left = RunFolder.beside(Path(found.labels))
    left.folder.mkdir()
    assert predicted(path, tmp_path / "out").was_there
    assert not left.folder.exists()


def test_an_empty_image_gives_an_empty_result(tmp_path: Path) -> None:
    found = predicted(image_source(np.ones((200, 100))), tmp_path / "o", name="o")
    assert (found.objects, found.computed) == (0, 0)
    assert not labels_of(found).any()


def test_a_plan_says_what_would_be_done(tmp_path: Path) -> None:
    from napari_unet.large import plan_in_short

    path = saved(tmp_path / "big.tif", crossing((300, 283)), "YX")
    plan = plan_in_short(asked(path, tmp_path / "out", chunk=128))
    assert (plan.blocks, plan.chunks, plan.missing) == (25, 9, 25)
    assert (plan.shape, plan.block, plan.zoom) == ((300, 283), (64, 64), 1.0)
    assert not (tmp_path / "out").exists()
