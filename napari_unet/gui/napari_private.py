"""The few things that napari knows and does not say: all its private names are here.

Checked against napari 0.9; ``tests/gui/test_napari_private.py`` says at once when one
of them moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.layers._source import layer_source
from napari.layers.image._image_utils import guess_rgb
from qtpy.compat import isalive
from qtpy.QtWidgets import QButtonGroup, QWidget

from napari_unet.geometry.box import Box
from napari_unet.geometry.points import mask_of_points

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Labels, Layer

Painted: TypeAlias = Callable[[Box, npt.NDArray[np.bool_], Any], None]
"""Gets a box of the layer, which of its pixels a tool paints, and the label."""

Limit: TypeAlias = Callable[[npt.NDArray[Any], int], npt.NDArray[np.bool_]]
"""Gets the labels of pixels that a tool paints, and the new one; says which it may."""


def stroke_open(layer: Labels) -> bool:
    """Return whether an edit is under way that napari will undo as one step.

    Nothing public tells: the mouse button does not, because encircle-and-fill goes on
    between clicks.
    """
    return bool(layer._block_history)


def route_undo(
    layer: Labels, undo: Callable[[], object], redo: Callable[[], object]
) -> Callable[[], None]:
    """Let napari's undo and redo of a layer do something else; return what ends it.

    Its keys call these two methods of the layer.
    """
    return _replace(layer, {"undo": undo, "redo": redo})


def half_drawn(layer: Labels) -> bool:
    """Return whether a stroke, or a polygon or ring of clicks, is begun and not ended.

    It belongs to the layer and not to its pixels.
    """
    overlays = layer._overlays
    ring = overlays.get("brush_stroke")  # since napari 0.9
    clicked = bool(overlays["polygon"].points) or bool(ring is not None and ring.active)
    return stroke_open(layer) or clicked


def forget_strokes(layer: Labels) -> None:
    """Let napari forget strokes that somebody else remembers; it takes memory."""
    for queue in (layer._undo_history, layer._redo_history):
        queue.clear()


def insert_quietly(layers: LayerList, index: int, layer: Layer) -> None:
    """Add a layer without taking the selection away from what is selected.

    Select again afterwards would do, too, but whoever listens to the selection would
    have heard of a layer that nobody selected.
    """
    activate, layers._activate_on_insert = layers._activate_on_insert, False
    try:
        layers.insert(index, layer)
    finally:
        layers._activate_on_insert = activate


def made_from_file(path: str, reader: str) -> AbstractContextManager[None]:
    """Let layers that are made meanwhile say from which file they come."""
    context: AbstractContextManager[None] = layer_source(
        path=path, reader_plugin=reader
    )
    return context


def say_source(layer: Layer, like: Layer) -> None:
    """Let a layer say that it comes from where another one does.

    napari sets that once, when a layer is made.
    """
    layer._source = like.source


def is_taken_for_colour(pixels: Any) -> bool:
    """Whether napari takes the last axis of an array for colours."""
    return bool(guess_rgb(tuple(pixels.shape)))


def matrix_of_pixels(layer: Layer) -> npt.NDArray[np.float64]:
    """Return the matrix from a layer's pixels to where its affine transform begins.

    Scale, rotation and shear, which are public, do not tell it: a negative scale comes
    out as a rotation or not, by what else is set.
    """
    return np.asarray(layer._transforms["data2physical"].affine_matrix)


def watch_tools(layer: Labels, painted: Painted) -> Callable[[], None]:
    """Call `painted` before a tool paints; return what ends it.

    Pixels that have the label already are dropped before anything public hears of
    them. Brush, eraser, fill and polygon paint through ``_paint_region_with_mask``,
    before napari 0.9 through ``data_setitem``.
    """
    announcers: dict[str, Callable[..., None]] = {
        "_paint_region_with_mask": partial(_announce_region, layer, painted),
        "data_setitem": partial(_announce_points, painted),
    }
    methods = {
        name: _announced(announce, getattr(layer, name))
        for name, announce in announcers.items()
        if hasattr(layer, name)
    }
    return _replace(layer, methods)


def limit_tools(
    layer: Labels, limit: Limit, applies: Callable[[], bool]
) -> Callable[[], None]:
    """Let tools paint only what `limit` lets them, if it applies; return what ends it.

    Where others watch the tools, they have to end before. As with `watch_tools`.
    """
    limiters: dict[str, Callable[..., Callable[..., None]]] = {
        "_paint_region_with_mask": partial(_limited_region, layer, limit),
        "data_setitem": partial(_limited_points, layer, limit),
    }
    methods = {
        name: _limited_if(applies, limited, getattr(layer, name))
        for name, limited in limiters.items()
        if hasattr(layer, name)
    }
    return _replace(layer, methods)


def canvas_of(viewer: Any) -> QWidget | None:
    """Return what has the keyboard while a person works on the image.

    None where there is no window, or none any more. Public is only the window's title
    and its docks.
    """
    with suppress(AttributeError, ReferenceError, RuntimeError):
        native: QWidget = viewer.window._qt_viewer.canvas.native
        return native
    return None


def offer_paths(
    viewer: Any, take: Callable[[list[str], Callable[[list[str]], None]], None]
) -> Callable[[], None]:
    """Let somebody open the paths that a person drops or opens; return what ends it.

    `take` gets them, and what opens paths as napari does. A person who chooses a
    reader, or wants a stack, is not asked. Public is only what opens a path by a
    program, and a reader that takes folders takes all of them.
    """
    window = viewer.window._qt_viewer
    open_paths = window._qt_open

    def open_others(
        filenames: Sequence[str],
        stack: Any,
        choose_plugin: bool = False,
        plugin: str | None = None,
        **options: Any,
    ) -> None:
        def as_napari_does(paths: list[str]) -> None:
            open_paths(paths, stack, choose_plugin, plugin, **options)

        paths = [str(path) for path in filenames]
        if stack or choose_plugin or plugin:
            as_napari_does(paths)
        else:
            take(paths, as_napari_does)

    return _replace(window, {"_qt_open": open_others})


class DockNames:
    """Names by which napari finds a dock, too, as long as it is there.

    It looks for a dock by its name alone, and menu and command line have different
    names for the same one; so a second one would be opened.
    """

    def __init__(self, viewer: Any, dock: Any, names: Iterable[str]) -> None:
        self._known = viewer.window._wrapped_dock_widgets
        self._names = [name for name in names if name not in self._known]
        self._known.update(dict.fromkeys(self._names, dock))
        # Nobody else keeps the owner of a slot alive, and no partial may be one (see
        # `Workbench.watch`).
        dock.names_of_plugin = self
        dock.destroyed.connect(self.forget)

    def forget(self, *_: object) -> None:
        """Let napari look for it no more."""
        for name in self._names:
            self._known.pop(name, None)


def scene_of(viewer: Any, layer: Layer) -> Any:
    """Return vispy's node in whose coordinates, those of the world, a layer is drawn.

    None where there is no canvas, or none any more.
    """
    with suppress(AttributeError, KeyError, ReferenceError, RuntimeError):
        return viewer.window._qt_viewer.canvas.layer_to_visual[layer].node.parent
    return None


def watch_modes(layer: Labels, chosen: Callable[[str], None]) -> Callable[[], None]:
    """Call `chosen` when a person or a program chooses a mode; return what ends it.

    Also the one that there is already, of which no event tells. The layer is set up for
    the mode then, but does not say yet that it is in it.
    """
    choose = layer._mode_setter_helper

    def helper(mode: Any) -> Any:
        found = choose(mode)
        chosen(str(found))
        return found

    return _replace(layer, {"_mode_setter_helper": helper})


def show_no_mode(viewer: Any, layer: Layer) -> Callable[[], None]:
    """Let no button of a mode be down; return what ends it.

    So a click on any of them chooses its mode, also the one that there is already.
    """
    with suppress(AttributeError, KeyError, ReferenceError, RuntimeError):
        group = viewer.window._qt_viewer.controls.widgets[layer].button_group
        return _release(group)
    return lambda: None


def _release(group: QButtonGroup) -> Callable[[], None]:
    button = group.checkedButton()
    if button is None:
        return lambda: None
    group.setExclusive(False)
    button.setChecked(False)
    group.setExclusive(True)

    def press() -> None:
        if isalive(button) and isalive(group) and group.checkedButton() is None:
            button.setChecked(True)

    return press


def stop_zoom_by_double_click(viewer: ViewerModel) -> Callable[[], None]:
    """Let two quick clicks be no zoom; return what ends it.

    napari zooms by them in the mode that moves the camera.
    """
    callbacks = viewer.mouse_double_click_callbacks
    zooming = [c for c in callbacks if c.__name__ == "double_click_to_zoom"]
    for callback in zooming:
        callbacks.remove(callback)
    return lambda: callbacks.extend(zooming)


def _replace(owner: Any, methods: dict[str, Callable[..., Any]]) -> Callable[[], None]:
    """Give one layer, or one window, other methods; return what ends it."""
    for name, method in methods.items():
        setattr(owner, name, method)

    def stop() -> None:
        for name in methods:
            delattr(owner, name)

    return stop


def _announced(
    announce: Callable[..., None], method: Callable[..., None]
) -> Callable[..., None]:
    def announced(*arguments: Any, **keywords: Any) -> None:
        announce(*arguments)
        method(*arguments, **keywords)

    return announced


def _announce_region(
    layer: Labels,
    painted: Painted,
    place: tuple[slice, ...],
    mask: npt.NDArray[np.bool_],
    label: Any,
    axes: Sequence[int],
    *_: Any,
) -> None:
    if mask.ndim < layer.ndim:
        others = tuple(axis for axis in range(layer.ndim) if axis not in axes)
        mask = np.expand_dims(mask, others)
    painted(Box.from_slices(place), mask, label)


def _announce_points(painted: Painted, points: Any, label: Any, *_: Any) -> None:
    points = tuple(np.atleast_1d(axis) for axis in points)
    if len(points[0]):
        painted(*mask_of_points(points), label)


def _limited_if(
    applies: Callable[[], bool],
    limited: Callable[..., Callable[..., None]],
    method: Callable[..., None],
) -> Callable[..., None]:
    within = limited(method)

    def maybe_limited(*arguments: Any, **keywords: Any) -> None:
        (within if applies() else method)(*arguments, **keywords)

    return maybe_limited


def _limited_region(
    layer: Labels, limit: Limit, method: Callable[..., None]
) -> Callable[..., None]:
    def limited(
        place: tuple[slice, ...],
        mask: npt.NDArray[np.bool_],
        label: Any,
        *arguments: Any,
        **keywords: Any,
    ) -> None:
        under = np.asarray(layer.data[place]).reshape(mask.shape)[mask]
        allowed = mask.copy()
        allowed[mask] = limit(under, int(label))
        if allowed.any():
            method(place, allowed, label, *arguments, **keywords)

    return limited


def _limited_points(
    layer: Labels, limit: Limit, method: Callable[..., None]
) -> Callable[..., None]:
    def limited(points: Any, label: Any, *arguments: Any, **keywords: Any) -> None:
        points = tuple(np.atleast_1d(axis) for axis in points)
        allowed = limit(np.asarray(layer.data)[points], int(label))
        if allowed.any():
            points = tuple(axis[allowed] for axis in points)
            method(points, label, *arguments, **keywords)

    return limited


def shows_volume(layer: Labels) -> bool:
    """Whether a layer is seen in a 3-D view."""
    return len(layer._slice_input.displayed) == 3


def redraw_box(layer: Labels, box: Box) -> None:
    """Show what was written into ``layer.data`` inside a box, and only that.

    The public ``layer.refresh()`` slices, colours and uploads the whole plane: 75 ms
    at 4096 x 4096, against 2 ms for a box of 512 x 512. It is still what happens in a
    3-D view and for slices that are loading.
    """
    if not layer.visible:
        return  # napari draws the whole layer when it is shown again
    piece = layer._slice
    displayed = list(piece.slice_input.displayed)
    if len(displayed) != 2 or piece.empty or not layer.loaded:
        layer.refresh(thumbnail=False, highlight=False, extent=False)
        return
    hidden = layer._get_pt_not_disp()
    if not all(box.start[d] <= at < box.stop[d] for d, at in hidden.items()):
        return
    wider = box.grow(int(layer.contour), layer.data.shape)
    region = tuple(wider.slices[axis] for axis in displayed)
    if not isinstance(layer.data, np.ndarray):  # what napari holds is a copy then
        place = (hidden.get(axis, each) for axis, each in enumerate(wider.slices))
        read = np.asarray(layer.data[tuple(place)])
        piece.image.raw[region] = read if displayed[0] < displayed[1] else read.T
    colors = layer._raw_to_displayed(piece.image.raw, region)
    if not np.may_share_memory(piece.image.raw, piece.image.view):
        piece.image.view[region] = colors
    layer.events.labels_update(data=colors, offset=[s.start for s in region])
