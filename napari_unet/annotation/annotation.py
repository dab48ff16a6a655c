"""Labels, who stands behind every pixel of them, and all that may change either.

::

    a person writes into `labels` --> notice_change: corrected, object open
                                      settle:        open objects accepted
    a person decides --> accept, unverify: a view or an object
                         replace:          all of it, also to start over
                         undo, redo:       each of these, one step after the other
    a model, on a snapshot: merge_prediction --> apply: what nobody verified

Rules that always hold are listed in ``docs/provenance.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.change import Change, Chronicle, Kind, Listener
from napari_unet.annotation.history import Edit, Entry, History
from napari_unet.annotation.merge import (
    Mergeable,
    Merged,
    MergedPrediction,
    merge_prediction,
)
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.pixels import Pixels, check_maps
from napari_unet.annotation.provenance import ProvenanceMap, is_verified
from napari_unet.annotation.refresh import Predictions
from napari_unet.annotation.rules import ObjectRules, Rules
from napari_unet.annotation.settle import finished_object
from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.annotation.strokes import NOWHERE, Strokes
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import IdCounter
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import Points, bounding_box
from napari_unet.geometry.runs import run_starts

if TYPE_CHECKING:
    from napari_unet.annotation.values import ValueAnnotation

__all__ = ["Annotation", "Edit", "MergedPrediction", "merge_prediction"]

OBJECTS = ObjectRules()

Predicted: TypeAlias = npt.NDArray[Any]
"""Ids or class numbers; regressed values have the variables as first axis."""


class Annotation:
    """A label map that a person and a model work on together.

    Lives on one thread; other threads get snapshots.

    Parameters
    ----------
    labels : ndarray of int32
        Object ids or class numbers, 0 is background; two axes or more, the last two
        are the plane (YX, ZYX, TYX, TZYX). This very array is shown and painted in:
        whoever writes to it calls `notice_change` afterwards. `apply` writes to it in
        place.
    provenance : ndarray of uint8, optional
        `Provenance` of every pixel, changed in place. None for unseen.
    rules : Rules
        What labels mean; objects, unless it is told.
    next_id : int
        The smallest id that was never used, if more is known than `labels` tells.
    ring : int
        Pixels of background around an object that are verified together with it.

    Attributes
    ----------
    rules : Rules
        What labels mean.
    listener : callable or None
        Who is told of every change, right after it happened.

    Raises
    ------
    InputError
        If the arrays do not fit each other.
    """

    def __init__(
        self,
        labels: LabelMap,
        provenance: ProvenanceMap | None = None,
        *,
        rules: Rules = OBJECTS,
        next_id: int = 1,
        ring: int = 2,
    ) -> None:
        if provenance is None:
            provenance = np.zeros(labels.shape, np.uint8)
        check_maps(labels, provenance)
        self.labels = labels
        self.rules = rules
        # Without the subclass: its writes are reported as a person's.
        self._live = np.asarray(labels)
        self._pixels = Pixels(self._live, provenance)
        self._ids = IdCounter(next_id, self._live)
        self._ring = ring
        self._strokes = Strokes(
            self._pixels, self._live, rules, self._finished, self._tell, self._prepare
        )
        self._chronicle = Chronicle(self._pixels)
        self.listener: Listener | None = None
        self._predictions = Predictions(self._pixels, self._live, self._ids)

    @property
    def provenance(self) -> ProvenanceMap:
        """Provenance of every pixel; always the same array, to be read only."""
        return self._pixels.provenance

    @property
    def next_id(self) -> int:
        """The smallest id that was never used."""
        return self._ids.next

    @property
    def revision(self) -> int:
        """Counts the changes of labels and provenance."""
        return self._pixels.revision

    @property
    def history(self) -> History:
        """What can be undone and redone."""
        return self._strokes.history

    @property
    def foreground(self) -> Mask | None:
        """Where applied predictions see objects: no ring verifies background there."""
        return self._predictions.foreground

    @property
    def values(self) -> ValueAnnotation | None:
        """The annotation itself where its labels are marks that stand for values."""
        return None

    @property
    def has_prediction(self) -> bool:
        """Whether there is something to accept; labels always say something."""
        return True

    @property
    def open_objects(self) -> frozenset[int]:
        """Objects that the person has touched and not finished."""
        return self._strokes.open

    @property
    def empty(self) -> bool:
        """Whether there are no labels, and nobody has verified any."""
        counts = self.counts()
        return not (counts.objects or counts.verified_pixels)

    def new_id(self) -> int:
        """Return an id for a new object; nobody else will ever get it."""
        return self._ids.take()

    def counts(self) -> ObjectCounts:
        """Return how much is verified; costs nothing."""
        return self._pixels.objects.counts()

    def pixels_of(self, label: int) -> int:
        """Return how many pixels have a label other than 0; costs nothing."""
        return self._pixels.objects.pixels(label)

    def verified_labels(self) -> frozenset[int]:
        """Return the labels, 0 among them, of which some pixel is verified."""
        return self._pixels.objects.verified_labels()

    def snapshot(self) -> AnnotationSnapshot:
        """Return a copy of what was noticed so far, for another thread or the disk."""
        return AnnotationSnapshot(
            self._pixels.labels.copy(),
            self._pixels.provenance.copy(),
            self._ids.next,
            self.revision,
        )

    def trainable(self) -> Mask:
        """Return the verified pixels, but for objects that are only half painted."""
        mask = is_verified(self.provenance)
        for object_id in self._strokes.open:
            place = self._pixels.objects.box(object_id).slices
            mask[place] &= self._pixels.labels[place] != object_id
        return mask

    def notice_change(self, box: Box, repainted: Points = NOWHERE) -> Edit | None:
        """Take note that a person has written to `labels`.

        Changed pixels become corrected and their objects, old and new, open; objects
        that were open before and are not touched are settled first. Where labels are
        no objects nothing opens.

        Parameters
        ----------
        box : Box
            Where to look.
        repainted : tuple of ndarray of int
            Pixels that the person painted as they are already. Where that says that
            they are right, they become accepted with the same step.

        Returns
        -------
        Edit or None
            None if nothing is different.
        """
        return self._strokes.notice(box, repainted)

    def undo(self) -> Edit | None:
        """Take back what the person did last; None if there is nothing."""
        return self._strokes.undo()

    def redo(self) -> Edit | None:
        """Do again what was undone last; None if there is nothing."""
        return self._strokes.redo()

    def settle(self, ids: Iterable[int] | None = None) -> Box | None:
        """Accept open objects, or some of them, with a ring of background around each.

        Undoing the last step takes this back too. Returns where provenance changed.
        """
        return self._strokes.settle(ids)

    def accept(self, box: Box) -> Box | None:
        """Accept what is in a box, as one step; return where provenance changed.

        See `annotation.settle.accepted_region` for objects on its border. Where labels
        are classes, everything in the box is accepted.
        """
        region, mask = self._in_view(box)
        return self._accept(region, mask)

    def accept_object(self, object_id: int) -> Box | None:
        """Accept an object, if there is one, as one step; return where that was."""
        if not self._is_object(object_id):
            return None
        box = self._pixels.objects.box(object_id)
        return self._accept(box, self._pixels.labels[box.slices] == object_id)

    def unverify(self, box: Box) -> Box | None:
        """Let nobody stand behind what `accept` would take, as one step.

        Labels stay until a prediction changes them; marks go. Returns where that was.
        """
        region, mask = self._in_view(box)
        return self._unverify(region, mask)

    def unverify_object(self, object_id: int) -> Box | None:
        """Do so with an object and the ring of background that belongs to it."""
        if not self._is_object(object_id):
            return None
        points = self._finished(object_id)
        box = bounding_box(points)
        mask = np.zeros(box.shape, bool)
        mask[tuple(a - b for a, b in zip(points, box.start, strict=True))] = True
        return self._unverify(box, mask)

    def start_over(self) -> Box | None:
        """Forget all labels, and who stands behind them, as one step."""
        if self.empty:
            return None
        nothing = np.zeros_like(self._pixels.labels)
        return self._replace(nothing, np.zeros(nothing.shape, np.uint8))

    def bring_back(self, earlier: AnnotationSnapshot) -> Box | None:
        """Put a snapshot of this annotation in the place of everything, as one step."""
        self._ids.skip_to(earlier.next_id)
        return self._replace(earlier.labels.astype(np.int32), earlier.provenance)

    def merging(self, predicted: Predicted, box: Box) -> Mergeable:
        """Return a prediction together with a copy of what is known now.

        Parameters
        ----------
        predicted : ndarray
            What a model says of a box.
        box : Box
            Which part of the annotation.

        Returns
        -------
        Mergeable
            Its `merge` is for a worker thread; what that returns is written with
            `apply`, one box after the other, on the thread of the annotation.
        """
        return self._predictions.merging(self.rules, predicted, box)

    def apply(self, merged: Merged, box: Box) -> Box | None:
        """Write a merged prediction inside a box, where nobody has verified anything.

        What was verified after the snapshot is respected too, as are open objects and
        strokes that were not noticed yet. Large images are applied box by box, with
        the same result.

        Parameters
        ----------
        merged : MergedPrediction
            Made from a snapshot of this annotation, perhaps an old one; from one of
            regressed values for those.
        box : Box
            In the coordinates of the annotation.

        Returns
        -------
        Box or None
            Where labels or provenance changed.

        Raises
        ------
        InputError
            If the prediction was made for something else, or no ids are left.
        """
        if not isinstance(merged, MergedPrediction):
            raise InputError("Expected object ids or classes, found predicted values.")
        changed = self._predictions.apply(merged, box, self._strokes.open)
        self._tell("predict")
        return changed

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told to a listener in an earlier life.

        Nobody is told again. On the annotation as it was before the change, the result
        is exactly what it was afterwards.
        """
        self._strokes.repeat(change)
        self._chronicle.forget()
        self.recall(change)

    def recall(self, change: Change) -> None:
        """Remember a change whose pixels are here already; it can be undone then."""
        self._strokes.note(change)
        self._ids.skip_past(change.ids, change.next_id)

    def _tell(self, kind: Kind, *, anyway: bool = False, **facts: Any) -> None:
        facts |= {"next_id": self._ids.next, "open": self._strokes.open}
        change = self._chronicle.tell(kind, anyway=anyway, **facts)
        if change is None:
            return
        if kind == "edit":
            self._ids.skip_past(change.ids)
        change = self._completed(replace(change, next_id=self._ids.next))
        self._strokes.note(change)
        if self.listener is not None:
            self.listener(change)

    def _completed(self, change: Change) -> Change:
        """Add what labels stand for, where that is not the labels themselves."""
        return change

    def _prepare(self, entry: Entry, part: int) -> None:
        """Get ready to undo or redo a part of a step."""

    def _is_object(self, object_id: int) -> bool:
        exists = object_id in self._pixels.objects
        return exists and bool(self.rules.objects_among(frozenset((object_id,))))

    def _in_view(self, box: Box) -> tuple[Box, Mask]:
        box = box.intersect(self._pixels.whole)
        if box.empty:
            return box, np.zeros(box.shape, bool)
        return self.rules.accepted(self._pixels.labels, box, self._pixels.objects)

    def _accept(self, box: Box, mask: Mask) -> Box | None:
        pixels = self._pixels
        return self._strokes.decide("accept", lambda: pixels.accept_mask(box, mask))

    def _unverify(self, box: Box, mask: Mask) -> Box | None:
        pixels, content = self._pixels, self.rules.unverified
        found = pixels.labels[box.slices][mask]
        ids = frozenset(found[run_starts(found)].tolist() if found.size else ())
        return self._strokes.decide(
            "unverify", lambda: pixels.replace_verified(box, mask, content), ids
        )

    def _replace(self, labels: LabelMap, provenance: ProvenanceMap) -> Box | None:
        pixels = self._pixels
        return self._strokes.decide(
            "replace", lambda: pixels.replace_all(labels, provenance), self.open_objects
        )

    def _finished(self, object_id: int) -> Points:
        return finished_object(
            self._pixels.labels,
            self._pixels.objects.box(object_id),
            object_id,
            ring=self._ring,
            foreground=self.foreground,
        )
