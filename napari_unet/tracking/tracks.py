"""What is known of an object over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, order=True)
class Track:
    """An object over time.

    Parameters
    ----------
    id : int
        Its id in all frames in which it is.
    first, last : int
        The first and the last of these frames, from 0.
    parent : int
        The id of the object from which it came by a division; 0 where it came from
        none.
    """

    id: int
    first: int
    last: int
    parent: int = 0


def frames_of(frames: npt.NDArray[np.integer[Any]]) -> dict[int, list[int]]:
    """Return the frames in which each id is, for labels whose first axis is time."""
    found: dict[int, list[int]] = {}
    for number, frame in enumerate(frames):
        for each in np.unique(frame).tolist():
            if each > 0:
                found.setdefault(each, []).append(number)
    return dict(sorted(found.items()))


def tracks_of(
    frames: npt.NDArray[np.integer[Any]], known: Iterable[Track] = ()
) -> tuple[Track, ...]:
    """Return the tracks of labels whose ids follow objects, by their ids.

    Parameters
    ----------
    frames : ndarray of int
        Labels, the first axis is time.
    known : iterable of Track
        Where parents are known from. A parent that is in no frame is none.
    """
    present = frames_of(frames)
    parents = {each.id: each.parent for each in known}
    return tuple(
        Track(id_, seen[0], seen[-1], parent if parent in present else 0)
        for id_, seen in present.items()
        for parent in [parents.get(id_, 0)]
    )


def parents_that_hold(
    parents: Mapping[int, int], present: Mapping[int, Sequence[int]]
) -> dict[int, int]:
    """Return the parents that are there before their children, and not after.

    Labels may have been corrected since it was said who came from whom.

    Parameters
    ----------
    parents : mapping
        Which id came from which.
    present : mapping
        The frames in which each id is, in their order.
    """
    return {
        child: parent
        for child, parent in parents.items()
        if child in present
        and parent in present
        and present[parent][-1] < present[child][0]
    }


def without_gaps(
    tracks: Sequence[Track], present: Mapping[int, Sequence[int]]
) -> tuple[tuple[Track, ...], dict[tuple[int, int], int]]:
    """Cut tracks where their object is missing in a frame.

    What comes after a gap is a track of its own, whose parent is what was before.

    Parameters
    ----------
    tracks : sequence of Track
        Those of an image.
    present : mapping
        The frames in which each id is.

    Returns
    -------
    tracks : tuple of Track
        Each is in all frames from its first to its last.
    moved : dict
        The new ids, by frame and former id, of what lies after a gap.
    """
    free = max((each.id for each in tracks), default=0) + 1
    pieces: list[Track] = []
    moved: dict[tuple[int, int], int] = {}
    ends: dict[int, int] = {}  # what the last piece of each id is called
    for track in tracks:
        piece = replace(track, last=track.first)
        for before, frame in pairwise(present[track.id]):
            if frame > before + 1:
                pieces.append(piece)
                piece = Track(free, frame, frame, piece.id)
                free += 1
            piece = replace(piece, last=frame)
            if piece.id != track.id:
                moved[frame, track.id] = piece.id
        pieces.append(piece)
        ends[track.id] = piece.id
    cut = {piece.id for piece in pieces} - {each.id for each in tracks}
    return tuple(
        piece if piece.id in cut else replace(piece, parent=ends.get(piece.parent, 0))
        for piece in sorted(pieces)
    ), moved
