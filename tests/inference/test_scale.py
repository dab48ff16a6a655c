"""Objects of any size are found: the model measures them and zooms the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.core.events import Notice
from napari_unet.geometry.box import Box
from napari_unet.inference import blocks
from napari_unet.inference import model_input as scale
from napari_unet.inference.events import MapsCached, Sized, ViewPredicted
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.model_input import (
    resize,
    sample_labels,
    zoom_for,
    zoomed_shape,
)
from napari_unet.inference.predict import iter_predict, predict
from napari_unet.instances.diameter import UsualSize
from napari_unet.learning.data import annotated_planes
from napari_unet.scores.metrics import evaluate
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from tests.inference.test_predict import run
from tests.session.brightness import brightness_model

KNOWN = (12.0, 20.0)


def sized_model() -> Model:
    model = brightness_model()
    return replace(model, spec=model.spec.model_copy(update={"diameters": KNOWN}))


def scene(radius: float, size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of bright disks of a radius, and their labels."""
    pitch = round(3 * radius)
    extent = size // pitch * pitch
    y, x = np.mgrid[:extent, :extent]
    near = (y % pitch - pitch // 2) ** 2 + (x % pitch - pitch // 2) ** 2
    labels = np.where(near <= radius**2, y // pitch * 1000 + x // pitch + 1, 0)
    return (20 + 200 * (labels > 0)).astype(np.uint8), labels.astype(np.int32)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_the_typical_diameter_halves_the_object_pixels(sides):
    labels = np.zeros((sum(sides), 30), np.int32)
    start = 0
    for number, side in enumerate(sides, start=7):
        labels[start : start + side, :side] = number
        start += side
    found = typical_diameter(labels)
    areas = np.array([side**2 for side in sides])
    typical = np.pi * found**2 / 4
    assert np.isclose(areas, typical).any()
    assert 2 * areas[areas < typical * 0.999].sum() <= areas.sum()
    assert 2 * areas[areas > typical * 1.001].sum() <= areas.sum()


def test_nothing_has_no_diameter():
    assert typical_diameter(np.zeros((4, 4), np.int32)) is None


def test_debris_moves_the_typical_diameter_little():
    _, labels = scene(20)
    clean = typical_diameter(labels)
    labels[::7, ::7] = np.where(labels[::7, ::7] == 0, 10**6, labels[::7, ::7])
    dirty = labels.copy()
    dust = np.argwhere(labels == 10**6)
    dirty[tuple(dust.T)] = 10**6 + np.arange(len(dust))
    assert typical_diameter(dirty) == pytest.approx(clean, rel=0.1)


@given(
    st.floats(0.5, 2000), st.floats(4, 100), st.tuples(*[st.integers(1, 40_000)] * 2)
)
def test_a_zoom_is_one_or_worth_it_and_fits_into_memory(diameter, least, shape):
    most = 3 * least
    zoom = zoom_for(diameter, (least, most), shape)
    assert scale.LEAST_ZOOM <= zoom <= scale.MOST_ZOOM
    height, width = zoomed_shape(shape, zoom)
    assert zoom <= 1 or height * width <= 1.1 * scale._LARGEST_PLANE + height + width
    if least / scale.NEAR_ENOUGH < diameter < most * scale.NEAR_ENOUGH:
        assert zoom == 1
    if zoom not in (1, scale.LEAST_ZOOM, scale.MOST_ZOOM) and zoom < 1:
        assert zoom * diameter == pytest.approx(most)


@pytest.mark.parametrize("radius", [3, 6, 8, 12, 24, 60])
def test_objects_of_any_size_are_measured_and_found(radius):
    image, labels = scene(radius)
    events, found = run(iter_predict(image, sized_model()))
    (sized,) = (e for e in events if isinstance(e, Sized))
    assert sized.measured
    assert sized.diameter == pytest.approx(2 * radius, rel=0.25)
    seen = sized.zoom * sized.diameter
    assert KNOWN[0] / 1.2 <= seen <= KNOWN[1] * 1.2
    told = [e.message for e in events if isinstance(e, Notice)]
    assert bool(told) is not (KNOWN[0] <= round(sized.diameter) <= KNOWN[1])
    assert found.shape == image.shape
    assert found.dtype == np.int32
    assert evaluate(labels, found).ap["0.75"] > 0.9


def test_who_says_how_large_objects_are_is_believed():
    image, _ = scene(12)
    events, _ = run(iter_predict(image, sized_model(), diameter=48))
    assert [e for e in events if isinstance(e, Sized)] == [Sized(48, 20 / 48, False)]


def test_a_model_that_knows_no_size_does_not_zoom():
    image, _ = scene(12)
    events, _ = run(iter_predict(image, brightness_model()))
    assert not any(isinstance(e, Sized) for e in events)


def test_maps_and_views_have_the_grid_of_the_image():
    image, labels = scene(24, 500)
    maps = predict(image, sized_model(), probabilities=True)
    assert maps.shape == (5, *image.shape)
    assert ((maps[0] > 0.5) != (labels > 0)).mean() < 0.02
    view = Box((100, 150), (300, 350))
    events, found = run(iter_predict(image, sized_model(), view=view))
    (seen,) = (e for e in events if isinstance(e, ViewPredicted))
    assert seen.box == view
    # Its pixels are not those of the zoomed image: it begins between two of them.
    assert ((seen.labels > 0) != (found[view.slices] > 0)).mean() < 0.04


def test_stacks_are_zoomed_plane_by_plane():
    image, _ = scene(24, 200)
    found = predict(np.stack([image] * 3), sized_model(), axes="ZYX")
    assert found.shape == (3, *image.shape)
    assert (found[0] == found[2]).all()


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_labels_on_another_grid_are_labels_of_the_first(shape, other):
    labels = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    found = sample_labels(labels, other)
    assert found.shape == other
    assert np.isin(found, labels).all()
    assert (np.diff(found, axis=0) >= 0).all()
    np.testing.assert_array_equal(sample_labels(labels, shape), labels)
    np.testing.assert_array_equal(
        sample_labels(np.stack([labels] * 2), other)[1], found
    )


def test_shrinking_does_not_alias():
    stripes = np.tile(np.array([0, 1], np.float32), 32)[None, None].repeat(64, 1)
    small = resize(stripes, (16, 16))
    assert np.abs(small - 0.5).max() < 0.05


def test_other_thresholds_cost_no_network(monkeypatch):
    image, labels = scene(24, 300)
    image[labels > 3000] = 150
    model = sized_model()
    events, found = run(iter_predict(np.stack([image, image]), model, axes="TYX"))
    (kept,) = (e.maps for e in events if isinstance(e, MapsCached))
    _, again = run(kept.iter_decode(model.spec.decoding))
    np.testing.assert_array_equal(again, found)
    _, fewer = run(
        kept.iter_decode(model.spec.decoding.model_copy(update={"foreground": 0.99}))
    )
    assert 0 < len(np.unique(fewer)) < len(np.unique(found))
    monkeypatch.setattr(blocks, "LARGEST_CACHED", 100)
    events, same = run(iter_predict(image, model))
    assert not any(isinstance(e, MapsCached) for e in events)
    assert ((same > 0) != (found[0] > 0)).mean() < 0.01


@pytest.mark.parametrize("radius", [3, 8, 24])
def test_training_sees_objects_at_the_size_at_which_they_are_predicted(radius):
    image, labels = scene(radius)
    verified = np.ones(labels.shape, bool)
    verified[: len(labels) // 2] = False
    sample = Sample(image, labels, verified=verified)
    (plane,) = annotated_planes(sample, sized_model())
    known = np.where(plane.verified, plane.values, 0)
    assert KNOWN[0] / 1.2 <= typical_diameter(known) <= KNOWN[1] * 1.2
    assert plane.image.shape[1:] == plane.values.shape == plane.verified.shape
    assert plane.verified.mean() == pytest.approx(0.5, abs=0.02)
    assert evaluate(known, np.where(plane.image[0] > 0.5, known, 0)).ap["0.75"] > 0.9
    (same,) = annotated_planes(sample, brightness_model())
    np.testing.assert_array_equal(same.values, labels)


def test_a_verified_part_of_an_object_is_no_small_object():
    image, labels = scene(8)
    y, x = np.indices(labels.shape)
    verified = (y % 24 - 12) ** 2 + (x % 24 - 12) ** 2 <= 4
    sample = Sample(image, labels, verified=verified)
    (plane,) = annotated_planes(sample, sized_model())
    assert plane.image.shape[1:] == image.shape, "objects of 16 px need no zoom"


def test_a_model_is_zoomed_to_where_it_is_best_and_warns_of_what_it_never_saw():
    model = sized_model()
    best = model.spec.model_copy(update={"zoomed_to": (14.0, 18.0)})
    image, _ = scene(12)
    events, _ = run(iter_predict(image, replace(model, spec=best), diameter=20))
    assert [e.zoom for e in events if isinstance(e, Sized)] == [1.0]
    events, _ = run(iter_predict(image, replace(model, spec=best), diameter=24))
    assert [e.zoom for e in events if isinstance(e, Sized)] == [18 / 24]
    assert any("12 to 20 px" in e.message for e in events if isinstance(e, Notice))


def test_the_more_images_differ_the_more_another_size_is_likely():
    alike, different = (UsualSize.of(each) for each in ([40] * 6, [15, 40, 100] * 2))
    assert alike.diameter == different.diameter == 40
    assert UsualSize.of([40]).spread > alike.spread
    sizes = np.log([40, 60, 4000])
    few, many = alike.likelihood(sizes), different.likelihood(sizes)
    assert few[0] == many[0] == 1
    assert 0 < few[1] < many[1] < 1
    assert 0 < few[2] == many[2]
    assert UsualSize.of([]) is None
