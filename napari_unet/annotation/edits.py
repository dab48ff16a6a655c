"""Everything that changes an annotation: edits, given to `Annotation.do`.

::

    a brush --> Paint                 a person decides  --> AcceptView, Restore, ...
    a model --> ApplyPrediction       a person moves on --> Settle

Tools are offered in the order in which they stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import (
    Edit,
    Facts,
    ObjectEdit,
    Tool,
    register,
    why_no_labels,
)
from napari_unet.annotation.merge import MergedPrediction
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.annotation.refresh import Refresh
from napari_unet.annotation.workspace import NOWHERE, Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.points import (
    Points,
    chosen_points,
    marked_points,
    ordered_points,
)


@register
@dataclass(frozen=True, slots=True, eq=False)
class Paint(Edit):
    """Pixels get labels from a person: a brush, an eraser (0), a fill, a polygon.

    For `points`, `labels` and `confirmed` see `Workspace.paint`.
    """

    name: ClassVar[str] = "paint"
    points: Points
    labels: LabelMap
    confirmed: Points = NOWHERE

    @classmethod
    def written(cls, work: Workspace, box: Box, repainted: Points) -> Paint | None:
        """Return what somebody has written into `live`, inside a box, if anything.

        `repainted` are pixels that were painted as they are already. Where that says
        that they are right, the unverified ones are confirmed.
        """
        box = box.intersect(work.pixels.whole)
        if box.empty:
            return None
        known, live = work.pixels.labels, work.live
        changed = marked_points(box, live[box.slices] != known[box.slices])
        confirmed = NOWHERE
        if len(repainted[0]) and work.rules.repainting_accepts:
            # Most dabs of a stroke repaint what the same stroke has painted.
            same = live[repainted] == known[repainted]
            same &= work.pixels.unverified(repainted)
            if same.any():
                confirmed = chosen_points(repainted, same)
                confirmed = ordered_points(confirmed, live.shape)
        if len(changed[0]) or len(confirmed[0]):
            return cls(changed, live[changed], confirmed)
        return None

    def do(self, work: Workspace) -> Change | None:
        """Make them corrected, and their objects open."""
        return work.paint(self.points, self.labels, self.confirmed)


@register
@dataclass(frozen=True, slots=True, eq=False)
class TakeOver(Edit):
    """Labels from elsewhere, as if a person had painted them all in one stroke."""

    name: ClassVar[str] = "take over"
    labels: npt.NDArray[Any]

    def do(self, work: Workspace) -> Change | None:
        """Paint what is different."""
        work.live[...] = self.labels
        painted = Paint.written(work, work.pixels.whole, NOWHERE)
        return painted.do(work) if painted else None


@register
@dataclass(frozen=True, slots=True, eq=False)
class TakeToCorrect(Edit):
    """Labels from elsewhere, as if a model had predicted them, but as one step.

    What is verified stays as it is, and what comes in is verified by nobody.
    """

    name: ClassVar[str] = "take to correct"
    labels: npt.NDArray[Any]

    def do(self, work: Workspace) -> Change | None:
        """Fit them in, after what was touched is settled."""
        Settle().do(work)
        return work.take(self.labels)


class _Accept(Edit):
    """Something is right: it becomes verified, as one step."""

    __slots__ = ()

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to accept."""
        if why_not := why_no_labels(facts):
            return why_not
        if not facts.has_prediction:
            return "There are no predicted values to accept; press Predict first."
        return out_of_sight


@register
@dataclass(frozen=True, slots=True)
class AcceptView(_Accept):
    """Accept what is in a box.

    See `annotation.rules.accepted_region` for objects on its border. Where labels are
    classes, everything in the box is accepted; where they are marks, the values that
    are shown, of pixels that nobody stands behind.
    """

    name: ClassVar[str] = "accept view"
    tool: ClassVar[Tool | None] = Tool(
        "Accept view",
        "Everything in view is right: it becomes verified",
        "view",
        key="Shift+A",
        primary=True,
    )
    box: Box

    def looked_at(self, shape: tuple[int, ...]) -> Box | None:  # noqa: ARG002
        """Return what is in view."""
        return self.box

    def do(self, work: Workspace) -> Change | None:
        """Accept what nobody stands behind."""
        return work.accept(*work.acceptable(self.box))


@register
@dataclass(frozen=True, slots=True)
class AcceptObject(_Accept, ObjectEdit):
    """Accept an object, if there is one of that id."""

    name: ClassVar[str] = "accept object"
    tool: ClassVar[Tool | None] = Tool(
        "Accept object",
        "The object that is picked (5) is right, in all its planes: it becomes "
        "verified",
        "object",
        key="Shift+O",
        instead="accept a view",
    )

    def do(self, work: Workspace) -> Change | None:
        """Accept what nobody stands behind."""
        return work.accept(*work.object_region(self.object_id))


class _Unverify(Edit):
    """Nobody stands behind something any more, as one step.

    Labels stay until a prediction changes them; marks go.
    """

    __slots__ = ()

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to un-verify."""
        if out_of_sight:
            return out_of_sight
        return "" if facts.verified_share else "Nothing is verified yet."


@register
@dataclass(frozen=True, slots=True)
class UnverifyView(_Unverify):
    """Un-verify what `AcceptView` would accept."""

    name: ClassVar[str] = "un-verify view"
    tool: ClassVar[Tool | None] = Tool(
        "Un-verify view",
        "Nobody stands behind what is in view any more: labels stay, and a prediction "
        "may change them",
        "view",
        key="Shift+U",
        seldom=True,
        done="Un-verified.",
        unchanged="Nothing here was verified.",
    )
    box: Box

    def do(self, work: Workspace) -> Change | None:
        """Let predictions change it."""
        return work.unverify(*work.in_view(self.box))


@register
@dataclass(frozen=True, slots=True)
class UnverifyObject(_Unverify, ObjectEdit):
    """Un-verify an object, and the ring of background that belongs to it."""

    name: ClassVar[str] = "un-verify object"
    tool: ClassVar[Tool | None] = Tool(
        "Un-verify object",
        "Nobody stands behind the object that is picked (5) any more: a prediction may "
        "change it",
        "object",
        seldom=True,
        done="Un-verified.",
        unchanged="Nothing here was verified.",
        instead="un-verify a view",
    )

    def do(self, work: Workspace) -> Change | None:
        """Let predictions change it."""
        return work.unverify(*work.object_region(self.object_id, ring=True))


@register
@dataclass(frozen=True, slots=True)
class StartOver(Edit):
    """Forget all labels, and who stands behind them, as one step."""

    name: ClassVar[str] = "start over"

    def do(self, work: Workspace) -> Change | None:
        """Clear everything, unless there is nothing."""
        if work.pixels.objects.counts().nothing:
            return None
        nothing = np.zeros_like(work.pixels.labels)
        return work.replace(nothing, np.zeros(nothing.shape, np.uint8))


@register
@dataclass(frozen=True, slots=True, eq=False)
class Restore(Edit):
    """Put an earlier snapshot of the annotation in the place of all, as one step."""

    name: ClassVar[str] = "restore"
    snapshot: AnnotationSnapshot

    def do(self, work: Workspace) -> Change | None:
        """Bring everything back."""
        return work.restore(self.snapshot)


@register
@dataclass(frozen=True, slots=True)
class Settle(Edit):
    """Open objects are finished: accepted, with a ring of background around each.

    It belongs to the step before, and is undone with it. `ids` names some of the
    objects; None stands for all.
    """

    name: ClassVar[str] = "settle"
    ids: frozenset[int] | None = None

    def do(self, work: Workspace) -> Change | None:
        """Accept them."""
        were_open = work.open_objects
        work.finish(were_open if self.ids is None else were_open & self.ids)
        return work.tell("settle", anyway=were_open != work.open_objects)


@register
@dataclass(frozen=True, slots=True, eq=False)
class ApplyPrediction(Edit):
    """A model's labels inside a box, where nobody has verified anything.

    `merged` was made from a snapshot of this annotation, perhaps an old one. What was
    verified since is respected too, as are open objects and strokes that were not
    noticed yet. Large images are applied box by box, with the same result. It is no
    step: an undo skips it.
    """

    name: ClassVar[str] = "apply prediction"
    merged: MergedPrediction
    box: Box

    def do(self, work: Workspace) -> Change | None:
        """Write what is still welcome."""
        Refresh(work, self.merged).write(self.box)
        return work.tell("predict")
