"""How large objects are is measured with the network that finds them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.core.events import Notice, TilesDone
from napari_unet.errors import InputError
from napari_unet.geometry.ids import compact
from napari_unet.inference import measure
from napari_unet.inference.events import Sized
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.predict import iter_predict, predict
from napari_unet.instances.diameter import UsualSize
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


def squares(shape, side, pitch):
    """Return square objects on a grid, and a foreground of 1 in them."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = (y % pitch < side) & (x % pitch < side)
    number = (y // pitch * 10_000 + x // pitch + 1).astype(np.int64)
    labels = compact(np.where(inside, number, 0))[0].astype(np.int32)
    return labels, inside.astype(np.float32)


def network(true, *, near=0, afar=0, sure=0.7):
    """Return a segmentation that finds squares if they have 10 to 60 of its pixels.

    What it finds where they are larger, and where they are smaller, has always as many
    pixels, as grains have and crowds that merge; and it is less sure of that.
    """

    def segment(part):
        yield from ()
        zoom = 1 / np.diff(part[0, 0]).mean()
        side = round(true * zoom)
        if 10 <= side <= 60:
            return squares(part.shape[1:], side, side + max(2, side // 3))
        side = near if side > 60 else afar
        if not side:
            return np.zeros(part.shape[1:], np.int32), np.zeros(part.shape[1:])
        labels, foreground = squares(part.shape[1:], side, 2 * side)
        return labels, sure * foreground

    return segment


def measured(segment, usual=None, size=2048):
    """Return what a segmentation leads to; grey values are places along an axis."""
    plane = np.broadcast_to(np.arange(size, dtype=np.float32), (1, size, size))
    steps = measure.estimate_diameter(plane, KNOWN, segment, usual)
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    return stopped.value.value


@pytest.mark.parametrize("true", [8, 20, 60, 150, 300])
@pytest.mark.parametrize("other", [{}, {"near": 16}, {"afar": 40}, {"near": 12}])
def test_what_is_found_alike_at_several_zooms_is_an_object(true, other):
    """And not grains, texture and crowds, which have a size of the network's own."""
    found = measured(network(true, **other))
    assert found == pytest.approx(true * 2 / np.sqrt(np.pi), rel=0.15)


def test_what_is_usual_decides_where_a_network_sees_two_things():
    def cells_and_their_nuclei(part):
        of_cells = yield from network(90)(part)
        if of_cells[0].any():
            return of_cells
        return (yield from network(18)(part))

    sizes = [measured(cells_and_their_nuclei, UsualSize(d, 0.3)) for d in (20, 100)]
    assert sizes == pytest.approx([20.3, 101.6], rel=0.15)


def test_what_is_seen_is_believed_however_unusual_it_is():
    assert measured(network(60), UsualSize(40, 0.3)) == pytest.approx(68, rel=0.1)


def test_fewer_looks_are_taken_where_the_size_is_known_about():
    def looks(usual):
        seen = []

        def find_nothing(part):
            yield from ()
            seen.append(part.shape)
            return np.zeros(part.shape[1:], np.int32), np.zeros(part.shape[1:])

        assert measured(find_nothing, usual) is None
        return len(seen)

    assert looks(UsualSize(80, 0.25)) < looks(UsualSize(80, 0.7)) < looks(None)


@pytest.mark.parametrize("expected", [0.01, 0.03, 1e9])
def test_a_pixel_size_that_cannot_be_right_tells_nothing(expected):
    assert measure.plausible(UsualSize(expected, 1), (2048, 2048)) is None
    assert measure.plausible(None, (2048, 2048)) is None
    assert measure.plausible(UsualSize(80, 1), (100, 60)).diameter == 80


def test_grain_is_nothing_to_enlarge():
    """Objects of 2 x 2 px of the image, however it is zoomed."""
    assert measured(network(2), size=512) is None


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
    assert spec.expected_size(pixel_size) is None


def test_a_size_that_is_of_no_use_is_not_ignored_in_silence():
    events, _ = run(iter_predict(scene(12)[0], brightness_model(), diameter=30))
    (told,) = notices(events)
    assert "zooms no images" in told


def test_a_model_that_knows_how_large_objects_are_uses_the_pixel_size():
    spec = sized_model().spec.model_copy(update={"object_size": 10.0})
    assert spec.expected_size(0.5).diameter == 20
    assert spec.expected_size(None) is None
    assert sized_model().spec.expected_size(0.5) is None
    image, _ = scene(40)
    model = replace(sized_model(), spec=spec)
    events = run(iter_predict(image, model, pixel_size=0.125))[0]
    (sized,) = [each for each in events if isinstance(each, Sized)]
    assert sized.diameter == pytest.approx(80, rel=0.1)
