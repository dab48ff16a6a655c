"""A new prediction meets an annotation: pure functions, safe in a worker thread.

What a prediction may change, and what it may not:

* Verified pixels are kept. So is the rest of an object that is verified in part, which
  somebody is working on, also where the box shows the rest alone: nothing is cut off
  under the brush, and new objects in the way are treated as if that rest were verified.
* A new object that is cut by what is kept stays only if that leaves more than half
  of it.
* Both are asked in each plane alone (the last two axes): whoever finishes an object in
  one slice, or at one time, has not looked at the others.
* It takes the id of the old object as which it goes on (`heirs`), and otherwise an id
  that was never used.
* Other old objects are gone. Everything that is not kept becomes predicted.

Classes of pixels have no objects: what is verified is kept, all else is predicted.

A prediction may be of a part of the box alone (`Part`); all else is kept, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy  # its modules are imported when they are used first

from napari_unet.annotation.begun import NONE_BEGUN, Begun
from napari_unet.annotation.heirs import Finished, Followed, Free, inherited_ids
from napari_unet.annotation.part import Part
from napari_unet.annotation.provenance import ProvenanceMap, is_verified
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.geometry.ids import (
    check_ids_left,
    compact,
    pixels_by_id,
)
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.runs import run_starts


class PredictedObject(NamedTuple):
    """Where in a plane of the merged arrays an object is, and its pixels there.

    Those that it had before it was cut.
    """

    box: Box
    pixels: int


@dataclass(slots=True)
class Decisions:
    """What was decided while a prediction was written, for all parts of it alike.

    `shift` is added to new ids, as others were used since the snapshot; it is settled
    when the first pixel is written. `staying` says whether an object is written in a
    plane, decided when the first part of it there is reached.
    """

    shift: int = 0
    settled: bool = False
    staying: dict[PlaneIndex, dict[int, bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MergedPrediction:
    """A prediction made to fit an annotation; nobody writes to its arrays.

    Parameters
    ----------
    box : Box
        Which part of the annotation the arrays cover.
    labels : ndarray of int32
        What the annotation will show.
    kept : ndarray of bool
        Pixels that are left as they are; all others become predicted.
    foreground : ndarray of bool
        Where the model sees an object, also one that had to give way.
    first_id, next_id : int
        Ids from `first_id` up to, not including, `next_id` are new here.
    objects : mapping of PlaneIndex to mapping of int to PredictedObject
        The predicted objects of each plane, by their ids in `labels`.
    decisions : Decisions
        Belong to the one annotation in which it is written.
    known : ndarray of bool, optional
        Of which pixels the model has said something; None for all of them.
    """

    box: Box
    labels: LabelMap
    kept: Mask
    foreground: Mask
    first_id: int
    next_id: int
    objects: Mapping[PlaneIndex, Mapping[int, PredictedObject]] = field(
        default_factory=dict
    )
    decisions: Decisions = field(default_factory=Decisions)
    known: Mask | None = None


def merge_prediction(
    labels: LabelMap,
    provenance: ProvenanceMap,
    predicted: npt.NDArray[np.integer[Any]],
    next_id: int,
    *,
    box: Box | None = None,
    part: Part | None = None,
    frames: Followed | None = None,
    begun: Begun = NONE_BEGUN,
) -> MergedPrediction:
    """Fit predicted objects, whose ids are preliminary, into an annotation.

    `labels` and `provenance` are of a snapshot of it, or of a box; `next_id` is the
    smallest id that was never used in all of it. Of ids that follow objects through
    time, `frames` tell which, and along which axis; `begun` are objects of which a part
    is verified beyond the box. Raises an InputError if the shapes differ, or no ids are
    left.
    """
    box = _checked_box(box, labels, provenance, predicted)
    kept = is_verified(provenance)
    left_alone, foreground = np.zeros(labels.shape, bool), predicted != 0
    if part is not None:
        predicted = np.where(part.known, predicted, 0)
        foreground = predicted != 0
        left_alone = ~part.replaced(labels, predicted)
        predicted[left_alone] = 0
    new, new_ids = compact(predicted.astype(np.int32, copy=False))
    cut, finished = {}, Finished(frames)
    for plane in Box.whole(labels.shape).planes():
        index = plane.start[:-2]
        kept[index] |= _in_work(labels[index], kept[index], begun.get(index, ()))
        whole = new[index].copy()
        cut[index] = _cut(new[index], kept[index])
        there = np.where(kept[index], labels[index], 0)
        finished.note(index, there, whole, cut[index])
    left = pixels_by_id(new, len(new_ids))
    staying = left > 0
    staying[0] = False
    free = Free.of(np.where(kept | left_alone, 0, labels), frames)
    ids = inherited_ids(finished, free, new, left)
    fresh = np.flatnonzero(staying & (ids == 0))
    end = next_id + len(fresh)
    check_ids_left(end - 1)
    ids[fresh] = np.arange(next_id, end)
    for index, of_plane in cut.items():
        _drop_heirs(new[index], ids, of_plane, labels[index][kept[index]])
    kept |= left_alone
    labels = np.where(kept, labels, ids[new])
    objects = {
        index: {int(ids[each]): found for each, found in of_plane.items()}
        for index, of_plane in cut.items()
    }
    known = None if part is None else part.known
    return MergedPrediction(
        box, labels, kept, foreground, next_id, end, objects, known=known
    )


def _in_work(labels: LabelMap, verified: Mask, begun: Collection[int]) -> Mask:
    """Return which pixels of a plane are of objects that are verified there in part."""
    dense, ids = compact(labels)
    in_work = np.isin(ids, np.fromiter(begun, np.int32, len(begun)))
    in_work[dense[verified]] = True
    in_work[0] = False
    return in_work[dense]


def _cut(new: LabelMap, kept: Mask) -> dict[int, PredictedObject]:
    """Cut new objects of a plane by what is kept, in place; return what stays."""
    dense, ids = compact(new)
    pixels = pixels_by_id(dense, len(ids))
    dense[kept] = 0
    staying = 2 * pixels_by_id(dense, len(ids)) > pixels
    staying[0] = False
    new[~staying[dense]] = 0
    places = scipy.ndimage.find_objects(np.where(staying[dense], dense, 0))
    rows = zip(ids[1:].tolist(), places, pixels[1:].tolist(), strict=False)
    return {
        each: PredictedObject(Box.from_slices(place), size)
        for each, place, size in rows
        if place is not None
    }


def merge_classes(
    labels: LabelMap,
    provenance: ProvenanceMap,
    predicted: npt.NDArray[np.integer[Any]],
    next_id: int,
    *,
    box: Box | None = None,
    part: Part | None = None,
    frames: Followed | None = None,
    begun: Begun = NONE_BEGUN,
) -> MergedPrediction:
    """Fit predicted class numbers in, as `merge_prediction`; none is renumbered."""
    del frames, begun
    box = _checked_box(box, labels, provenance, predicted)
    kept, foreground = is_verified(provenance), predicted != 0
    if part is not None:
        kept = kept | ~part.core
    labels = np.where(kept, labels, predicted.astype(np.int32, copy=False))
    known = None if part is None else part.core
    return MergedPrediction(
        box, labels, kept, foreground, next_id, next_id, known=known
    )


def _checked_box(box: Box | None, *arrays: npt.NDArray[Any]) -> Box:
    box = Box.whole(arrays[0].shape) if box is None else box
    for array in arrays:
        if array.shape != box.shape:
            raise InputError(
                f"Expected labels, provenance and prediction of shape {box.shape}, "
                f"found {array.shape}; predict the image that the labels belong to."
            )
    return box


def _drop_heirs(
    new: LabelMap, ids: LabelMap, objects: dict[int, PredictedObject], kept: LabelMap
) -> None:
    """Let objects of a plane alone whose ids are those of objects that are kept there.

    Such a one succeeds what is free in other planes; here somebody has finished it.
    """
    if not (objects and kept.size):
        return
    numbers = np.fromiter(objects, np.intp)
    for each in numbers[np.isin(ids[numbers], kept[run_starts(kept)])].tolist():
        place = objects.pop(each).box.slices
        new[place][new[place] == each] = 0
