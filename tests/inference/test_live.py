"""What is predicted of a view is what a prediction of all says there."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.inference import live, tile_maps
from napari_unet.inference.live import (
    ImagePrepared,
    PartPredicted,
    Request,
    TilePredicted,
    iter_predict_view,
)
from napari_unet.inference.predict import predict
from tests.session.brightness import (
    brightness_model,
    classes_model,
    disks,
    values_model,
)
from tests.tiny import make_model

SHAPE = (150, 190)
DISKS = disks(SHAPE, pitch=24, radius=7)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch) -> None:
    monkeypatch.setattr(tile_maps, "TILE", 32)


def told(image, model, request, **options) -> list:
    events: list = []
    steps = iter_predict_view(image, model, request, device="cpu", **options)
    drain(steps, events.append)
    return events


def parts(events) -> list[PartPredicted]:
    return [each for each in events if isinstance(each, PartPredicted)]


def kept(events) -> dict:
    return {each.tile: each.maps for each in events if isinstance(each, TilePredicted)}


def prepared(events):
    (found,) = [each.prepared for each in events if isinstance(each, ImagePrepared)]
    return found


def boxes() -> st.SearchStrategy[Box]:
    pairs = [st.tuples(st.integers(0, n - 1), st.integers(4, 90)) for n in SHAPE]
    return st.tuples(*pairs).map(
        lambda ends: Box(
            tuple(a for a, _ in ends),
            tuple(min(n, a + b) for (a, b), n in zip(ends, SHAPE, strict=True)),
        )
    )


def same_inside(part: PartPredicted, whole: np.ndarray) -> None:
    """Check that objects away from the border of a part are those of the whole."""
    here, there = part.values, whole[part.box.slices]
    at_border = set()
    for axis in (0, 1):
        for end, edge in ((0, part.box.start[axis]), (-1, part.box.stop[axis])):
            if edge not in (0, SHAPE[axis]):
                line = np.take(here, end, axis), np.take(there, end, axis)
                at_border |= {("here", n) for n in line[0].tolist()}
                at_border |= {("there", n) for n in line[1].tolist()}
    cut = np.isin(here, [n for kind, n in at_border if kind == "here" and n])
    cut |= np.isin(there, [n for kind, n in at_border if kind == "there" and n])
    np.testing.assert_array_equal((here > 0)[~cut], (there > 0)[~cut])
    pairs = {*zip(here[~cut].tolist(), there[~cut].tolist(), strict=True)}
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@pytest.fixture(scope="module")
def whole():
    model = brightness_model()
    return model, predict(DISKS, model, device="cpu")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(view=boxes())
def test_objects_of_a_view_are_those_of_the_whole(whole, view):
    model, labels = whole
    events = told(DISKS, model, Request(view))
    last = parts(events)[-1]
    assert last.core.all()
    assert last.box.contains(view)
    same_inside(last, labels)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(view=boxes())
def test_tiles_say_what_the_whole_says(view):
    model = make_model(depth=3)
    maps = predict(DISKS, model, device="cpu", probabilities=True, full_precision=True)
    execution = live.choose_execution
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            live,
            "choose_execution",
            lambda device: execution(device, full_precision=True),
        )
        tiles = kept(told(DISKS, model, Request(view)))
    assert tiles
    for tile, found in tiles.items():
        there = maps[:, tile.start[2] : tile.stop[2], tile.start[3] : tile.stop[3]]
        np.testing.assert_allclose(found, there, atol=1e-3)


def test_the_middle_comes_first_and_what_is_known_is_not_asked_again():
    model, view = brightness_model(), Box((40, 40), (140, 140))
    events = told(DISKS, model, Request(view))
    tiles, first = kept(events), parts(events)[0]
    assert set(first.tiles) == set(list(tiles)[: len(first.tiles)])
    assert first.core.sum() <= 4 * 32 * 32
    assert first.box.contains(Box((85, 85), (95, 95)))
    again = told(DISKS, model, Request(view, None, tiles, prepared(events)))
    assert not kept(again)
    (part,) = parts(again)
    np.testing.assert_array_equal(part.values, parts(events)[-1].values)
    beside = Box((40, 70), (140, 170))
    more = told(DISKS, model, Request(beside, None, tiles, prepared(events)))
    assert kept(more)
    assert not set(kept(more)) & set(tiles)
    assert parts(more)[-1].around.any()


def test_an_object_at_the_border_is_whole_with_what_lies_around(whole):
    model, labels = whole
    events = told(DISKS, model, Request(Box((0, 0), (90, 60))))
    tile = Box((0, 0, 32, 64), (1, 1, 64, 96))
    request = Request(Box((40, 70), (60, 90)), None, kept(events), prepared(events))
    part = parts(told(DISKS, model, request))[-1]
    assert part.tiles == (tile,)
    cut = set(labels[32:64, 63].tolist()) & set(labels[32:64, 64].tolist()) - {0}
    assert cut
    for number in cut:
        body = labels == number
        body[:32], body[64:], body[:, :32], body[:, 96:] = False, False, False, False
        found = np.unique(part.values[body[part.box.slices]])
        assert found.size == 1
        assert found[0] > 0
    assert part.core.sum() == 32 * 32
    assert part.around[:, part.core.any(axis=0).argmax() - 1].any()


def test_other_thresholds_ask_no_network(monkeypatch):
    model, view = brightness_model(), Box((30, 30), (120, 120))
    events = told(DISKS, model, Request(view))
    moved = model.with_decoding(
        model.spec.decoding.model_copy(update={"min_size": 10**6})
    )
    monkeypatch.setattr(live.PlanePredictor, "iter_maps", None)
    request = Request(view, None, kept(events), prepared(events))
    (part,) = parts(told(DISKS, moved, request))
    assert not part.values.any()
    assert parts(events)[-1].values.any()


def test_planes_of_a_series_and_all_tasks():
    series = np.stack([DISKS // 2, DISKS])
    view = Box((1, 20, 30), (2, 90, 120))
    part = parts(told(series, brightness_model(), Request(view), axes="TYX"))[-1]
    assert part.box.start[0] == 1
    assert part.values.shape == part.box.shape == part.core.shape
    for model in (classes_model(), values_model("light", "dark")):
        whole = predict(DISKS, model, device="cpu")
        part = parts(told(DISKS, model, Request(Box((20, 30), (90, 120)))))[-1]
        there = whole[..., *part.box.slices]
        np.testing.assert_allclose(part.values, there, rtol=1e-4)


def test_zoomed_images_show_about_the_same():
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (6.0, 9.0)})
    model = replace(model, spec=known)
    image = disks((300, 340), pitch=60, radius=20)
    whole = predict(image, model, device="cpu", diameter=40)
    events = told(image, model, Request(Box((70, 60), (250, 260))), diameter=40)
    assert prepared(events).plan.zoom < 0.5
    part = parts(events)[-1]
    here, there = part.values > 0, whole[part.box.slices] > 0
    assert there.any()
    assert (here == there).mean() > 0.95


def test_nothing_is_found_where_there_is_nothing():
    flat = np.full((80, 80), 7, np.uint8)
    part = parts(told(flat, brightness_model(), Request(Box((0, 0), (60, 60)))))[-1]
    assert not part.values.any()
    assert part.core.all()


def test_a_view_that_is_too_large_is_left_alone(monkeypatch):
    monkeypatch.setattr(tile_maps, "LARGEST_VIEW", 5000)
    events = told(DISKS, brightness_model(), Request(Box((0, 0), (100, 100))))
    assert not kept(events)
    assert prepared(events).too_large(Box((0, 0), (100, 100)))
    assert not prepared(events).too_large(Box((0, 0), (50, 100)))


def test_requests_and_events_can_be_sent():
    events = told(DISKS, brightness_model(), Request(Box((0, 0), (40, 40))))
    again = pickle.loads(pickle.dumps(events))
    assert [type(each) for each in again] == [type(each) for each in events]
