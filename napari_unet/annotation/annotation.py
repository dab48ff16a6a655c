"""Labels, who stands behind every pixel of them, and all that may change either.

::

    a person writes into `labels` --> notice_change: corrected, object open
    a person decides, a model says --> do(edit): see `napari_unet.annotation.edits`
    undo, redo: every step of a person, one after the other

Rules that always hold are listed in ``docs/provenance.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

import napari_unet.annotation.adding
import napari_unet.annotation.drawn_edits
import napari_unet.annotation.plane_accepting
import napari_unet.annotation.plane_edits
import napari_unet.annotation.track_edits  # noqa: F401 - offered with the others
from napari_unet.annotation.begun import Begun, begun_beyond
from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.edits import ApplyPrediction, Paint
from napari_unet.annotation.heirs import Followed
from napari_unet.annotation.history import (
    iter_bring_back,
    iter_take_back,
    settle_again,
)
from napari_unet.annotation.in_parts import AT_ONCE
from napari_unet.annotation.merge import MergedPrediction
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.origins import inverse
from napari_unet.annotation.part import Part
from napari_unet.annotation.plane_table import PlaneTable
from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    Provenance,
    ProvenanceMap,
    is_verified,
)
from napari_unet.annotation.rules import Rules
from napari_unet.annotation.workspace import NOWHERE, Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.points import Points

if TYPE_CHECKING:
    from napari_unet.annotation.large import ChunkedSnapshot
    from napari_unet.annotation.values import ValueAnnotation

Predicted: TypeAlias = npt.NDArray[Any]
"""Ids or class numbers; regressed values have the variables as first axis."""

EditOf: TypeAlias = Callable[[Box], Edit]
"""Returns the edit that writes a part of a prediction; see `Annotation.merging`."""


class Mergeable(Protocol):
    """A prediction that is not fitted into an annotation yet; it can be pickled."""

    def merge(self) -> EditOf:
        """Do it; for a worker thread."""
        ...

    def outcome(self) -> tuple[Predicted, Predicted]:
        """Return what there is and what would be, and write nothing; as `merge`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Merging:
    """A prediction, and a copy of what it is merged with."""

    rules: Rules
    labels: LabelMap
    provenance: ProvenanceMap
    predicted: Predicted
    next_id: int
    box: Box
    part: Part | None = None
    frames: Followed | None = None
    begun: Begun = field(default_factory=dict)

    def merge(self) -> EditOf:
        """Fit the prediction into the copy."""
        return partial(ApplyPrediction, self._merged())

    def outcome(self) -> tuple[LabelMap, LabelMap]:
        """Return the labels as they are, and as they would be; nobody writes there."""
        return self.labels, self._merged().labels

    def _merged(self) -> MergedPrediction:
        known = (self.labels, self.provenance, self.predicted, self.next_id)
        return self.rules.merge(
            *known,
            box=self.box,
            part=self.part,
            frames=self.frames,
            begun=self.begun,
        )


class Annotation(Workspace):
    """A label map that a person and a model work on together.

    Lives on one thread; other threads get snapshots.

    Parameters
    ----------
    labels : ndarray of int32
        Object ids or class numbers, 0 is background; two axes or more, the last two
        are the plane (YX, ZYX, TYX, TZYX). This very array is shown and painted in:
        whoever writes to it calls `notice_change` afterwards. Edits write to it in
        place.
    provenance : ndarray of uint8, optional
        `Provenance` of every pixel, changed in place. None for unseen.
    rules : Rules
        What labels mean; objects, unless it is told.
    next_id : int
        The smallest id that was never used, if more is known than `labels` tells.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    """

    in_chunks: ClassVar[bool] = False
    """Whether labels are larger than memory."""

    @property
    def shown(self) -> LabelMap:
        """The labels that are shown, and painted in; always the same array."""
        return self.labels

    @property
    def shown_box(self) -> Box:
        """Which part of the labels is shown."""
        return self.pixels.whole

    @property
    def shown_provenance(self) -> ProvenanceMap:
        """Provenance of what is shown; always the same array."""
        return self.pixels.provenance

    def show_provenance(self, box: Box) -> None:
        """Bring `shown_provenance` up to date in a box, where it is not always so."""

    @property
    def provenance(self) -> ProvenanceMap:
        """Provenance of every pixel; always the same array, to be read only."""
        return self.pixels.provenance

    @property
    def next_id(self) -> int:
        """The smallest id that was never used."""
        return self.ids.next

    @property
    def revision(self) -> int:
        """Grows with every change of labels and provenance."""
        return self.pixels.revision

    @property
    def values(self) -> ValueAnnotation | None:
        """The annotation itself where its labels are marks that stand for values."""
        return None

    @property
    def has_prediction(self) -> bool:
        """Whether there is something to accept; labels always say something."""
        return True

    @property
    def empty(self) -> bool:
        """Whether there are no labels, and nobody has verified any."""
        return self.counts().nothing

    @property
    def untouched(self) -> bool:
        """Whether neither a person nor a model has said anything yet."""
        return self.empty and not self.provenance.any()

    def unseen(self, box: Box) -> Mask:
        """Return of which pixels of a box nobody has said anything."""
        return np.asarray(self.provenance[box.slices] == Provenance.UNSEEN)

    def new_id(self) -> int:
        """Return an id for a new object; nobody else will ever get it."""
        return self.ids.take()

    def counts(self) -> ObjectCounts:
        """Return how much is verified; costs nothing."""
        return self.pixels.objects.counts()

    @property
    def planes(self) -> PlaneTable:
        """Which planes or frames are finished."""
        return self.pixels.planes

    def pixels_of(self, label: int) -> int:
        """Return how many pixels have a label other than 0; costs nothing."""
        return self.pixels.objects.pixels(label)

    def verified_labels(self) -> frozenset[int]:
        """Return the labels, 0 among them, of which some pixel is verified."""
        return self.pixels.objects.verified_labels()

    def snapshot(self) -> AnnotationSnapshot:
        """Return a copy of what was noticed so far, for another thread or the disk."""
        self.in_parts.finish()
        provenance = self.provenance.copy()
        known = (self.next_id, self.revision, self.counts(), self.origins)
        return AnnotationSnapshot(self._to_save(), provenance, *known)

    def to_save(self) -> AnnotationSnapshot | ChunkedSnapshot:
        """Return what a save needs: all of it, or what changed since the last one."""
        return self.snapshot()

    def _to_save(self) -> LabelMap | ValueMap:
        return self.pixels.labels.copy()

    def trainable(self) -> Mask:
        """Return the verified pixels, but for objects that are only half painted."""
        self.in_parts.finish()
        mask = is_verified(self.provenance)
        for object_id in self.open_objects:
            place = self.pixels.objects.box(object_id).slices
            mask[place] &= self.pixels.labels[place] != object_id
        return mask

    def do(self, edit: Edit) -> Change | None:
        """Do an edit; return all that changed, None if nothing did."""
        self.in_parts.finish()
        return edit.do(self)

    def begin(self, edit: Edit) -> Change | None:
        """Do an edit; where it changes very much, the first part of that.

        `in_parts` goes on with the others, or is finished by whatever is next.
        """
        with self._some_parts():
            return self.do(edit)

    @contextmanager
    def _some_parts(self) -> Iterator[None]:
        # Ids do not follow objects in labels in chunks: no step is all over them.
        self.in_parts.allowed = not self.in_chunks and self.live.size > AT_ONCE
        try:
            yield
        finally:
            self.in_parts.allowed = False

    def begin_undo(self) -> Change | None:
        """Take back what the person did last, or the first part of that."""
        with self._some_parts():
            return self.undo()

    def begin_redo(self) -> Change | None:
        """Do again what was undone last, or the first part of that."""
        with self._some_parts():
            return self.redo()

    def notice_change(self, box: Box, repainted: Points = NOWHERE) -> Change | None:
        """Do what somebody has written into `labels`; see `Paint.written`."""
        edit = Paint.written(self, box, repainted)
        return self.do(edit) if edit else None

    def merging(
        self, predicted: Predicted, box: Box, part: Part | None = None
    ) -> Mergeable:
        """Return what a model says of a box, together with a copy of what is known now.

        Or of a part of the box.

        Its `merge` is for a worker thread. That returns what makes edits of it: to be
        called with one box after the other, and to be done on the thread of the
        annotation.
        """
        self.in_parts.finish()
        labels = self.pixels.labels[box.slices].copy()
        provenance = self.provenance[box.slices].copy()
        known = (self.rules, labels, provenance, predicted, self.next_id)
        frames = None
        if self.time is not None and self.origins:
            frames = Followed(self.time, frozenset(self.origins))
        return Merging(*known, box, part, frames, begun_beyond(self.pixels, box))

    def undo(self) -> Change | None:
        """Take back what the person did last, and what was settled after it, if any."""
        self.in_parts.finish()
        if not self.history.done:
            return None
        entry, were_open = self.history.done[-1], self.open_objects
        parts = iter_take_back(self.pixels, entry, self._know_values, self.time)
        self.in_parts.first(parts)
        self.know(inverse(entry.origins))
        self._set_open(entry.open_before)
        tell = partial(self.tell, "undo", stroke=entry.number, entry_open=were_open)
        return self.in_parts.later(parts, tell, tell(anyway=True))

    def redo(self) -> Change | None:
        """Do again what was undone last, and what was settled after it, if any."""
        self.in_parts.finish()
        if not self.history.undone:
            return None
        entry = self.history.undone[-1]
        parts = iter_bring_back(self.pixels, entry, self._know_values, self.time)
        self.in_parts.allowed &= not entry.settled
        self.in_parts.first(parts)
        self.know(entry.origins)
        self._set_open((self.open_objects - entry.open_before) | entry.open_after)
        tell = partial(
            self.tell, "redo", stroke=entry.number, entry_open=entry.open_after
        )
        change = self.in_parts.later(parts, tell, tell(anyway=True))
        left = [settle_again(self.pixels, part) for part in entry.settled]
        were_open = self.open_objects
        self._set_open(were_open.union(*left))
        settled = self.tell("settle", anyway=self.open_objects != were_open)
        if change is None or settled is None:
            return change
        return replace(change, parts=(*change.parts, *settled.parts))

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told to a listener in an earlier life.

        Nobody is told again. On the annotation as it was before the change, the result
        is exactly what it was afterwards.
        """
        self.in_parts.finish()
        own = self._translated(change)
        for part, values in zip_longest(own.parts, own.values):
            self._know_values(part, values)
            self.pixels.put(part, part.after, part.now)
        self.know(change.origins)
        self._written.taken()
        self.recall(change)

    def recall(self, change: Change) -> None:
        """Remember a change whose pixels are here already; it can be undone then."""
        change = self._translated(change)
        self._note(change)
        self.ids.skip_past(change.ids, change.next_id)

    def _know_values(self, part: PixelChange, values: ValueMap | None) -> None:
        """Remember the accepted values of a part that comes back."""

    def _translated(self, change: Change) -> Change:
        """Return a change of an earlier life in the labels of this one."""
        return change
