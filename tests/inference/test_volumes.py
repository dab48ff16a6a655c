"""Stacks are seen from three sides, in memory, in blocks and out of cached maps."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.images.source import ArrayImage
from napari_unet.inference import blocks
from napari_unet.inference.blocks import Cutting
from napari_unet.inference.events import MapsCached, ViewPredicted
from napari_unet.inference.predict import iter_predict, predict
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import Model, new_model
from tests.inference.test_blocks import same_objects
from tests.session.brightness import brightness_model

ASKED = {"axes": "ZYX", "device": "cpu", "full_precision": True}


def balls(sections: int = 32, apart: int = 1) -> np.ndarray:
    """Return two rows of bright balls, one above the other, that overlap from above."""
    z, y, x = np.mgrid[:sections, :36, :48]
    found = np.zeros(z.shape)
    for middle, shift in ((8, 0), (24, 4)):
        for row in (10, 26):
            for column in (12, 34):
                away = (z - middle) ** 2 + (y - row - shift) ** 2 + (x - column) ** 2
                found[away <= 36] = 100
    return found[::apart] + np.random.default_rng(0).normal(0, 2, found[::apart].shape)


def events_of(image, model: Model, **asked):
    events = []
    result = drain(iter_predict(image, model, **{**ASKED, **asked}), events.append)
    return result, events


@pytest.mark.parametrize("apart", [1, 2, 3])
def test_balls_above_each_other_are_told_apart(apart: int) -> None:
    found = predict(balls(apart=apart), brightness_model(), anisotropy=apart, **ASKED)
    assert found.shape == (-(-32 // apart), 36, 48)
    assert found.dtype == np.int32
    assert len(np.unique(found)) == 9


def test_what_the_image_states_is_believed_and_nothing_is_said() -> None:
    image = ArrayImage(
        array=balls(apart=2), axes="ZYX", pixel_size={"Z": 1.0, "Y": 0.5, "X": 0.5}
    )
    found, events = events_of(image, brightness_model())
    told = predict(image.array, brightness_model(), anisotropy=2, **ASKED)
    np.testing.assert_array_equal(found, told)
    assert not any("sections" in e.message for e in events if isinstance(e, Notice))


def test_where_nothing_states_it_what_it_seems_to_be_is_said() -> None:
    found, events = events_of(balls(apart=2), brightness_model())
    (words,) = (e.message for e in events if isinstance(e, Notice))
    assert words.startswith("Nothing states how far apart the sections are; they seem")
    assert len(np.unique(found)) == 9


def test_sections_are_linked_where_sides_show_nothing_or_nobody_looks() -> None:
    model, image = brightness_model(), balls()
    for stack, asked in ((image, {"stacks": "sections"}), (image[6:10], {})):
        frames = predict(stack, model, **{**ASKED, "axes": "TYX"})
        sections = predict(stack, model, **ASKED, **asked)
        assert all(map(same_objects, sections, frames))
    decoding = DistancesDecoding(min_size=12)
    older = new_model(ModelSpec(name="older", decoding=decoding))
    _, events = events_of(image, older)
    assert not any("sections" in e.message for e in events if isinstance(e, Notice))


def test_maps_are_those_of_planes_and_a_single_section_is_a_plane() -> None:
    model, image = brightness_model(), balls()
    maps = predict(image, model, probabilities=True, **ASKED)
    assert maps.shape == (5, *image.shape)
    assert predict(image[8:9], model, **ASKED).shape == (1, 36, 48)


def test_blocks_of_a_volume_give_the_objects_of_all_of_it(monkeypatch) -> None:
    image, model = balls(apart=2), brightness_model()
    whole = predict(image, model, anisotropy=2, **ASKED)
    monkeypatch.setattr(blocks, "LARGEST", {2: 0, 3: 0})
    monkeypatch.setattr(blocks, "CUTTINGS", {3: Cutting(24, 12, 8)})
    found, events = events_of(image, model, anisotropy=2)
    assert same_objects(found, whole)
    assert not any(isinstance(event, MapsCached) for event in events)


def test_kept_maps_give_the_same_objects_and_those_of_other_thresholds() -> None:
    image, model = balls(apart=2), brightness_model()
    found, events = events_of(image, model, anisotropy=2)
    (kept,) = (event.maps for event in events if isinstance(event, MapsCached))
    again = drain(kept.iter_decode(model.spec.decoding))
    np.testing.assert_array_equal(again, found)
    larger = model.spec.decoding.model_copy(update={"min_size": 10_000})
    assert not drain(kept.iter_decode(larger)).any()
    foreground = kept.foreground(0, 4)
    assert foreground.shape == image.shape[1:]
    assert foreground[found[4] > 0].mean() > 0.5 > foreground[found[4] == 0].mean()
    part = kept.part(0, 4, Box((4, 4), (20, 20)))
    assert part.foreground().shape == (16, 16)


def test_the_plane_in_view_comes_first() -> None:
    image, model = balls(), brightness_model()
    view = Box((8, 0, 0), (9, 20, 24))
    _, events = events_of(image, model, anisotropy=1, view=view)
    shown = next(event for event in events if isinstance(event, ViewPredicted))
    assert shown.box == view
    assert shown.labels.max() == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"anisotropy": 0}, "anisotropy"),
        ({"anisotropy": float("nan")}, "anisotropy"),
        ({"stacks": "cubes"}, "Expected stacks to be one of three-sides, sections"),
    ],
)
def test_what_is_no_way_to_see_stacks_is_refused(asked, words: str) -> None:
    with pytest.raises(InputError, match=words):
        predict(balls(), brightness_model(), **ASKED, **asked)


def test_blocks_in_view_come_first_and_the_result_is_the_same(monkeypatch) -> None:
    image, model = balls(apart=2), brightness_model()
    monkeypatch.setattr(blocks, "LARGEST", {2: 2**30, 3: 0})
    monkeypatch.setattr(blocks, "CUTTINGS", {3: Cutting(24, 12, 8)})
    whole, _ = events_of(image, model, anisotropy=2)
    y, x = image.shape[1:]
    view = Box((7, y - 9, x - 9), (8, y, x))
    found, events = events_of(image, model, anisotropy=2, view=view)
    np.testing.assert_array_equal(found, whole)
    plane, block = (e for e in events if isinstance(e, ViewPredicted))
    assert plane.box == view
    assert block.box.contains(Box((7, y - 4, x - 4), (8, y - 3, x - 3)))
    assert block.labels.shape == block.box.shape
    np.testing.assert_array_equal(block.labels > 0, found[block.box.slices] > 0)


def test_the_whole_plane_in_view_comes_before_the_others() -> None:
    image, model = balls(), brightness_model()
    view = Box((8, 0, 0), (9, *image.shape[1:]))
    found, events = events_of(image, model, stacks="sections", view=view)
    (shown,) = (event for event in events if isinstance(event, ViewPredicted))
    assert shown.box == view
    np.testing.assert_array_equal(shown.labels > 0, found[8:9] > 0)
    assert (found == predict(image, model, stacks="sections", **ASKED)).all()
