"""A person at a Labels layer, as far as an annotation can see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Change
from napari_unet.geometry.box import Box


@dataclass
class Painter:
    """Paints as napari does: pixels that have the label already are left out."""

    annotation: Annotation

    @property
    def labels(self) -> np.ndarray:
        return self.annotation.labels

    @property
    def whole(self) -> Box:
        return Box.whole(self.labels.shape)

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.labels.copy(), self.annotation.provenance.copy()

    def paint(self, where: Any, label: int) -> Change | None:
        self.write(where, label)
        return self.annotation.notice_change(self.whole)

    def write(self, where: Any, label: int) -> None:
        """Paint, and let nobody look yet."""
        self.labels[where] = label

    def undo(self) -> Change | None:
        return self.annotation.undo()

    def redo(self) -> Change | None:
        return self.annotation.redo()


def same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def cells() -> np.ndarray:
    """Three cells on 32 x 32."""
    labels = np.zeros((32, 32), np.int32)
    labels[4:10, 4:10] = 1
    labels[4:10, 16:22] = 2
    labels[20:28, 18:28] = 3
    return labels
