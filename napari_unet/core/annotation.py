"""Labels, who stands behind every pixel of them, and all that may change either.

::

    a person writes into `labels` --> notice_change: corrected, object open
                                      settle:        open objects accepted
                                      accept:        a view or an object accepted
    a model, on a snapshot: merge_prediction --> apply: what nobody verified

Rules that always hold are listed in ``docs/provenance.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.box import Box
from napari_unet.core.change import Change, Chronicle, Kind, Listener, Region
from napari_unet.core.history import ChangeKind, Edit, History
from napari_unet.core.ids import IdCounter
from napari_unet.core.merge import MergedPrediction, merge_prediction
from napari_unet.core.objects import ObjectCounts
from napari_unet.core.pixels import Pixels, check_maps
from napari_unet.core.points import Points, chosen_points
from napari_unet.core.provenance import (
    LabelMap,
    Mask,
    ProvenanceMap,
    is_verified,
)
from napari_unet.core.refresh import Predictions
from napari_unet.core.rules import ObjectRules, Rules
from napari_unet.core.runs import runs_of_mask
from napari_unet.core.settle import finished_object
from napari_unet.core.snapshot import AnnotationSnapshot
from napari_unet.core.strokes import Strokes

__all__ = ["Annotation", "Edit", "MergedPrediction", "merge_prediction"]

OBJECTS = ObjectRules()

Predicted: TypeAlias = npt.NDArray[Any]
"""Ids or class numbers; regressed values have the variables as first axis."""

Apply: TypeAlias = Callable[[Box], Box | None]
"""Writes a part of a prediction, on the thread of the annotation; see `merging`."""


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
        self._pixels = Pixels(self._live.copy(), provenance)
        self._ids = IdCounter(next_id, self._live)
        self._ring = ring
        self._strokes = Strokes(self._pixels, self._live, rules, self._finished)
        self._chronicle = Chronicle(self._pixels)
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
        """Where the model sees an object, as far as predictions were applied.

        Such background is not verified by a ring.
        """
        return self._predictions.foreground

    @property
    def listener(self) -> Listener | None:
        """Who is told of every change, right after it happened."""
        return self._chronicle.listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._chronicle.listener = listener

    @property
    def has_prediction(self) -> bool:
        """Whether there is something to accept besides what a person painted.

        Labels always say something: where nothing is, they say background.
        """
        return True

    @property
    def open_objects(self) -> frozenset[int]:
        """Objects that the person has touched and not finished."""
        return self._strokes.open

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
        """Return the verified pixels that are no part of an open object.

        An object half painted is an example of nothing.
        """
        mask = is_verified(self.provenance)
        for object_id in self._strokes.open:
            place = self._pixels.objects.box(object_id).slices
            mask[place] &= self._pixels.labels[place] != object_id
        return mask

    def notice_change(self, box: Box, kind: ChangeKind | None = None) -> Edit | None:
        """Take note that a person has written to `labels`.

        Changed pixels become corrected and their objects, old and new, open; objects
        that were open before and are not touched are settled first. Where labels are
        no objects nothing opens. An undo or a redo restores the provenance together
        with the labels.

        Parameters
        ----------
        box : Box
            Where to look.
        kind : str, optional
            "edit" if it is certainly a new one. None to tell by the pixels whether the
            change takes a stroke back, or brings one back, exactly; if both would fit
            it is an undo. What fits nothing is a new edit, whatever `kind` says.

        Returns
        -------
        Edit or None
            None if nothing is different.
        """
        edit = self._strokes.notice(box, kind)
        if edit is not None:
            self._ids.skip_past(edit.stroke.ids)
            undone = edit.kind != "edit"
            self._tell(
                edit.kind,
                stroke=edit.entry.number,
                entry_open=edit.entry.open_after if undone else edit.entry.open_before,
                certain=kind == "edit",
            )
        return edit

    def settle(self, ids: Iterable[int] | None = None) -> Box | None:
        """Accept open objects as a whole, with a ring of background around each.

        Undoing the last stroke takes this back too.

        Parameters
        ----------
        ids : iterable of int, optional
            Which of the open objects; None for all.

        Returns
        -------
        Box or None
            Where provenance changed.
        """
        were_open = self._strokes.open
        box = self._strokes.settle(ids)
        self._tell("settle", anyway=were_open != self._strokes.open)
        return box

    def accept(self, box: Box) -> Box | None:
        """Accept what is in a box; no undo of a stroke takes that back.

        See `napari_unet.core.settle.accepted_region` for objects on its border. Where
        labels are classes, everything in the box is accepted.

        Returns
        -------
        Box or None
            Where provenance changed.
        """
        box = box.intersect(self._pixels.whole)
        if box.empty:
            return None
        labels, objects = self._pixels.labels, self._pixels.objects
        return self._accept(*self.rules.accepted(labels, box, objects))

    def accept_object(self, object_id: int) -> Box | None:
        """Accept one object as a whole; no undo of a stroke takes that back.

        Returns
        -------
        Box or None
            Where provenance changed; None also if there is no such object.
        """
        exists = object_id in self._pixels.objects
        if not exists or not self.rules.objects_among(frozenset((object_id,))):
            return None
        box = self._pixels.objects.box(object_id)
        return self._accept(box, self._pixels.labels[box.slices] == object_id)

    def accept_repainted(self, points: Points) -> Box | None:
        """Accept pixels over which a person paints what they are already.

        Where labels are objects, or marks, that says nothing. No undo of a stroke
        takes it back.

        Parameters
        ----------
        points : tuple of ndarray of int
            Coordinates by axis; those that were painted otherwise since the last
            `notice_change` are left out.

        Returns
        -------
        Box or None
            Where provenance changed.
        """
        if not self.rules.repainting_accepts:
            return None
        same = self._live[points] == self._pixels.labels[points]
        patch = self._pixels.accept(chosen_points(points, same))
        self._tell("accept")
        return patch.box if patch else None

    def merging(self, predicted: Predicted, box: Box) -> Callable[[], Apply]:
        """Return how a prediction gets into the annotation, in two steps.

        Parameters
        ----------
        predicted : ndarray
            What a model says of a box.
        box : Box
            Which part of the annotation.

        Returns
        -------
        callable
            For a worker thread: fits the prediction into what is known now. It returns
            `apply` for this prediction: to be called with one box after the other, on
            the thread of the annotation.
        """
        place = box.slices
        labels = self._pixels.labels[place].copy()
        provenance = self.provenance[place].copy()
        next_id = self._ids.next

        def merge() -> Apply:
            merged = self.rules.merge(labels, provenance, predicted, next_id, box=box)
            return partial(self.apply, merged)

        return merge

    def apply(self, merged: MergedPrediction, box: Box) -> Box | None:
        """Write a merged prediction inside a box, where nobody has verified anything.

        What was verified after the snapshot is respected too, as are open objects and
        strokes that were not noticed yet. Large images are applied box by box, with
        the same result.

        Parameters
        ----------
        merged : MergedPrediction
            Made from a snapshot of this annotation, perhaps an old one.
        box : Box
            In the coordinates of the annotation.

        Returns
        -------
        Box or None
            Where labels or provenance changed.

        Raises
        ------
        InputError
            If the prediction was made for something larger, or no ids are left.
        """
        changed = self._predictions.apply(merged, box, self._strokes.open)
        self._tell("predict")
        return changed

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told to a listener in an earlier life.

        Nobody is told again. On the annotation as it was before the change, the result
        is exactly what it was afterwards.
        """
        listener, self.listener = self.listener, None
        self._strokes.repeat(change)
        self._ids.skip_past(change.ids, change.next_id)
        self.listener = listener

    def recall(self, change: Change) -> None:
        """Remember a change whose pixels are here already; it can be undone then."""
        self._strokes.recall(change)
        self._ids.skip_past(change.ids, change.next_id)

    def _tell(self, kind: Kind, **facts: Any) -> None:
        change = self._chronicle.tell(
            kind, next_id=self._ids.next, open=self._strokes.open, **facts
        )
        if change is not None and self.listener is not None:
            self.listener(self._completed(change))

    def _completed(self, change: Change) -> Change:
        """Add what labels stand for, where that is not the labels themselves."""
        return change

    def _accept(self, box: Box, mask: Mask) -> Box | None:
        self._strokes.release(box, mask)
        changed = self._pixels.accept_mask(box, mask)
        self._tell("accept", anyway=True, region=Region(box, runs_of_mask(mask)))
        return changed

    def _finished(self, object_id: int) -> Points:
        return finished_object(
            self._pixels.labels,
            self._pixels.objects.box(object_id),
            object_id,
            ring=self._ring,
            foreground=self.foreground,
        )
