"""How large objects are is measured with the network that finds them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.core.events import Notice, TilesDone
from napari_unet.errors import InputError
from napari_unet.inference import measure
from napari_unet.inference.events import Sized
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.predict import iter_predict, predict
from napari_unet.io.samples import load_sample
from napari_unet.weights.folder import load_model
from tests.inference.test_predict import run
from tests.inference.test_scale import KNOWN, scene, sized_model
from tests.session.brightness import brightness_model


def sizes(events) -> list[Sized]:
    return [each for each in events if isinstance(each, Sized)]


def notices(events) -> list[str]:
    return [each.message for each in events if isinstance(each, Notice)]


def empty() -> np.ndarray:
    """Return an image in which a single pixel is bright, too little for an object."""
    image = np.zeros((400, 400), np.uint8)
    image[0, 0] = 1
    return image


def blind_model(**spec):
    model = sized_model()
    decoding = model.spec.decoding.model_copy(update={"min_size": 99})
    return replace(
        model, spec=model.spec.model_copy(update={"decoding": decoding, **spec})
    )


def measured(segment, expected=None, plane=None):
    """Return what a segmentation leads to."""
    plane = np.zeros((1, 2048, 2048), np.float32) if plane is None else plane
    steps = measure.estimate_diameter(plane, KNOWN, segment, expected)
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    return stopped.value.value


def looks(expected):
    """Return how large the looked-at parts are, in the pixels of the network."""
    seen = []

    def find_nothing(part):
        seen.append(part.shape[-1])
        yield from ()
        return np.zeros(part.shape[1:], np.int32)

    assert measured(find_nothing, expected) is None
    return seen


def test_the_pixel_size_tells_where_to_look_first():
    assert len(looks(None)) == 3
    assert len(looks(80.0)) == 4


@pytest.mark.parametrize("expected", [0.0, 0.03, 1e9, None])
def test_a_pixel_size_that_cannot_be_right_tells_nothing(expected):
    assert measure.plausible(expected, (2048, 2048)) is None
    assert measure.plausible(80.0, (100, 60)) == 80


def test_the_texture_of_large_objects_is_not_taken_for_objects():
    def objects_and_their_texture(part):
        """From afar two objects of 120 px, nearer nothing but grains of 14 px."""
        yield from ()
        pitch, side = (150, 120) if part.shape[-1] < 400 else (16, 14)
        y, x = np.mgrid[: part.shape[1], : part.shape[2]]
        inside = (y % pitch < side) & (x % pitch < side)
        number = y // pitch * 1000 + x // pitch + 1
        return np.where(inside, number, 0).astype(np.int32)

    plane = np.zeros((1, 600, 600), np.float32)
    assert measured(objects_and_their_texture, plane=plane) > 300


def test_what_is_merged_or_left_out_from_afar_is_measured_as_it_is():
    def merged_from_afar(part):
        """Grains of 14 px; from afar one object that covers less."""
        yield from ()
        y, x = np.mgrid[: part.shape[1], : part.shape[2]]
        if part.shape[-1] < 400:
            return ((y < 80) & (x < 80)).astype(np.int32)
        inside = (y % 16 < 14) & (x % 16 < 14)
        return np.where(inside, y // 16 * 1000 + x // 16 + 1, 0).astype(np.int32)

    plane = np.zeros((1, 600, 600), np.float32)
    assert measured(merged_from_afar, plane=plane) == pytest.approx(15.8, rel=0.01)


def test_what_would_fill_the_plane_from_afar_is_a_crowd():
    def a_crowd(part):
        """Grains of 14 px on most of the plane; from afar one blob of them."""
        yield from ()
        y, x = np.mgrid[: part.shape[1], : part.shape[2]]
        afar = part.shape[-1] < 400
        inside = (y < 130) & (x < 130) if afar else (y % 16 < 14) & (x % 16 < 14)
        inside &= (y < 400) & (x < 400)
        number = np.ones_like(y) if afar else y // 16 * 1000 + x // 16 + 1
        return np.where(inside, number, 0).astype(np.int32)

    plane = np.zeros((1, 600, 600), np.float32)
    assert measured(a_crowd, plane=plane) == pytest.approx(15.8, rel=0.01)


def test_grain_is_nothing_to_enlarge():
    def grains(part):
        """Objects of 2 x 2 px of the image, however it is zoomed."""
        yield from ()
        pitch = max(3, round(part.shape[-1] / 512 * 4))
        y, x = np.mgrid[: part.shape[1], : part.shape[2]]
        inside = (y % pitch < pitch // 2) & (x % pitch < pitch // 2)
        return np.where(inside, y // pitch * 1000 + x // pitch + 1, 0).astype(np.int32)

    assert measured(grains, plane=np.zeros((1, 512, 512), np.float32)) is None


@pytest.mark.parametrize("name", ["cells", "cells-phase"])
def test_spread_cells_that_merge_from_afar_are_measured_as_they_are(name):
    for sample in load_sample("phase")[:3]:
        events = iter_predict(sample.image, load_model(name), device="cpu")
        sized = next(each for each in events if isinstance(each, Sized))
        events.close()
        assert sized.diameter == pytest.approx(
            typical_diameter(sample.labels), rel=0.25
        )


def test_an_empty_image_is_predicted_as_it_is():
    events, found = run(iter_predict(empty(), blind_model()))
    assert sizes(events) == [Sized(None, 1.0, measured=True)]
    assert not found.any()
    assert not notices(events)


def test_where_nothing_is_seen_the_pixel_size_zooms_and_nobody_speaks_of_objects():
    model = blind_model(object_size=10.0)
    events, _ = run(iter_predict(empty(), model, pixel_size=0.1))
    assert sizes(events) == [Sized(None, KNOWN[1] / 100, measured=True)]
    assert not notices(events)


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_objects_are_measured_where_there_are_any(axes, place):
    image, _ = scene(40)
    stack = np.stack([np.full_like(image, 20)] * 3)
    stack[place] = image
    events, found = run(iter_predict(stack, sized_model(), axes=axes))
    (sized,) = sizes(events)
    assert sized.diameter == pytest.approx(80, rel=0.1)
    alone = predict(image, sized_model())
    np.testing.assert_array_equal(found[place] > 0, alone > 0)


def test_measuring_can_be_cancelled_between_windows():
    image, _ = scene(40)
    events = iter_predict(image, sized_model())
    for event in events:
        assert not isinstance(event, Sized), "nobody could have cancelled"
        assert isinstance(event, TilesDone)
        assert event.done == 0
        break
    events.close()


@pytest.mark.parametrize("diameter", [0, -1, 0.1, float("nan"), float("inf"), "30"])
def test_a_diameter_that_nothing_has_is_refused(diameter):
    with pytest.raises(InputError, match=r"number of pixels from 0\.5 to 10000"):
        predict(scene(12)[0], sized_model(), diameter=diameter)


@pytest.mark.parametrize("pixel_size", [0.0, -1.0, float("nan")])
def test_a_pixel_without_width_tells_nothing(pixel_size):
    spec = sized_model().spec.model_copy(update={"object_size": 10.0})
    assert spec.expected_diameter(pixel_size) is None


def test_a_size_that_is_of_no_use_is_not_ignored_in_silence():
    events, _ = run(iter_predict(scene(12)[0], brightness_model(), diameter=30))
    (told,) = notices(events)
    assert "zooms no images" in told


def test_a_model_that_knows_how_large_objects_are_uses_the_pixel_size():
    spec = sized_model().spec.model_copy(update={"object_size": 10.0})
    assert spec.expected_diameter(0.5) == 20
    assert spec.expected_diameter(None) is None
    assert sized_model().spec.expected_diameter(0.5) is None
    image, _ = scene(40)
    model = replace(sized_model(), spec=spec)
    events = run(iter_predict(image, model, pixel_size=0.125))[0]
    (sized,) = [each for each in events if isinstance(each, Sized)]
    assert sized.diameter == pytest.approx(80, rel=0.1)
