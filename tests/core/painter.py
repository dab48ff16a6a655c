"""A person at a Labels layer, as far as an annotation can see it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from napari_unet.core.annotation import Annotation, Edit
from napari_unet.core.box import Box

Kind = Literal["edit", "undo", "redo"]


@dataclass(frozen=True)
class Atom:
    """What napari remembers of a stroke: a mask, and labels before and after."""

    mask: np.ndarray
    old: np.ndarray
    new: int


@dataclass
class Painter:
    """Paints as napari does: pixels that have the label already are left out.

    Undo writes old values back and says nothing, for the last hundred strokes.
    """

    annotation: Annotation
    done: deque[Atom] = field(default_factory=lambda: deque(maxlen=100))
    undone: deque[Atom] = field(default_factory=lambda: deque(maxlen=100))

    @property
    def labels(self) -> np.ndarray:
        return self.annotation.labels

    @property
    def whole(self) -> Box:
        return Box.whole(self.labels.shape)

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.labels.copy(), self.annotation.provenance.copy()

    def paint(self, where: Any, label: int, kind: Kind | None = "edit") -> Edit | None:
        self.write(where, label)
        return self.annotation.notice_change(self.whole, kind)

    def undo(self, kind: Kind | None = None) -> Edit | None:
        self.write_undo()
        return self.annotation.notice_change(self.whole, kind)

    def redo(self, kind: Kind | None = None) -> Edit | None:
        self.write_redo()
        return self.annotation.notice_change(self.whole, kind)

    def write(self, where: Any, label: int) -> None:
        """Paint, and let nobody look yet."""
        mask = np.zeros(self.labels.shape, bool)
        mask[where] = True
        mask &= self.labels != label
        if mask.any():
            self.done.append(Atom(mask, self.labels[mask], label))
            self.undone.clear()
            self.labels[mask] = label

    def write_undo(self) -> None:
        if self.done:
            atom = self.done.pop()
            self.labels[atom.mask] = atom.old
            self.undone.append(atom)

    def write_redo(self) -> None:
        if self.undone:
            atom = self.undone.pop()
            self.labels[atom.mask] = atom.new
            self.done.append(atom)


def same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def cells() -> np.ndarray:
    """Three cells on 32 x 32."""
    labels = np.zeros((32, 32), np.int32)
    labels[4:10, 4:10] = 1
    labels[4:10, 16:22] = 2
    labels[20:28, 18:28] = 3
    return labels
