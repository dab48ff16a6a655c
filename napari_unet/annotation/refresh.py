"""What of a merged prediction may still be written: people go on working meanwhile."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np

from napari_unet.annotation.begun import verified_in_plane
from napari_unet.annotation.merge import MergedPrediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.workspace import Workspace
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.geometry.ids import compact, pixels_by_id
from napari_unet.geometry.maps import LabelMap, Mask


class Refresh:
    """One merged prediction on its way into an annotation, as things stand now.

    A pixel may be written if it was free when the snapshot was taken *and* is free
    now: not verified, not part of an object that the person works on, and not painted
    since labels were looked at last. (Free now alone is not enough: after an undo the
    merged labels would bring the undone stroke back.)

    Raises an InputError if the prediction was made for something larger.
    """

    def __init__(self, work: Workspace, merged: MergedPrediction) -> None:
        if not work.pixels.whole.contains(merged.box):
            raise InputError(
                f"Expected a prediction within the shape {work.live.shape}, found "
                f"one of {merged.box}; merge it with a snapshot of this annotation."
            )
        self._work = work
        self._pixels = work.pixels
        self._merged = merged
        self._decided = merged.decisions

    def write(self, box: Box) -> None:
        """Write what is free in a box; an InputError tells that no ids are left."""
        work, merged, decided = self._work, self._merged, self._decided
        box = box.intersect(merged.box)
        if box.empty:
            return
        if work.foreground is None:
            work.foreground = work.no_foreground()
        local = self._local(box)
        known = True if merged.known is None else merged.known[local]
        foreground = work.foreground[box.slices]
        np.copyto(foreground, merged.foreground[local], where=known)
        work.foreground[box.slices] = foreground
        new_ids = merged.next_id > merged.first_id and not decided.settled
        if new_ids:
            decided.shift = max(0, work.ids.next - merged.first_id)
        labels, changed = self._found(box)
        if not changed.any():
            return  # nothing will be told, so no ids may be used up either
        decided.settled = True
        if new_ids:
            work.ids.take_below(merged.next_id + decided.shift)
        self._pixels.refresh(box, changed, labels)

    def _found(self, box: Box) -> tuple[LabelMap, Mask]:
        """Return the new labels of a box, and which of its pixels change."""
        old, free = self._pixels.labels[box.slices], self._free(box)
        labels = np.where(free, self._wanted(box), old)
        provenance = self._pixels.provenance[box.slices]
        return labels, (labels != old) | (free & (provenance != Provenance.PREDICTED))

    def _free(self, box: Box) -> Mask:
        """Return which pixels of a box may be written."""
        labels = self._pixels.labels[box.slices]
        free = self._pixels.unverified(box.slices)
        free &= self._work.live[box.slices] == labels
        free &= ~self._merged.kept[self._local(box)]
        for object_id in self._work.open_objects:
            common = self._pixels.objects.box(object_id).intersect(box)
            if not common.empty:
                place = common.relative_to(box).slices
                free[place] &= labels[place] != object_id
        return free

    def _wanted(self, box: Box) -> LabelMap:
        """Return what the prediction makes of a box, less objects now in the way."""
        wanted = np.empty(box.shape, np.int32)
        for plane in box.planes():
            place = plane.relative_to(box).slices
            wanted[place] = self._wanted_in_plane(plane)
        return wanted

    def _wanted_in_plane(self, box: Box) -> LabelMap:
        local = box.relative_to(self._merged.box)
        dense, ids = compact(self._merged.labels[local.slices])
        staying = self._decide(local.start[:-2], ids.tolist())
        wanted = ids.copy()
        # A person may have chosen larger ones.
        new = (ids >= self._merged.first_id) & (ids < self._merged.next_id)
        wanted[new] += self._decided.shift
        wanted[[not staying.get(i, True) for i in ids.tolist()]] = 0
        labels: LabelMap = wanted[dense]
        return labels

    def _decide(self, index: PlaneIndex, ids: list[int]) -> dict[int, bool]:
        """Apply the rule for cut objects again, to what was verified since.

        Return which objects of a plane stay in it.
        """
        objects = self._merged.objects.get(index, {})
        staying = self._decided.staying.setdefault(index, {})
        ids = [i for i in ids if i in objects]
        worked_on = [i for i in ids if self._worked_on(i, index)]
        staying.update(dict.fromkeys(worked_on, False))
        unknown = [i for i in ids if i not in staying]
        if not unknown:
            return staying
        part = reduce(Box.union, (objects[i].box for i in unknown))
        end = tuple(each + 1 for each in index)
        place = Box((*index, *part.start), (*end, *part.stop))
        free = self._free(place.placed_in(self._merged.box))
        dense, found = compact(self._merged.labels[place.slices][free])
        pixels = pixels_by_id(dense, len(found)).tolist()
        left = dict(zip(found.tolist(), pixels, strict=True))
        for object_id in unknown:
            staying[object_id] = 2 * left.get(object_id, 0) > objects[object_id].pixels
        return staying

    def _worked_on(self, object_id: int, index: PlaneIndex) -> bool:
        """Return whether a person stands behind some of an object in its plane.

        Of what was there under its id, or of what was written of it. The rest would be
        a part of it that nobody has seen.
        """
        merged = self._merged
        if merged.first_id <= object_id < merged.next_id:
            object_id += self._decided.shift
        if not self._pixels.objects.any_verified(object_id):
            return False
        place = tuple(map(add, index, merged.box.start))
        return verified_in_plane(self._pixels, object_id, place)

    def _local(self, box: Box) -> tuple[slice, ...]:
        return box.relative_to(self._merged.box).slices
