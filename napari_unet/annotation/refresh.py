"""What of a merged prediction may still be written: people go on working meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_unet.annotation.merge import MergedPrediction
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import IdCounter, compact, pixels_by_id
from napari_unet.geometry.maps import LabelMap, Mask


@dataclass(slots=True, eq=False)
class Decisions:
    """What was decided on the way, once and for all boxes of a merged prediction.

    `shift` is added to new ids, as others were used since the snapshot; it is settled
    when the first pixel is written. `staying` says whether an object is written,
    decided when the first part of it is reached.
    """

    shift: int = 0
    settled: bool = False
    staying: dict[int, bool] = field(default_factory=dict)


class Predictions:
    """All merged predictions of one annotation, on their way into it.

    Attributes
    ----------
    foreground : ndarray of bool or None
        Where the model sees an object, as far as predictions were applied.
    """

    def __init__(self, pixels: Pixels, live: LabelMap, ids: IdCounter) -> None:
        self.foreground: Mask | None = None
        self._pixels = pixels
        self._live = live
        self._ids = ids
        self._decisions: WeakKeyDictionary[MergedPrediction, Decisions] = (
            WeakKeyDictionary()
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return all but what was decided of predictions, which stay where they are."""
        return vars(self) | {"_decisions": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"_decisions": WeakKeyDictionary()})

    def apply(
        self, merged: MergedPrediction, box: Box, working_on: Iterable[int]
    ) -> None:
        """Write what is free in a box, but nothing of objects that are worked on.

        Raises
        ------
        InputError
            If the prediction was made for something larger, or no ids are left.
        """
        if not self._pixels.whole.contains(merged.box):
            raise InputError(
                f"Expected a prediction within the shape {self._live.shape}, found "
                f"one of {merged.box}; merge it with a snapshot of this annotation."
            )
        box = box.intersect(merged.box)
        if box.empty:
            return
        if self.foreground is None:
            self.foreground = np.zeros(self._live.shape, bool)
        local = box.relative_to(merged.box).slices
        self.foreground[box.slices] = merged.foreground[local]
        decided = self._decisions.setdefault(merged, Decisions())
        if not decided.settled and merged.has_new_ids:
            decided.shift = max(0, self._ids.next - merged.first_id)
        refresh = Refresh(self._pixels, self._live, working_on, merged, decided)
        if (found := refresh.find(box)) is None:
            return  # nothing will be told, so no ids may be used up either
        if not decided.settled:
            decided.settled = True
            if merged.has_new_ids:
                self._ids.take_below(merged.next_id + decided.shift)
        self._pixels.refresh(box, *found)


class Refresh:
    """One merged prediction on its way into an annotation, as things stand now.

    A pixel may be written if it was free when the snapshot was taken *and* is free
    now: not verified, not part of an object that the person works on, and not painted
    since labels were looked at last. (Free now alone is not enough: after an undo the
    merged labels would bring the undone stroke back.)
    """

    def __init__(
        self,
        pixels: Pixels,
        live: LabelMap,
        working_on: Iterable[int],
        merged: MergedPrediction,
        decided: Decisions,
    ) -> None:
        self._pixels = pixels
        self._live = live
        self._working_on = tuple(i for i in working_on if i in pixels.objects)
        self._merged = merged
        self._decided = decided

    def find(self, box: Box) -> tuple[Mask, LabelMap] | None:
        """Return what changes in a box inside of the merged one, and to what."""
        place = box.slices
        free = self._free(box)
        labels = np.where(free, self._wanted(box), self._pixels.labels[place])
        changed = labels != self._pixels.labels[place]
        changed |= free & (self._pixels.provenance[place] != Provenance.PREDICTED)
        return (changed, labels) if changed.any() else None

    def _free(self, box: Box) -> Mask:
        """Return which pixels of a box may be written."""
        labels = self._pixels.labels[box.slices]
        free = self._pixels.unverified(box.slices)
        free &= self._live[box.slices] == labels
        free &= ~self._merged.kept[self._local(box)]
        for object_id in self._working_on:
            common = self._pixels.objects.box(object_id).intersect(box)
            if not common.empty:
                place = common.relative_to(box).slices
                free[place] &= labels[place] != object_id
        return free

    def _wanted(self, box: Box) -> LabelMap:
        """Return what the prediction makes of a box, less objects now in the way."""
        dense, ids = compact(self._merged.labels[self._local(box)])
        self._decide([i for i in ids.tolist() if i in self._merged.objects])
        staying = self._decided.staying
        wanted = ids.copy()
        # A person may have chosen larger ones.
        new = (ids >= self._merged.first_id) & (ids < self._merged.next_id)
        wanted[new] += self._decided.shift
        wanted[[not staying.get(i, True) for i in ids.tolist()]] = 0
        labels: LabelMap = wanted[dense]
        return labels

    def _decide(self, ids: list[int]) -> None:
        """Apply the rule for cut objects again, to what was verified since."""
        objects, staying = self._merged.objects, self._decided.staying
        ids = [i for i in ids if i not in staying]
        if not ids:
            return
        place = reduce(Box.union, (objects[i].box for i in ids))
        free = self._free(place.placed_in(self._merged.box))
        dense, found = compact(self._merged.labels[place.slices][free])
        pixels = pixels_by_id(dense, len(found)).tolist()
        left = dict(zip(found.tolist(), pixels, strict=True))
        for object_id in ids:
            staying[object_id] = 2 * left.get(object_id, 0) > objects[object_id].pixels

    def _local(self, box: Box) -> tuple[slice, ...]:
        return box.relative_to(self._merged.box).slices
