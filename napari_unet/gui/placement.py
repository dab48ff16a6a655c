"""Where layers lie that belong to an image: on each other, whichever of them is moved.

napari lets scale, translation, rotation, shear, units, axis labels and an affine
transform of every layer be set at any time: in code, by linked layers, and with the
mouse in the transform mode.

napari lines layers up by their last axes. Over an image (C, Y, X) labels (Y, X) are
right as they are, and seen with every channel. Over (T, C, Y, X) the time of labels
(T, Y, X) would share the slider of the channels; so the layer gets an axis where the
image has its channels. Along it all pixels are the same memory: nothing is copied, and
what is painted over one channel is painted over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line
from napari_unet.geometry.maps import Mask
from napari_unet.gui.connections import Connections
from napari_unet.gui.napari_private import matrix_of_pixels

Matrix: TypeAlias = npt.NDArray[np.float64]

_MOVED_BY = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def cover(target: Any, source: Any) -> None:
    """Let a layer lie where another one lies, pixel on pixel.

    The axes are the last ones that the two have in common; those that the target has
    more stay what they are.
    """
    common = min(target.ndim, source.ndim)
    kept, own = source.ndim - common, target.ndim - common
    for name in ("axis_labels", "units"):
        here, there = getattr(target, name), getattr(source, name)
        _set(target, name, (*here[:own], *there[kept:]))
    same = target.ndim == source.ndim
    for name in ("rotate", "shear"):
        value = getattr(source, name) if same else np.eye(target.ndim)
        if not (_is_plain(target) and _is_plain(source if same else target)):
            setattr(target, name, value)
    for name in ("scale", "translate"):
        here, there = getattr(target, name), getattr(source, name)
        _set(target, name, np.array([*here[:own], *there[kept:]]))
    _cover_by_affine(target, source, common)


def cover_part(target: Any, source: Any, origin: tuple[int, ...]) -> None:
    """Let a layer lie where another one does, from one of its pixels on.

    `origin` is that pixel along the last axes of both.
    """
    cover(target, source)
    linear = matrix_of_pixels(source)[:-1, :-1][-len(origin) :, -len(origin) :]
    moved = np.array(source.translate[-len(origin) :]) + linear @ np.array(origin)
    _set(target, "translate", np.array([*target.translate[: -len(origin)], *moved]))


def cover_coarsely(
    target: Any, source: Any, origin: tuple[int, ...], step: int
) -> None:
    """Let a layer lie where another one does, of which it has every n-th pixel.

    Of the last two axes, from one of its pixels on; `origin` is that pixel along the
    last axes of both. A pixel of it lies in the middle of those that it stands for.
    """
    beyond = (step - 1) / 2
    middle = (*origin[:-2], *(each + beyond for each in origin[-2:]))
    cover(target, source)
    linear = matrix_of_pixels(source)[:-1, :-1][-len(middle) :, -len(middle) :]
    moved = np.array(source.translate[-len(middle) :]) + linear @ np.array(middle)
    coarse = [*target.scale[:-2], *(step * np.array(target.scale[-2:]))]
    _set(target, "scale", np.array(coarse))
    _set(target, "translate", np.array([*target.translate[: -len(middle)], *moved]))


def _cover_by_affine(target: Any, source: Any, common: int) -> None:
    """Bring about by the affine transform what scale and translation do not."""
    wanted = _to_world(target)
    there = _to_world(source)
    rows = [*range(-common - 1, -1), -1]
    wanted[np.ix_(rows, rows)] = there[np.ix_(rows, rows)]
    if not np.allclose(_to_world(target), wanted, rtol=1e-9, atol=1e-9):
        target.affine = wanted @ np.linalg.inv(matrix_of_pixels(target))


def _to_world(layer: Any) -> Matrix:
    """Return the matrix from pixels to the world."""
    return np.asarray(layer.affine.affine_matrix) @ matrix_of_pixels(layer)


def _is_plain(layer: Any) -> bool:
    """Whether a layer is neither rotated nor sheared, but by its affine transform."""
    linear = matrix_of_pixels(layer)[:-1, :-1]
    return bool(np.array_equal(linear, np.diag(np.diag(linear))))


def _set(layer: Any, name: str, value: Any) -> None:
    """Set what is different: a layer draws itself again whenever something is set."""
    if not np.array_equal(getattr(layer, name), value):
        setattr(layer, name, value)


def see(layer: Any, *, visible: bool) -> None:
    """Bring a layer in sight or hide it, where it is not so already.

    Shown again napari draws all of it anew, and hidden twice it forgets the tool.
    """
    if layer.visible is not visible:
        layer.visible = visible


class LayersTogether:
    """Layers that show the same pixels: where one of them goes, the others go too."""

    def __init__(self) -> None:
        self._members: list[Any] = []
        self._connections = Connections()
        self._moving = False

    def add(self, layer: Any) -> None:
        """Let a layer go with the others from now on."""
        if layer not in self._connections:
            self._members.append(layer)
            for name in _MOVED_BY:
                moved = getattr(layer.events, name)
                self._connections.connect(moved, self._on_moved, layer)

    def discard(self, layer: Any) -> None:
        """Let a layer go its own way."""
        self._members = [each for each in self._members if each is not layer]
        self._connections.forget(layer)

    def move_to(self, layer: Any) -> None:
        """Bring all layers to where this one is."""
        self._moving = True
        try:
            for member in self._members:
                if member is not layer:
                    cover(member, layer)
        finally:
            self._moving = False

    def close(self) -> None:
        """Let all layers go their own way."""
        self._members.clear()
        self._connections.close()

    def _on_moved(self, event: Any) -> None:
        if not self._moving:
            self.move_to(event.source)


@dataclass(frozen=True, slots=True)
class ChannelAxis:
    """The axis that a layer has more than the labels that it shows, if it has one.

    Where a layer shows a part of the labels, `origin` is the place in them at which
    that begins.
    """

    position: int | None = None  # in the layer; None where it has no axis more
    size: int = 1  # how many channels there are
    origin: tuple[int, ...] = ()

    @classmethod
    def over(cls, axes: str, shape: tuple[int, ...], *, rgb: bool) -> ChannelAxis:
        """Return what a layer needs over an image of these axes and this shape.

        Where it is `rgb`, napari counts no axis for the channels.
        """
        position = axes.find("C")
        if rgb or position <= 0:
            return cls()
        return cls(position, shape[position])

    @property
    def without_origin(self) -> ChannelAxis:
        """The same axis of a layer that shows all of what is meant."""
        return replace(self, origin=())

    def spread(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a view of labels, or of anything of their shape, for the layer."""
        if self.position is None:
            return array
        shape, strides = list(array.shape), list(array.strides)
        shape.insert(self.position, self.size)
        strides.insert(self.position, 0)
        return np.lib.stride_tricks.as_strided(
            array, shape, strides, writeable=bool(array.flags.writeable)
        )

    def labels(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the labels of an array of the shape of the layer: its last channel."""
        if self.position is None:
            return array
        return np.take(array, -1, self.position)

    def box_in_layer(self, box: Box) -> Box:
        """Return a box of the labels as a box of the layer: over all channels."""
        if self.origin:
            box = box.relative_to(Box(self.origin, self.origin))
        if self.position is None:
            return box
        start, stop = list(box.start), list(box.stop)
        start.insert(self.position, 0)
        stop.insert(self.position, self.size)
        return Box(tuple(start), tuple(stop))

    def box_of_labels(self, box: Box) -> Box:
        """Return a box of the layer as a box of the labels."""
        if self.position is not None:
            start, stop = list(box.start), list(box.stop)
            del start[self.position], stop[self.position]
            box = Box(tuple(start), tuple(stop))
        if self.origin:
            box = box.placed_in(Box(self.origin, self.origin))
        return box

    def axis_of_labels(self, axis: int) -> int | None:
        """Return which axis of the labels an axis of the layer is, if it is one."""
        if self.position is None or axis < self.position:
            return axis
        return None if axis == self.position else axis - 1

    def axis_in_layer(self, axis: int) -> int:
        """Return which axis of the layer an axis of the labels is."""
        return axis + (self.position is not None and axis >= self.position)

    def place_in_layer(self, axis: int, place: int) -> int:
        """Return where in the layer a place along an axis of the labels is."""
        return place - self.origin[axis] if self.origin else place

    def mask_of_labels(self, mask: Mask) -> Mask:
        """Return which pixels of labels are marked in any of their channels."""
        return mask if self.position is None else np.any(mask, axis=self.position)

    def line_of_labels(
        self, vertices: npt.NDArray[np.float64], axes: tuple[int, ...]
    ) -> Line | None:
        """Return a line in the layer, in pixels, as a line of the labels.

        It was drawn in the plane of two axes of the layer; None where the labels have
        no such plane.
        """
        own = [axis for axis in axes if axis != self.position and axis >= 0]
        if len(own) != 2:
            return None
        if self.position is not None:
            vertices = np.delete(vertices, self.position, axis=1)
            own = [axis - (axis > self.position) for axis in own]
        if self.origin:
            vertices = vertices + np.array(self.origin)
        first, second = sorted(own)
        return Line(tuple(map(tuple, vertices.tolist())), (first, second))


NO_CHANNEL_AXIS = ChannelAxis()
"""The layer has the axes of the labels."""
