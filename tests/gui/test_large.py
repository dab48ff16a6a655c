"""An image larger than memory in a real window; the memory is small here."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest

from napari_unet.annotation.overview import Mark
from napari_unet.geometry.box import Box
from napari_unet.inference import tile_maps
from tests.session.brightness import disks

SHAPE = 6000, 7000


def _chunk(block_info) -> np.ndarray:
    """Return disks in two places, and nothing elsewhere."""
    at = tuple(a for a, _ in block_info[None]["array-location"])
    if at in ((1024, 1024), (4608, 6144)):
        return disks((512, 512), pitch=40, radius=9)
    return np.zeros(block_info[None]["chunk-shape"], np.uint16)


@pytest.fixture
def slide():
    """A sparse slide, computed where it is looked at; no thread outlives a test."""
    chunks = tuple((512,) * (n // 512) + (n % 512,) for n in SHAPE)
    with dask.config.set(scheduler="synchronous"):
        yield da.map_blocks(_chunk, chunks=chunks, dtype=np.uint16)


@pytest.fixture
def large(stage, slide, monkeypatch):
    """A window in which the slide is open, as a pyramid of two levels."""
    monkeypatch.setattr(tile_maps, "TILE", 64)
    stage.session.images.most_bytes = 10_000_000
    layer = stage.open(
        [slide, slide[::8, ::8]], name="slide", contrast_limits=(0, 65535)
    )
    assert layer.multiscale
    assert stage.state.image.large
    return stage


def look(stage, centre, zoom: float = 2.0) -> None:
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.zoom = zoom
    camera.center = centre


def shows(stage, place) -> bool:
    return stage.annotation.shown_box.contains(Box(place, tuple(n + 1 for n in place)))


def test_paint_move_and_undo(large, drag) -> None:
    look(large, (1200, 1200))
    large.session.correcting.start_empty()
    large.until(lambda: large.labels is not None)
    large.until(lambda: shows(large, (1200, 1200)))
    layer = large.labels
    layer.selected_label, layer.brush_size, layer.mode = 5, 10, "paint"
    origin = large.annotation.shown_box.start
    at = tuple(1200 - n for n in origin)
    drag(large.viewer, layer, [at, (at[0], at[1] + 15), (at[0], at[1] + 30)])
    large.until(lambda: large.annotation.counts().verified_pixels > 0)
    known = large.annotation.pixels.labels
    assert known[1200:1201, 1200:1230].all()
    assert not known[1200:1201, 1300:1400].any()

    look(large, (4800, 6300))
    large.until(lambda: shows(large, (4800, 6300)))
    assert not np.asarray(layer.data).any()
    place = layer.data_to_world((0, 0))
    assert tuple(place) == large.annotation.shown_box.start

    layer.undo()
    large.until(lambda: shows(large, (1200, 1200)))
    assert not known[1190:1210, 1190:1240].any()
    layer.redo()
    large.until(lambda: known[1200:1201, 1200:1230].all())


def test_the_view_is_predicted(large) -> None:
    look(large, (1280, 1280))
    large.session.predict()
    view = Box((1200, 1200), (1300, 1300))
    large.until(lambda: large.labels is not None)
    large.until(lambda: not large.annotation.unseen(view).any())
    large.until(lambda: shows(large, (1280, 1280)))
    assert np.asarray(large.labels.data).any()
    large.session.cancel_prediction()
    large.until(lambda: not large.state.predicting)


def _marks(stage):
    return next((x for x in stage.viewer.layers if x.name == "Overview"), None)


def test_from_afar_it_is_seen_what_is_labelled(large, drag) -> None:
    """And from near as before; the marks are no labels that somebody paints in."""
    look(large, (1200, 1200))
    large.session.correcting.start_empty()
    large.until(lambda: shows(large, (1200, 1200)))
    layer = large.labels
    layer.selected_label, layer.brush_size, layer.mode = 5, 30, "paint"
    at = tuple(1200 - n for n in large.annotation.shown_box.start)
    drag(large.viewer, layer, [at, (at[0], at[1] + 15), (at[0], at[1] + 30)])
    large.until(lambda: large.annotation.counts().verified_pixels > 0)
    assert _marks(large) is None
    look(large, (3000, 3500), zoom=0.05)
    large.until(lambda: _marks(large) is not None)
    marks = _marks(large)
    assert "From afar" in large.state.message
    place = tuple(round(n) for n in marks.world_to_data((1200, 1210)))
    large.until(lambda: marks.data[place] == Mark.CORRECTED)
    assert marks.visible
    assert np.count_nonzero(marks.data) < 100
    assert large.viewer.layers.selection.active is layer
    assert not marks.editable
    look(large, (1200, 1200))
    large.until(lambda: not marks.visible)
    large.until(lambda: shows(large, (1200, 1200)))
    large.viewer.layers.remove(large.viewer.layers["slide"])
    large.until(lambda: _marks(large) is None)
