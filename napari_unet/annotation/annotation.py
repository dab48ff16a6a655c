"""Labels, who stands behind every pixel of them, and all that may change either.

::

    a person writes into `labels` --> notice_change: corrected, object open
    a person decides, a model says --> do(edit): see `napari_unet.annotation.edits`
    undo, redo: every step of a person, one after the other

Rules that always hold are listed in ``docs/provenance.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.change import Change, Listener
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.edits import ApplyPrediction, Paint
from napari_unet.annotation.history import History
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    ProvenanceMap,
    is_verified,
)
from napari_unet.annotation.rules import ObjectRules, Rules
from napari_unet.annotation.workspace import NOWHERE, Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import Points

if TYPE_CHECKING:
    from napari_unet.annotation.values import ValueAnnotation

OBJECTS = ObjectRules()

Predicted: TypeAlias = npt.NDArray[Any]
"""Ids or class numbers; regressed values have the variables as first axis."""

EditOf: TypeAlias = Callable[[Box], Edit]
"""Returns the edit that writes a part of a prediction; see `Annotation.merging`."""


class Mergeable(Protocol):
    """A prediction that is not fitted into an annotation yet; it can be pickled."""

    def merge(self) -> EditOf:
        """Do it; for a worker thread."""
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

    def merge(self) -> EditOf:
        """Fit the prediction into the copy."""
        known = (self.labels, self.provenance, self.predicted, self.next_id)
        return partial(ApplyPrediction, self.rules.merge(*known, box=self.box))


class Annotation:
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
    ring : int
        Pixels of background around an object that are verified together with it.

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
        self.labels = labels
        # Without the subclass: its writes are reported as a person's.
        live = np.asarray(labels)
        self._work = self._workspace(live, provenance, rules, next_id, ring)

    def _workspace(self, *parts: Any) -> Workspace:
        return Workspace(*parts)

    @property
    def rules(self) -> Rules:
        """What labels mean."""
        return self._work.rules

    @property
    def listener(self) -> Listener | None:
        """Who is told of every change, right after it happened."""
        return self._work.listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._work.listener = listener

    @property
    def provenance(self) -> ProvenanceMap:
        """Provenance of every pixel; always the same array, to be read only."""
        return self._work.pixels.provenance

    @property
    def next_id(self) -> int:
        """The smallest id that was never used."""
        return self._work.ids.next

    @property
    def revision(self) -> int:
        """Grows with every change of labels and provenance."""
        return self._work.pixels.revision

    @property
    def history(self) -> History:
        """What can be undone and redone."""
        return self._work.history

    @property
    def foreground(self) -> Mask | None:
        """Where applied predictions see objects: no ring verifies background there."""
        return self._work.predictions.foreground

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
        return self._work.open

    @property
    def empty(self) -> bool:
        """Whether there are no labels, and nobody has verified any."""
        return self.counts().nothing

    def new_id(self) -> int:
        """Return an id for a new object; nobody else will ever get it."""
        return self._work.ids.take()

    def counts(self) -> ObjectCounts:
        """Return how much is verified; costs nothing."""
        return self._work.pixels.objects.counts()

    def pixels_of(self, label: int) -> int:
        """Return how many pixels have a label other than 0; costs nothing."""
        return self._work.pixels.objects.pixels(label)

    def verified_labels(self) -> frozenset[int]:
        """Return the labels, 0 among them, of which some pixel is verified."""
        return self._work.pixels.objects.verified_labels()

    def snapshot(self) -> AnnotationSnapshot:
        """Return a copy of what was noticed so far, for another thread or the disk."""
        labels, provenance = self._work.pixels.labels, self.provenance
        return AnnotationSnapshot(
            labels.copy(), provenance.copy(), self.next_id, self.revision
        )

    def trainable(self) -> Mask:
        """Return the verified pixels, but for objects that are only half painted."""
        pixels = self._work.pixels
        mask = is_verified(self.provenance)
        for object_id in self.open_objects:
            place = pixels.objects.box(object_id).slices
            mask[place] &= pixels.labels[place] != object_id
        return mask

    def do(self, edit: Edit) -> Change | None:
        """Do an edit; return all that changed, None if nothing did."""
        return edit.do(self._work)

    def written(self, box: Box, repainted: Points = NOWHERE) -> Paint | None:
        """Return what somebody has written into `labels` as an edit, if anything.

        Parameters
        ----------
        box : Box
            Where to look.
        repainted : tuple of ndarray of int
            Pixels that were painted as they are already. Where that says that they are
            right, they become accepted with the same step.
        """
        return Paint.written(self._work, box, repainted)

    def notice_change(self, box: Box, repainted: Points = NOWHERE) -> Change | None:
        """Do what was `written`."""
        edit = self.written(box, repainted)
        return self.do(edit) if edit else None

    def undo(self) -> Change | None:
        """Take back what the person did last; None if there is nothing."""
        return self._work.undo()

    def redo(self) -> Change | None:
        """Do again what was undone last; None if there is nothing."""
        return self._work.redo()

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
            Its `merge` is for a worker thread. That returns what makes edits of it: to
            be called with one box after the other, and to be done on the thread of the
            annotation.
        """
        labels = self._work.pixels.labels[box.slices].copy()
        provenance = self.provenance[box.slices].copy()
        return Merging(self.rules, labels, provenance, predicted, self.next_id, box)

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told to a listener in an earlier life.

        Nobody is told again. On the annotation as it was before the change, the result
        is exactly what it was afterwards.
        """
        self._work.repeat(change)

    def recall(self, change: Change) -> None:
        """Remember a change whose pixels are here already; it can be undone then."""
        self._work.recall(change)
