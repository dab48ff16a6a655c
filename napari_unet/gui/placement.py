"""Layers that lie on each other stay on each other, whichever of them is moved.

napari lets scale, translation, rotation, shear, units, axis labels and an affine
transform of every layer be set at any time: in code, by linked layers, and with the
mouse in the transform mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.gui.napari_private import matrix_of_pixels

Matrix: TypeAlias = npt.NDArray[np.float64]

_MOVED_BY = (
    "scale",
    "translate",
    "rotate",
    "shear",
    "affine",
    "units",
    "axis_labels",
)


def cover(target: Any, source: Any) -> None:
    """Let a layer lie where another one lies, pixel on pixel.

    The axes are the last ones that the two have in common; those that the target has
    more stay what they are.

    Parameters
    ----------
    target, source : napari.layers.Layer
        The first is moved, where it has to be.
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


class LayersTogether:
    """Layers that show the same pixels: where one of them goes, the others go too."""

    def __init__(self) -> None:
        self._members: list[Any] = []
        self._moving = False

    def __contains__(self, layer: object) -> bool:
        return any(layer is member for member in self._members)

    def add(self, layer: Any) -> None:
        """Let a layer go with the others from now on."""
        if layer not in self:
            self._members.append(layer)
            self._each_event(layer, lambda emitter: emitter.connect(self._on_moved))

    def discard(self, layer: Any) -> None:
        """Let a layer go its own way."""
        if layer in self:
            self._members = [each for each in self._members if each is not layer]
            self._each_event(layer, lambda emitter: emitter.disconnect(self._on_moved))

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
        for layer in tuple(self._members):
            self.discard(layer)

    def _each_event(self, layer: Any, do: Callable[[Any], object]) -> None:
        for name in _MOVED_BY:
            do(getattr(layer.events, name))

    def _on_moved(self, event: Any) -> None:
        if not self._moving:
            self.move_to(event.source)
