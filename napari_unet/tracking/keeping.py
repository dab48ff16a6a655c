"""Ids that follow objects, and keep those that a person stands behind.

The tracker numbers objects from 1. Here its tracks get ids of objects that are in them:
those that are kept, in the frames in which they are and from there on; else that of
their first object. So following again what was followed changes nothing. Where no id
means anything yet, as none is kept and none is in two frames, tracks have the numbers
that the tracker gave. Where two ids of one track are kept, the later one comes from the
earlier one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy  # its modules are imported when they are used first

from napari_unet.annotation.change import Region
from napari_unet.annotation.relabelling import Piece
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.runs import runs_of_mask
from napari_unet.tracking.tracks import Track, frames_of, parents_that_hold

Course: TypeAlias = list[tuple[int, int]]
"""The frames of a track, and which id it has there so far."""


@dataclass(frozen=True, slots=True)
class Renumbering:
    """Ids that become others.

    Parameters
    ----------
    moves : dict
        For frames, ids and what they become. What is negative stands for a new id.
    parents : dict
        Which id, or negative number, came from which.
    """

    moves: dict[int, dict[int, int]]
    parents: dict[int, int]


def keep_ids(
    labels: npt.NDArray[np.integer[Any]],
    followed: npt.NDArray[np.integer[Any]],
    tracks: Sequence[Track],
    kept: Sequence[Set[int]],
) -> Renumbering:
    """Return which ids become which.

    Parameters
    ----------
    labels : ndarray of int
        With the ids that there are; the first axis is time. What is negative has none.
    followed : ndarray of int
        The same objects with ids that follow them, as `track` gives them.
    tracks : sequence of Track
        Those of `followed`.
    kept : sequence of set of int
        For each frame, the ids that stay as they are there.
    """
    courses = _courses(labels, followed)
    numbering = _Numbering(kept, min(0, int(labels.min(initial=0))))
    if not any(kept) and _of_frames(labels):
        numbering.number(courses)
    else:
        numbering.spread(courses.values())
    return Renumbering(
        numbering.moves(courses.values()), numbering.parents(courses, tracks)
    )


def cut_off(
    labels: LabelMap, followed: LabelMap
) -> tuple[LabelMap, dict[int, list[Piece]]]:
    """Return labels in which pieces have numbers of their own, and the pieces.

    Where one object of the labels was cut, the largest piece has its id, and the others
    have negative numbers, which stand for ids. Time is the first axis of both maps.
    """
    pieces: dict[int, list[Piece]] = {}
    several, number = labels, 0
    for frame, (own, found) in enumerate(zip(labels, followed, strict=True)):
        there = own > 0
        ids, tracks, pixels = count_pairs(own[there], found[there])
        order = np.lexsort((-pixels, ids))
        again = order[1:][ids[order[1:]] == ids[order[:-1]]]
        for each in again.tolist():
            several = labels.copy() if several is labels else several
            number -= 1
            mask = (own == ids[each]) & (found == tracks[each])
            several[frame][mask] = number
            piece = Piece(int(ids[each]), number, _region(mask, frame))
            pieces.setdefault(frame, []).append(piece)
    return several, pieces


def _region(mask: Mask, frame: int) -> Region:
    (place,) = scipy.ndimage.find_objects(mask.astype(np.uint8))
    box = Box.from_slices((slice(frame, frame + 1), *place))
    return Region(box, runs_of_mask(mask[place]))


def _courses(
    labels: npt.NDArray[np.integer[Any]], followed: npt.NDArray[np.integer[Any]]
) -> dict[int, Course]:
    """Return the course of each track, by its id in `followed`."""
    courses: dict[int, Course] = {}
    for frame, (own, found) in enumerate(zip(labels, followed, strict=True)):
        there = own != 0
        pairs = np.unique(np.stack([found[there], own[there]], axis=1), axis=0)
        for track, id_ in pairs.tolist():
            courses.setdefault(track, []).append((frame, id_))
    return dict(sorted(courses.items()))


def _of_frames(labels: npt.NDArray[np.integer[Any]]) -> bool:
    """Whether no id is in two frames."""
    return all(len(each) == 1 for each in frames_of(labels).values())


class _Numbering:
    """Gives each object of each frame an id; no two of a frame get the same one."""

    def __init__(self, kept: Sequence[Set[int]], new: int) -> None:
        self._kept = kept
        # By frame and id so far, what it becomes; by frame, what is taken there.
        self._after = {(f, i): i for f, ids in enumerate(kept) for i in ids}
        self._taken = [set(ids) for ids in kept]
        self._used = set().union(*kept)
        self._new = new

    def number(self, courses: Mapping[int, Course]) -> None:
        """Give all objects the number of their track."""
        for track, course in courses.items():
            for frame, before in course:
                self._give(frame, before, track)

    def spread(self, courses: Collection[Course]) -> None:
        """Give ids to all objects: from kept ones on, then back to where they begin."""
        for course in courses:
            self._carry(course)
        for course in courses:
            self._carry(course[::-1])
        for course in courses:
            free = groupby(course, key=lambda place: place not in self._after)
            for run in [list(places) for is_free, places in free if is_free]:
                id_ = self._own(run)
                for frame, before in run:
                    self._give(frame, before, id_)

    def moves(self, courses: Collection[Course]) -> dict[int, dict[int, int]]:
        """Return what becomes another one."""
        moves: dict[int, dict[int, int]] = {}
        for frame, before in (place for course in courses for place in course):
            if (after := self._after[frame, before]) != before:
                moves.setdefault(frame, {})[before] = after
        return moves

    def parents(
        self, courses: Mapping[int, Course], tracks: Sequence[Track]
    ) -> dict[int, int]:
        """Return which came from which: by a division, or under another kept id."""
        ids = {
            track: [self._after[place] for place in course]
            for track, course in courses.items()
        }
        found = {b: a for own in ids.values() for a, b in pairwise(own) if a != b}
        for track in tracks:
            if track.parent and track.id in ids:
                found[ids[track.id][0]] = ids[track.parent][-1]
        present: dict[int, list[int]] = {}
        for (frame, _), after in self._after.items():
            present.setdefault(after, []).append(frame)
        return parents_that_hold(
            found, {each: sorted(frames) for each, frames in present.items()}
        )

    def _carry(self, course: Course) -> None:
        """Give the id of an object to those after it, as far as it is free there."""
        id_ = 0
        for frame, before in course:
            if (frame, before) in self._after:
                id_ = self._after[frame, before]
            elif id_ and id_ not in self._taken[frame]:
                self._give(frame, before, id_)
            else:
                id_ = 0

    def _own(self, run: Course) -> int:
        """Return an id for a part of a track: one of its own, or else a new one."""
        for _, each in run:
            if each not in self._used:
                self._used.add(each)
                return each
        self._new -= 1
        return self._new

    def _give(self, frame: int, before: int, after: int) -> None:
        self._after[frame, before] = after
        self._taken[frame].add(after)
