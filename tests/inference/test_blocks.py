"""An image in several blocks has the labels of an image in one."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.images.source import (
    ArrayImage,
    CanonicalImage,
    ImageSource,
)
from napari_unet.inference import blocks
from napari_unet.inference.blocks import BlockPlan, Cutting, plan_blocks
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.predict import predict
from napari_unet.inference.predict_block import iter_predict_block
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.io.samples import load_sample
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.device import choose_execution
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model, new_model
from tests.session.brightness import brightness_model, classes_model, values_model
from tests.tiny import make_disks, make_model


@pytest.fixture
def cut(monkeypatch):
    """Return a function after which planes are cut into blocks of some extent."""
    monkeypatch.setattr(blocks, "LARGEST_CACHED", 0)

    def shrink(core: int, margin: int = 24, dims: int = 2) -> None:
        cutting = Cutting(core, margin, margin // 2)
        monkeypatch.setattr(blocks, "LARGEST", dict.fromkeys((2, 3), 0))
        monkeypatch.setattr(blocks, "CUTTINGS", {dims: cutting})

    return shrink


def volume_model() -> Model:
    torch.manual_seed(0)
    architecture = UNetConfig(depth=1, base_channels=4, dims=3)
    # Peaks are many where a network has learned nothing.
    decoding = DistancesDecoding()
    spec = ModelSpec(name="volume", architecture=architecture, decoding=decoding)
    model = new_model(spec)
    with torch.no_grad():
        model.net.head.weight.mul_(30)
    return model


def planned(
    image: np.ndarray, axes: str, model: Model
) -> tuple[BlockPlan, CanonicalImage, PlanePredictor]:
    seen = CanonicalImage(ArrayImage(array=image), axes)
    cpu = choose_execution(torch.device("cpu"), full_precision=True)
    predictor = PlanePredictor(model, cpu)
    limits = [model.spec.normalization.limits(seen.channel(0))]
    plan = plan_blocks(seen, model.spec, predictor, limits=limits, raw=False, zoom=1.0)
    return plan, seen, predictor


def same_objects(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two label maps differ in nothing but the order of their ids."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    lasts = [len(np.unique(side)) for side in pairs]
    zeros = (pairs[0] == 0) == (pairs[1] == 0)
    return bool(zeros.all()) and lasts == [pairs.shape[1]] * 2


@pytest.mark.parametrize("extent", [96, 128, 150])
def test_objects_are_those_of_a_single_chunk(cut, extent: int) -> None:
    image = make_disks(256).image
    whole = predict(image, brightness_model(), device="cpu")
    cut(extent)
    found = predict(image, brightness_model(), device="cpu")
    assert whole.max() > 100
    assert same_objects(found, whole)


def test_chunks_give_the_same_ids_again(cut) -> None:
    image = make_disks(256).image
    cut(150)
    once, again = (predict(image, brightness_model(), device="cpu") for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_a_trained_model_finds_the_same_nuclei(cut) -> None:
    image = load_sample("nuclei")[0].image
    model = load_model("nuclei")
    # So large that nothing is zoomed: then it is the same to the pixel.
    asked = {"diameter": 30.0, "device": "cpu", "full_precision": True}
    whole = predict(image, model, **asked)
    cut(176, margin=48)
    assert len(planned(image, "YX", model)[0].blocks) > 4
    found = predict(image, model, **asked)
    assert whole.max() > 20
    assert same_objects(found, whole)


@pytest.mark.parametrize("model", [classes_model(), values_model("a", "b")])
@pytest.mark.parametrize(("shape", "axes"), [((90, 3, 100), "YTX"), ((100, 90), "XY")])
def test_classes_and_values_are_those_of_a_single_chunk(
    cut, model: Model, shape: tuple[int, ...], axes: str
) -> None:
    image = np.random.default_rng(0).random(shape)
    whole = predict(image, model, axes=axes, device="cpu", full_precision=True)
    cut(64, margin=0)
    found = predict(image, model, axes=axes, device="cpu", full_precision=True)
    np.testing.assert_allclose(found, whole, atol=1e-3)


def test_volumes_are_cut_along_all_axes(cut) -> None:
    image = np.zeros((40, 40, 40))
    for z, y, x in np.ndindex(3, 3, 3):
        corner = 13 * np.array([z, y, x]) + 3
        image[tuple(slice(n, n + 5) for n in corner)] = 1
    model = volume_model()
    asked = {"axes": "ZYX", "device": "cpu", "full_precision": True, "diameter": 5.0}
    whole = predict(image, model, **asked)
    cut(24, margin=8, dims=3)
    assert len(planned(image, "ZYX", model)[0].blocks) == 8
    assert whole.max() > 20
    assert same_objects(predict(image, model, **asked), whole)


def test_blocks_are_predicted_in_any_order_and_again(cut) -> None:
    image = make_disks(256).image
    cut(96)
    plan, seen, predictor = planned(image, "YX", brightness_model())
    count = len(plan.blocks)
    assert count > 4

    def predicted(order) -> dict[int, np.ndarray]:
        return {
            n: drain(iter_predict_block(plan, n, seen, predictor)).values for n in order
        }

    first, again = predicted(range(count)), predicted(reversed(range(count)))
    for number in range(count):
        np.testing.assert_array_equal(first[number], again[number])


def test_zoomed_planes_are_cut_as_well(cut) -> None:
    image = make_disks(256, pitch=32, radius=10).image
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (9.0, 12.0)})
    asked = {"device": "cpu", "full_precision": True, "diameter": 20.0}
    model = Model(known, model.net)
    whole = predict(image, model, **asked)
    cut(48)
    assert whole.max() == 64
    found = predict(image, model, **asked)
    assert same_objects(found, whole)


def test_linked_sections_keep_their_objects(cut) -> None:
    image = np.stack([make_disks(160).image] * 2)
    whole = predict(image, brightness_model(), axes="ZYX", device="cpu")
    cut(100)
    found = predict(image, brightness_model(), axes="ZYX", device="cpu")
    np.testing.assert_array_equal(found[0], found[1])
    assert same_objects(found, whole)


def test_what_fits_is_one_chunk_a_plane_and_a_plan_can_be_sent() -> None:
    image = np.random.default_rng(0).random((3, 50, 60))
    plan, *_ = planned(image, "TYX", make_model())
    assert [block.core for block in plan.blocks] == [Box.whole((50, 60))] * 3
    assert all(block.core == block.decoded == block.read for block in plan.blocks)
    assert pickle.loads(pickle.dumps(plan)) == plan


class InPieces:
    """An image that only gives regions, as one that is larger than memory does."""

    axes = "TYX"
    pixel_size: Mapping[str, float] = {}

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype, self.levels = array.shape, array.dtype, (array.shape,)
        self.asked: list[Box] = []

    def read(self, region: Box, level: int = 0) -> np.ndarray:
        assert level == 0
        self.asked.append(region)
        return self._array[region.slices].copy()


def test_a_source_is_read_by_regions_and_gives_the_labels_of_its_array(cut) -> None:
    frames = np.stack([make_disks(144).image] * 2)
    cut(100)
    expected = predict(frames, brightness_model(), axes="TYX", device="cpu")
    source = InPieces(frames)
    assert isinstance(source, ImageSource)
    found = predict(source, brightness_model(), device="cpu")
    np.testing.assert_array_equal(found, expected)
    # Once for its statistics; everything else is a plane, or a part of one.
    assert sum(box.shape[0] == 2 for box in source.asked) == 1
    assert any(box.shape[1] < 144 for box in source.asked)


def test_networks_that_see_everything_are_not_cut(cut) -> None:
    cut(64)
    image = np.random.default_rng(0).random((200, 200))
    plan, *_ = planned(image, "YX", make_model(norm="group"))
    assert len(plan.blocks) == 1
    plan, *_ = planned(image, "YX", make_model())
    assert len(plan.blocks) > 1


def test_cores_cover_every_pixel_once_and_reads_keep_the_grid(cut) -> None:
    cut(90, margin=10)
    model = make_model(depth=3)
    plan, _, predictor = planned(np.eye(301)[:, :250], "YX", model)
    seen = np.zeros((301, 250), int)
    for block in plan.blocks:
        seen[block.core.slices] += 1
        assert block.read.contains(block.decoded)
        assert block.decoded.contains(block.core)
        assert not any(n % predictor.stride for n in block.read.start)
    assert (seen == 1).all()
