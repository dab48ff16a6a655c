"""Whole planes of a stack, or frames of a series, are right, whatever is in view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Facts, Tool, register
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.plane_edits import PlaneEdit
from napari_unet.annotation.workspace import Workspace
from napari_unet.geometry.box import Box

_UNCHANGED = "All of that is verified already."


@dataclass(frozen=True, slots=True)
class _AcceptPlanes(PlaneEdit):
    """Some planes are right: objects, as they are there, and background."""

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to accept planes."""
        why_not = super(_AcceptPlanes, cls).why_not(facts, out_of_sight)
        return why_not or (
            "" if facts.has_prediction else "There is nothing predicted to accept yet."
        )

    def looked_at(self, shape: tuple[int, ...]) -> Box | None:
        """Return the plane in sight."""
        return self.section.box(shape)

    def first(self, work: Workspace) -> int:
        """Return the first of the planes, of which that in sight is the last."""
        del work
        return self.section.at[self.section.along]

    def do(self, work: Workspace) -> Change | None:
        """Accept them, as one step."""
        section, shape = self.section, work.live.shape
        along = section.along
        if section.box(shape).empty:
            return None
        Settle().do(work)
        at = list(section.at)
        boxes = []
        for place in range(self.first(work), section.at[along] + 1):
            at[along] = place
            boxes.append(replace(section, at=tuple(at)).box(shape))

        def write() -> None:
            for box in boxes:
                for part in work.plane_acceptable(box):
                    work.pixels.accept_mask(*part)

        return work.step("accept", write)


@register
@dataclass(frozen=True, slots=True)
class AcceptPlane(_AcceptPlanes):
    """The plane in sight is right."""

    name: ClassVar[str] = "accept plane"
    tool: ClassVar[Tool | None] = Tool(
        "Accept plane",
        "All of the plane or frame in sight is right, also what is not in view: it "
        "becomes verified",
        "plane",
        key="Shift+P",
        done="The plane is accepted.",
        unchanged=_UNCHANGED,
        instead="accept a view",
    )


@register
@dataclass(frozen=True, slots=True)
class AcceptUpToHere(_AcceptPlanes):
    """All planes are right from the last one that is finished to the one in sight."""

    name: ClassVar[str] = "accept up to here"
    tool: ClassVar[Tool | None] = Tool(
        "Accept up to here",
        "All planes or frames that follow the last finished one are right, up to the "
        "one in sight: for those who have looked through them",
        "plane",
        key="Ctrl+Shift+P",
        done="The planes up to this one are accepted.",
        unchanged=_UNCHANGED,
        instead="accept a view",
    )

    def first(self, work: Workspace) -> int:
        """Return the plane after the last finished one before that in sight."""
        section, planes = self.section, work.pixels.planes
        at, along = list(section.at), section.along
        if section.axes != (work.live.ndim - 2, work.live.ndim - 1):
            return at[along]  # across the planes there is no table of them
        for place in range(section.at[along] - 1, -1, -1):
            at[along] = place
            if planes.finished(planes.number(tuple(at))):
                return place + 1
        return 0
