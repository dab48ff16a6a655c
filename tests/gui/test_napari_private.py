"""The private names of napari that this package uses still mean what they meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_unet.geometry.box import Box
from napari_unet.geometry.points import marked_points
from napari_unet.gui.napari_private import (
    limit_tools,
    redraw_box,
    scene_of,
    show_no_mode,
    stop_zoom_by_double_click,
    stroke_open,
    watch_modes,
    watch_tools,
)


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


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)], ids=str)
def test_tools_say_what_they_paint_even_where_nothing_changes(
    qapp: Any, order: tuple[int, ...]
) -> None:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    layer = viewer.add_labels(stack())
    viewer.dims.order = order
    told = []

    def painted(box: Box, mask: np.ndarray, label: int) -> None:
        told.append((marked_points(box, mask), label))

    stop = watch_tools(layer, painted)
    layer.brush_size = 1
    layer.paint((2, 8, 9), 1)
    assert [(label, points) for points, label in told] == [
        (1, (np.array([2]), np.array([8]), np.array([9])))
    ]
    layer.fill((2, 25, 25), 3)
    points, label = told[-1]
    assert label == 3
    assert (layer.data[points] == 3).all()
    assert (layer.data == 3).sum() == len(points[0]) > 100
    stop()
    layer.paint((2, 8, 9), 1)
    assert len(told) == 2
    assert not {"data_setitem", "_paint_region_with_mask"} & vars(layer).keys()


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)], ids=str)
def test_tools_paint_only_what_they_may(qapp: Any, order: tuple[int, ...]) -> None:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    layer = viewer.add_labels(stack())
    viewer.dims.order = order
    before, asked = layer.data.copy(), []

    def limit(under: np.ndarray, label: int) -> np.ndarray:
        asked.append(label)
        return under == 0

    applies = True
    stop = limit_tools(layer, limit, lambda: applies)
    layer.brush_size = 15
    layer.paint((2, 8, 9), 7)
    different = layer.data != before
    assert different.any()
    assert not before[different].any()
    assert (before[layer.data == before] != 0).any()
    layer.undo()
    assert (layer.data == before).all()
    layer.fill(tuple(np.argwhere(before)[0]), 7)
    assert (layer.data == before).all()
    assert asked == [7, 7]
    applies = False
    layer.paint((2, 8, 9), 7)
    assert (layer.data[before > 0] == 7).any()
    layer.undo()
    assert asked == [7, 7]
    stop()
    layer.paint((2, 8, 9), 7)
    assert (layer.data[before > 0] == 7).any()
    assert not {"data_setitem", "_paint_region_with_mask"} & vars(layer).keys()


def test_a_mode_that_is_chosen_is_heard_of_even_if_it_is_there_already(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    layer = viewer.add_labels(stack())
    controls = viewer.window._qt_viewer.controls.widgets[layer]
    layer.mode = "paint"
    chosen: list[str] = []
    press = show_no_mode(viewer, layer)
    assert not controls.paint_button.isChecked()
    stop = watch_modes(layer, chosen.append)
    layer.mode = "paint"
    layer.mode = "erase"
    assert (chosen[0], chosen[-1]) == ("paint", "erase")
    show_no_mode(viewer, layer)
    chosen.clear()
    controls.erase_button.click()
    assert chosen[-1] == "erase"
    chosen.clear()
    stop()
    layer.mode = "pan_zoom"
    assert not chosen
    press()
    assert controls.panzoom_button.isChecked()
    assert scene_of(viewer, layer) is viewer.window._qt_viewer.canvas.view.scene


def test_a_double_click_zooms_unless_it_shall_not(qapp: Any) -> None:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    before = list(viewer.mouse_double_click_callbacks)
    assert "double_click_to_zoom" in [each.__name__ for each in before]
    stop = stop_zoom_by_double_click(viewer)
    assert len(viewer.mouse_double_click_callbacks) == len(before) - 1
    stop()
    assert list(viewer.mouse_double_click_callbacks) == before
    assert scene_of(viewer, viewer.add_labels(stack())) is None
