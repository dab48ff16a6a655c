"""Objects get other ids in some frames, and stay what they are: their pixels, whose.

No outline changes, so nobody stands behind more pixels than before, or behind fewer;
but for objects that nobody has verified, and which are cut, as they were several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from napari_unet.annotation.change import PixelChange, Region
from napari_unet.annotation.pixels import Pixels
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.runs import run_starts

Moves: TypeAlias = Mapping[int, Mapping[int, int]]
"""For frames, ids and what they become; no two ids of a frame become one."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Pixels of an object of a frame that are another one.

    `part` is a negative number: what stands for them where ids become others.
    """

    object_id: int
    part: int
    region: Region


Pieces: TypeAlias = Mapping[int, Sequence[Piece]]
"""For frames, what is cut off from objects there."""

NO_PIECES: Pieces = MappingProxyType({})


def frame_box(shape: tuple[int, ...], time: int, frame: int) -> Box:
    """Return all of a frame."""
    start, stop = [0] * len(shape), list(shape)
    start[time], stop[time] = frame, frame + 1
    return Box(tuple(start), tuple(stop))


def iter_relabel(
    pixels: Pixels,
    time: int,
    moves: Iterable[tuple[int, Mapping[int, int]]],
    pieces: Pieces = NO_PIECES,
) -> Iterator[None]:
    """Give objects other ids, frame by frame.

    `time` is the axis of the frames, and `moves` are these, with ids and what they
    become.
    """
    for frame, ids in moves:
        box = frame_box(pixels.labels.shape, time, frame)
        _relabel_frame(pixels, box, ids, pieces.get(frame, ()))
        yield


def _relabel_frame(
    pixels: Pixels, frame: Box, ids: Mapping[int, int], pieces: Sequence[Piece]
) -> None:
    here = [each for each in pieces if each.part in ids]
    named = {*ids, *(each.object_id for each in here)}
    there = [each for each in named if each in pixels.objects]
    boxes = [pixels.objects.box(each) for each in there]
    if not boxes:
        return
    box = reduce(Box.union, [*boxes, *(each.region.box for each in here)])
    box = box.intersect(frame)
    if box.empty:
        return
    before = pixels.labels[box.slices]
    dense, known = compact(before)
    after = np.array([ids.get(each, each) for each in known.tolist()], np.int32)
    now, cut = after[dense], np.zeros(before.shape, bool)
    for each in here:
        _cut(each, box, before, now, ids[each.part])
        # All of it, so that it is known that one object became several.
        cut |= before == each.object_id
    mask = (now != before) | cut
    provenance = pixels.provenance[box.slices][mask]
    pixels.write_mask(box, mask, now[mask], provenance)


def _cut(
    piece: Piece, box: Box, before: LabelMap, now: LabelMap, object_id: int
) -> None:
    place = piece.region.box.relative_to(box).slices
    own = piece.region.mask & (before[place] == piece.object_id)
    now[place][own] = object_id


def lie_in_frames(parts: Sequence[PixelChange], time: int) -> bool:
    """Whether each part of such a change lies in a frame of its own, along an axis.

    Somebody may have said since that time is another axis.
    """
    frames = {part.box.start[time] for part in parts}
    alone = all(part.box.shape[time] == 1 for part in parts)
    return alone and len(frames) == len(parts)


def iter_replay(
    pixels: Pixels, parts: Iterable[PixelChange], time: int, *, back: bool
) -> Iterator[None]:
    """Take parts of such a change back, or do them again, frame by frame.

    From objects as they are now: their outlines may be others since. Where an object
    was cut, to do that again brings back what was there then.
    """
    for part in parts:
        pairs = _pairs(part)
        if back or len({before for before, _ in pairs}) == len(pairs):
            ids = {after: before for before, after in pairs} if back else dict(pairs)
            yield from iter_relabel(pixels, time, [(part.box.start[time], ids)])
        else:
            pixels.put(part, part.after, part.now)
            yield


def _pairs(part: PixelChange) -> set[tuple[int, int]]:
    """Return which ids became which."""
    had, got = part.labels_before, part.labels_after
    # By runs of one label, of which there are far fewer than pixels.
    first = np.union1d(run_starts(had), run_starts(got))
    return {*zip(had[first].tolist(), got[first].tolist(), strict=True)}
