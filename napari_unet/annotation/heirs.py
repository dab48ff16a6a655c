"""Which old object a new one goes on as: it has the id of that one.

* Where a person has finished an object in some planes, and the new one gives way to it
  there, both are one object: the new one has its id in all other planes, too. Most of
  the smaller of both is common, in the planes in which the new one gives way; of
  several pairs those are taken first that are most alike, and each object is in one of
  them.
* Otherwise it is the one with which its IoU is above 0.5 (there is one at most), as far
  as that is free, and nobody else has its id by now.

Where an id follows an object through time, that is asked in each frame alone, as a
prediction has other ids in each frame.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import PlaneIndex
from napari_unet.geometry.ids import compact, count_pairs, pixels_by_id
from napari_unet.geometry.maps import LabelMap


class Followed(NamedTuple):
    """The axis of time, and the ids that follow objects along it."""

    time: int
    ids: frozenset[int]


class OldObject(NamedTuple):
    """An object of before: its id and, where that follows objects, its frame."""

    id: int
    frame: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The new objects that give way, in some planes, to what is finished there.

    `frames` tells which ids follow objects. `met` are the pixels of pairs of an old and
    a new object, by its number: those of both, of the old and of the new one.
    """

    frames: Followed | None
    met: dict[tuple[OldObject, int], npt.NDArray[np.int64]] = field(
        default_factory=dict
    )

    def note(
        self, index: PlaneIndex, kept: LabelMap, new: LabelMap, staying: Collection[int]
    ) -> None:
        """Take note of a plane, of the new objects before they were cut.

        `kept` are the objects that are finished there, and 0 elsewhere; `staying` are
        the new ones that do not give way.
        """
        both = (kept > 0) & (new > 0)
        ids, numbers, common = count_pairs(kept[both], new[both])
        gives_way = ~np.isin(numbers, np.fromiter(staying, np.int32, len(staying)))
        if not gives_way.any():
            return
        dense, known = compact(kept)
        old = pixels_by_id(dense, len(known))[np.searchsorted(known, ids)]
        whole = pixels_by_id(new, int(new.max()) + 1)[numbers]
        pixels = np.stack([common, old, whole], axis=1)
        for each in np.flatnonzero(gives_way).tolist():
            pair = self._object(int(ids[each]), index), int(numbers[each])
            self.met[pair] = self.met.get(pair, 0) + pixels[each]

    def heirs(self, left: npt.NDArray[np.int64]) -> dict[int, OldObject]:
        """Return which new objects go on as which old ones.

        Of new ones that have pixels `left` somewhere, by their numbers.
        """
        alike = {
            pair: common / (old + new - common)
            for pair, (common, old, new) in self.met.items()
            if left[pair[1]] and 2 * common > min(old, new)
        }
        found: dict[int, OldObject] = {}
        taken: set[OldObject] = set()
        for old, new in sorted(
            alike, key=lambda pair: (-alike[pair], pair[1], pair[0])
        ):
            if new not in found and old not in taken:
                found[new] = old
                taken.add(old)
        return found

    def _object(self, object_id: int, index: PlaneIndex) -> OldObject:
        frames = self.frames
        if frames is None or object_id not in frames.ids:
            return OldObject(object_id, 0)
        if frames.time >= len(index):  # planes show many frames
            return OldObject(object_id, 0)
        return OldObject(object_id, index[frames.time])


class Free(NamedTuple):
    """Old objects as far as they are free: labels with numbers for them, and these.

    Number 0 is no object.
    """

    labels: LabelMap
    objects: list[OldObject]

    @classmethod
    def of(cls, labels: LabelMap, frames: Followed | None) -> Free:
        """Give objects numbers; where an id follows one, that is one of each frame."""
        dense, ids = compact(labels)
        if frames is None:
            return cls(dense, [OldObject(each, 0) for each in ids.tolist()])
        follows = np.isin(ids, list(frames.ids))[dense]
        shape = [-1 if axis == frames.time else 1 for axis in range(labels.ndim)]
        place = np.arange(labels.shape[frames.time], dtype=np.int64).reshape(shape)
        keys = np.where(follows, place, 0) * len(ids) + dense
        numbers, which = np.unique(keys, return_inverse=True)
        at, found = np.divmod(numbers, len(ids))
        order = np.cumsum(found > 0)
        order[found == 0] = 0
        own = order[which].reshape(labels.shape).astype(np.int32)
        there = zip(ids[found].tolist(), at.tolist(), strict=True)
        objects = [OldObject(*each) for each in there if each[0]]
        return cls(own, [OldObject(0, 0), *objects])

    def heirs(self, new: LabelMap, left: npt.NDArray[np.int64]) -> dict[int, OldObject]:
        """Return which new objects go on as which; with so many pixels `left`."""
        both = (self.labels > 0) & (new > 0)
        a, b, common = count_pairs(self.labels[both], new[both])
        pixels = pixels_by_id(self.labels, len(self.objects))
        # common / (|a| + |b| - common) > 1 / 2, in integers
        alike = 3 * common > pixels[a] + left[b]
        pairs = zip(b[alike].tolist(), a[alike].tolist(), strict=True)
        return {number: self.objects[old] for number, old in pairs}


def inherited_ids(
    finished: Finished, free: Free, new: LabelMap, left: npt.NDArray[np.int64]
) -> LabelMap:
    """Return for every new object the id of the old one it goes on as, or 0.

    New objects are as they were cut, and have so many pixels `left`.
    """
    heirs = finished.heirs(left)
    taken = set(heirs.values())
    for number, old in free.heirs(new, left).items():
        if old not in taken:
            heirs.setdefault(number, old)
    ids = np.zeros(len(left), np.int32)
    for number, old in heirs.items():
        ids[number] = old.id
    return ids
