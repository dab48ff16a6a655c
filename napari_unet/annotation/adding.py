"""An object that a person adds by a click where the model found none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit, Facts, Tool, register, why_no_labels
from napari_unet.annotation.workspace import Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.points import marked_points


@register
@dataclass(frozen=True, slots=True, eq=False)
class AddObject(Edit):
    """A new object, where there is background.

    `mask` are its pixels in a box; those that other objects have by now stay theirs.
    The id is one that nobody has used, but for the same object of another size.
    """

    name: ClassVar[str] = "add object"
    tool: ClassVar[Tool | None] = Tool(
        "Add",
        "Click where an object is missing: it grows as far as the model sees "
        "something there; the wheel over it makes it larger or smaller",
        "seed",
        key="A",
        done="Added.",
        unchanged="Nothing was added: there is another object.",
        instead="paint with the brush",
        gesture="Click a missing object, then turn the wheel over it for its size",
    )
    object_id: int
    box: Box
    mask: Mask

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to add objects."""
        return why_no_labels(facts) or out_of_sight

    def do(self, work: Workspace) -> Change | None:
        """Paint it over background, as one stroke."""
        free = self.mask & (work.pixels.labels[self.box.slices] == 0)
        points = marked_points(self.box, free)
        return work.paint(points, np.full(len(points[0]), self.object_id, np.int32))
