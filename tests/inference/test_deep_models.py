"""Volumes whose voxels are no cubes are zoomed axis by axis."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain
from napari_unet.images.source import ArrayImage, CanonicalImage, anisotropy_of
from napari_unet.inference.blocks import BlockPlan, Cutting, plan_blocks
from napari_unet.inference.events import Sized
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.model_input import (
    NEAR_ENOUGH,
    resize,
    sample_labels,
    zoom_along_z,
)
from napari_unet.inference.predict import iter_predict, predict
from napari_unet.inference.predict_block import iter_block_maps
from napari_unet.learning.data import annotated_planes
from napari_unet.models.architectures.subpixel import SubpixelConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.device import choose_execution
from napari_unet.scores.metrics import evaluate
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model, new_model


def deep_model(**sizes: tuple[float, float]) -> Model:
    torch.manual_seed(0)
    architecture = SubpixelConfig(depth=1, base_channels=4, dims=3)
    return new_model(ModelSpec(name="deep", architecture=architecture, **sizes))


def image_of(array: np.ndarray, z: float, yx: float) -> ArrayImage:
    size = {"Z": z, "Y": yx, "X": yx}
    return ArrayImage(array=array, axes="ZYX", pixel_size=size)


def plan(image: ArrayImage, model: Model, zoom: float, **cutting) -> BlockPlan:
    seen = CanonicalImage(image, "ZYX")
    cpu = choose_execution(torch.device("cpu"), full_precision=True)
    predictor = PlanePredictor(model, cpu)
    return plan_blocks(
        seen,
        model.spec,
        predictor,
        limits=[(0.0, 1.0)],
        raw=False,
        zoom=zoom,
        **cutting,
    )


@given(st.floats(0.2, 4), st.floats(0.1, 40))
def test_planes_come_as_near_as_the_model_knows_them(zoom: float, spacing: float):
    along = zoom_along_z(zoom, spacing, (1.0, 5.0))
    seen = spacing * zoom / along
    if 1 / 8 < along < 4:
        assert 1 / NEAR_ENOUGH - 1e-9 <= seen <= 5 * NEAR_ENOUGH + 1e-9
    if 1 <= spacing * zoom <= 5:
        assert along == 1


def test_without_a_known_range_shapes_are_kept() -> None:
    assert zoom_along_z(0.5, 3.0, None) == 0.5
    assert zoom_along_z(1.0, None, (1.0, 5.0)) == 1.0
    assert anisotropy_of({"Z": 2.0, "X": 0.5}) == 4.0
    assert anisotropy_of({"X": 0.5}) is None


def test_a_volume_is_planned_axis_by_axis() -> None:
    image = image_of(np.zeros((8, 40, 40), np.float32), 4.0, 0.5)
    assert plan(image, deep_model(spacings=(1, 5)), 1.0).zooms == (1.6, 1.0, 1.0)
    assert plan(image, deep_model(spacings=(1, 5)), 0.5).zooms == (1.0, 0.5, 0.5)
    assert plan(image, deep_model(), 1.0).zooms == (1.0, 1.0, 1.0)
    flat = new_model(ModelSpec(name="flat"))
    assert plan(image, flat, 0.5).zooms == (0.5, 0.5)


@torch.no_grad()
def test_blocks_of_a_zoomed_volume_have_the_maps_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    image = image_of(rng.random((12, 44, 40), np.float32), 4.0, 0.5)
    model = deep_model(spacings=(1, 5))
    cpu = choose_execution(torch.device("cpu"), full_precision=True)
    predictor = PlanePredictor(model, cpu)
    seen = CanonicalImage(image, "ZYX")
    one = plan(image, model, 1.0)
    whole = drain(iter_block_maps(one, one.blocks[0], seen, predictor))
    assert whole.shape[1:] == (19, 44, 40)
    parts = plan(image, model, 1.0, cutting=Cutting(16, 4, 2))
    assert len(parts.blocks) == 2 * 3 * 3
    for block in parts.blocks:
        maps = drain(iter_block_maps(parts, block, seen, predictor))
        expected = whole[:, *block.part.seen.slices]
        np.testing.assert_allclose(maps, expected, atol=1e-4)


def test_large_volumes_are_cut(monkeypatch) -> None:
    monkeypatch.setattr("napari_unet.inference.blocks.LARGEST", {3: 2**18})
    monkeypatch.setattr("napari_unet.inference.blocks.CUTTINGS", {3: Cutting(32, 8, 4)})
    image = image_of(np.zeros((64, 64, 64), np.float32), 1.0, 1.0)
    model = deep_model(spacings=(1, 5))
    assert len(plan(image, model, 1.0).blocks) == 1
    # What the network sees counts, too.
    assert len(plan(image, model, 2.0).blocks) > 1


def test_labels_and_maps_of_volumes_go_to_other_grids() -> None:
    labels = np.arange(4 * 6 * 8).reshape(4, 6, 8)
    assert np.array_equal(sample_labels(labels, (2, 6, 8)), labels[1::2])
    maps = resize(labels[None].astype(np.float32), (2, 3, 4))
    assert maps.shape == (1, 2, 3, 4)
    assert maps.mean() == pytest.approx(labels.mean(), rel=1e-3)


@pytest.fixture(scope="module")
def nuclei_3d() -> Model:
    return load_model("nuclei-3d")


def ellipsoids(radii: tuple[float, float, float], seed: int = 0) -> tuple:
    """Return six nuclei apart from each other, of which each axis has its radius."""
    rng = np.random.default_rng(seed)
    rz, ry, rx = radii
    shape = (round(3 * rz) + 2, round(5 * ry), round(8 * rx))
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    labels = np.zeros(shape, np.int32)
    places = [(b, c) for b in (1.25, 3.75) for c in (1.3, 4.0, 6.7)]
    for id_, (b, c) in enumerate(places, start=1):
        away = ((z - shape[0] / 2) / rz) ** 2
        away = away + ((y - b * ry) / ry) ** 2 + ((x - c * rx) / rx) ** 2
        labels[away <= 1] = id_
    light = 60.0 * (labels > 0) + 10
    return rng.poisson(light).astype(np.uint16), labels


def found(model: Model, image: np.ndarray, labels: np.ndarray, **asked) -> float:
    result = predict(image, model, device="cpu", full_precision=True, **asked)
    assert result.shape == labels.shape
    return evaluate(labels, result).ap["0.50"]


def test_nuclei_are_found_as_they_come(nuclei_3d: Model) -> None:
    image, labels = ellipsoids((5, 9, 9))
    assert found(nuclei_3d, image, labels, axes="ZYX") > 0.7


def test_large_nuclei_are_zoomed_along_all_axes(nuclei_3d: Model) -> None:
    image, labels = ellipsoids((20, 24, 24))
    plain = image_of(image, 1.0, 1.0)
    assert found(nuclei_3d, plain, labels, diameter=48.0) > 0.7


def test_the_pixel_size_tells_how_large_nuclei_are(nuclei_3d: Model) -> None:
    image = image_of(np.zeros((8, 120, 120), np.float32), 2.0, 0.1)
    image.array[2:6, 20:90, 20:90] = 1
    (sized,) = [e for e in iter_predict(image, nuclei_3d) if isinstance(e, Sized)]
    assert sized.zoom == pytest.approx(0.32)


def test_a_missing_distance_of_planes_is_said(nuclei_3d: Model) -> None:
    array = ellipsoids((4, 8, 8))[0]

    def said(image, **asked) -> list[str]:
        events = iter_predict(image, nuclei_3d, **asked)
        return [e.message for e in events if isinstance(e, Notice)]

    (words,) = said(array, axes="ZYX")
    assert words.startswith("Nothing states how far apart the sections are")
    assert not any("apart" in each for each in said(image_of(array, 2.0, 1.0)))


def test_training_sees_what_a_prediction_would(nuclei_3d: Model) -> None:
    array, labels = ellipsoids((4, 8, 8))
    sizes = {"Z": 8.0, "Y": 1.0, "X": 1.0}
    sample = Sample(array, labels, axes="ZYX", pixel_size=sizes)
    (volume,) = annotated_planes(sample, nuclei_3d)
    seen = plan(image_of(array, 8.0, 1.0), nuclei_3d, 1.0)
    assert volume.image.shape[1:] == volume.values.shape == seen.largest_plane
    assert seen.zooms == (1.6, 1.0, 1.0)
    (unknown,) = annotated_planes(Sample(array, labels, axes="ZYX"), nuclei_3d)
    assert unknown.values.shape == labels.shape
