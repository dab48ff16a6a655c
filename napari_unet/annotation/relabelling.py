"""Objects get other ids in some frames, and stay what they are: their pixels, whose.

No outline changes, so nobody stands behind more pixels than before, or behind fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np

from napari_unet.annotation.change import PixelChange
from napari_unet.annotation.pixels import Pixels
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.runs import run_starts

Moves: TypeAlias = Mapping[int, Mapping[int, int]]
"""For frames, ids and what they become; no two ids of a frame become one."""


def frame_box(shape: tuple[int, ...], time: int, frame: int) -> Box:
    """Return all of a frame."""
    start, stop = [0] * len(shape), list(shape)
    start[time], stop[time] = frame, frame + 1
    return Box(tuple(start), tuple(stop))


def relabel(pixels: Pixels, time: int, moves: Moves) -> None:
    """Give objects other ids; `time` is the axis of the frames."""
    for frame, ids in sorted(moves.items()):
        whole = frame_box(pixels.labels.shape, time, frame)
        there = [each for each in ids if each in pixels.objects]
        if not there:
            continue
        boxes = map(pixels.objects.box, there)
        box = reduce(Box.union, boxes).intersect(whole)
        if box.empty:
            continue
        dense, known = compact(pixels.labels[box.slices])
        after = np.array([ids.get(each, each) for each in known.tolist()], np.int32)
        mask = (after != known)[dense]
        provenance = pixels.provenance[box.slices][mask]
        pixels.write_mask(box, mask, after[dense[mask]], provenance)


def lie_in_frames(parts: Sequence[PixelChange], time: int) -> bool:
    """Whether each part of such a change lies in a frame of its own, along an axis.

    Somebody may have said since that time is another axis.
    """
    frames = {part.box.start[time] for part in parts}
    alone = all(part.box.shape[time] == 1 for part in parts)
    return alone and len(frames) == len(parts)


def moves_of(parts: Iterable[PixelChange], time: int, *, back: bool) -> Moves:
    """Return which ids parts of such a change have moved, or what moves them back."""
    moves: dict[int, dict[int, int]] = {}
    for part in parts:
        had, got = part.labels_before, part.labels_after
        # By runs of one label, of which there are far fewer than pixels.
        first = np.union1d(run_starts(had), run_starts(got))
        ids = moves.setdefault(part.box.start[time], {})
        pairs = zip(had[first].tolist(), got[first].tolist(), strict=True)
        for before, after in set(pairs):
            ids.update({after: before} if back else {before: after})
    return moves
