"""The private names of napari that this package uses still mean what they meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_unet.core.box import Box
from napari_unet.gui.napari_private import redraw_box, stroke_open


def stack() -> np.ndarray:
    labels = np.zeros((5, 40, 50), np.int32)
    labels[:, 5:15, 5:20] = 1
    labels[:, 20:35, 20:45] = 2
    return labels


WRITTEN = Box((1, 8, 10), (4, 30, 30))


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"order": (0, 2, 1)},
        {"order": (1, 0, 2), "current_step": (2, 20, 25)},
        {"order": (2, 1, 0), "current_step": (2, 20, 25)},
        {"ndisplay": 3},
        {"current_step": (0, 20, 25)},
        {"contour": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.int32, np.uint8])
def test_a_redrawn_box_looks_like_a_redrawn_layer(
    qapp: Any, view: dict[str, Any], dtype: type
) -> None:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    layer = viewer.add_labels(stack().astype(dtype))
    layer.contour = view.get("contour", 0)
    for name in ("ndisplay", "order", "current_step"):
        if name in view:
            setattr(viewer.dims, name, view[name])
    layer.data[WRITTEN.slices] = 3
    redraw_box(layer, WRITTEN)
    shown = np.array(layer._slice.image.view)
    layer.refresh()
    assert np.array_equal(shown, layer._slice.image.view)


def test_a_redrawn_box_is_on_the_screen(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_labels(stack()[0])
    untouched = viewer.screenshot(flash=False)
    layer.data[8:30, 10:30] = 3
    redraw_box(layer, Box((8, 10), (30, 30)))
    redrawn = viewer.screenshot(flash=False)
    layer.refresh()
    assert np.array_equal(redrawn, viewer.screenshot(flash=False))
    assert not np.array_equal(redrawn, untouched)


def test_a_hidden_layer_is_drawn_when_it_is_shown(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_labels(stack()[0], visible=False)
    layer.data[8:30, 10:30] = 3
    redraw_box(layer, Box((8, 10), (30, 30)))
    layer.visible = True
    shown = viewer.screenshot(flash=False)
    layer.refresh()
    assert np.array_equal(shown, viewer.screenshot(flash=False))


def test_an_edit_is_open_until_napari_can_undo_it(qapp: Any) -> None:
    from napari.layers import Labels

    layer = Labels(stack()[0])
    assert not stroke_open(layer)
    with layer.block_history():
        layer.paint((3, 3), 7)
        assert stroke_open(layer)
    assert not stroke_open(layer)
