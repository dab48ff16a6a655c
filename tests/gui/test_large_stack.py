"""A stack larger than memory in a real window; the memory is small here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication

from napari_unet.images import coarse

SHAPE = 3, 1500, 1600


@pytest.fixture
def stack(stage, tmp_path: Path, monkeypatch):
    """A window in which the file of a stack was dropped."""
    monkeypatch.setattr(coarse, "_MOST", 512)
    path = tmp_path / "stack.tif"
    pixels = np.zeros(SHAPE, np.uint16)
    pixels[1, 300:500, 300:500] = 1000
    how = {"tile": (512, 512), "photometric": "minisblack"}
    tifffile.imwrite(path, pixels, metadata={"axes": "ZYX"}, **how)
    stage.session.images.most_bytes = 10_000_000
    stage.viewer.window._qt_viewer._qt_open([str(path)], stack=False)
    stage.until(lambda: stage.state.image is not None and stage.state.image.open)
    assert stage.state.image.large
    return stage


def _look(stage, z: int, centre: tuple[int, int], zoom: float = 2.0) -> None:
    stage.viewer.dims.set_point(0, z)
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.zoom, camera.center = zoom, (0, *centre)


def _at(stage) -> int:
    return round(stage.viewer.dims.point[0])


def test_planes_are_painted_and_an_undo_leads_to_its_plane(stack, drag) -> None:
    _look(stack, 1, (400, 400))
    stack.session.correcting.start_empty()
    stack.until(lambda: stack.labels is not None)
    for z, label in ((1, 5), (2, 6)):
        _look(stack, z, (400, 400))
        stack.until(lambda z=z: stack.annotation.shown_box.start[0] == z)
        layer = stack.labels
        layer.selected_label, layer.brush_size, layer.mode = label, 10, "paint"
        before = stack.annotation.counts().objects
        drag(stack.viewer, layer, [(0, 400, 400), (0, 400, 415), (0, 400, 430)])
        stack.until(lambda n=before: stack.annotation.counts().objects == n + 1)
    known = stack.annotation.pixels.labels
    assert (known[1:2, 400:401, 400:430] == 5).all()
    assert (known[2:3, 400:401, 400:430] == 6).all()
    _look(stack, 0, (1200, 1200))
    stack.until(lambda: stack.annotation.shown_box.start[0] == 0)
    stack.labels.undo()
    stack.until(lambda: _at(stack) == 2)
    stack.until(lambda: stack.annotation.shown_box.start[0] == 2)
    assert not known[2:3, 400:401, 400:430].any()
    stack.labels.undo()
    stack.until(lambda: _at(stack) == 1)
    assert not known[1:2, 400:401, 400:430].any()


def test_what_has_no_pyramid_is_seen_from_afar_a_moment_later(stack) -> None:
    """Of the plane that is looked at; and from near it is the file itself."""
    layer = stack.viewer.layers["stack"]
    assert [each.shape[1:] for each in layer.data] == [
        (1500, 1600),
        (750, 800),
        (375, 400),
    ]
    _look(stack, 1, (750, 800), zoom=0.2)
    stack.until(lambda: layer.data_level == 2)
    coarsest = layer.data[-1]
    stack.until(lambda: np.asarray(coarsest[1, 100, 100]) == 1000)
    stack.until(lambda: np.asarray(layer._slice.image.raw).max() == 1000)
    assert not np.asarray(coarsest[2]).any()
    _look(stack, 1, (400, 400))
    stack.until(lambda: layer.data_level == 0)
    QApplication.processEvents()
    assert np.asarray(layer._slice.image.raw).max() == 1000
