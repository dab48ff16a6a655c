"""An annotation at a frame, from which on objects are others than was said so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from napari_unet.annotation.change import Change
from napari_unet.annotation.origins import Origin, Origins, stated, what_changes
from napari_unet.annotation.relabelling import (
    NO_PIECES,
    Moves,
    Pieces,
    iter_relabel,
)
from napari_unet.annotation.workspace import Workspace
from napari_unet.errors import InputError

NO_FRAMES = (
    "This image is no time-lapse: choose axes with T, such as TYX, if its planes are "
    "frames."
)
_ACROSS = "A frame has to be in sight, with time on a slider: this view shows many."


def give_ids(
    work: Workspace,
    time: int,
    moves: Iterable[tuple[int, Mapping[int, int]]],
    known: Origins,
    pieces: Pieces = NO_PIECES,
) -> Change | None:
    """Give objects other ids, as one step, frame by frame.

    `moves` are frames, with ids and what they become; `known` is all that is known of
    ids then.
    """

    def parts() -> Iterator[None]:
        work.know(what_changes(work.origins, known))
        yield from iter_relabel(work.pixels, time, moves, pieces)
        yield  # what is known is a step, too

    return work.step_in_parts("track", parts())


def frames_with(work: Workspace, time: int, object_id: int) -> list[int]:
    """Return in which frames an object is."""
    if object_id not in work.pixels.objects:
        return []
    place = work.pixels.objects.box(object_id)
    body = work.pixels.labels[place.slices] == object_id
    others = tuple(each for each in range(body.ndim) if each != time)
    found = np.flatnonzero(body.any(axis=others)) + place.start[time]
    return [int(each) for each in found]


@dataclass(frozen=True, slots=True)
class Moment:
    """An annotation at a frame, from which on ids become others."""

    work: Workspace
    time: int
    frame: int

    @classmethod
    def of(
        cls, work: Workspace, at: tuple[float, ...], axes: tuple[int, int]
    ) -> Moment:
        """Return the frame of a plane; an InputError says that it shows several."""
        if work.time is None:
            raise InputError(NO_FRAMES)
        if work.time in axes or not at:
            raise InputError(_ACROSS)
        return cls(work, work.time, round(at[work.time]))

    def frames(self, object_id: int) -> list[int]:
        """Return in which frames an object is."""
        return frames_with(self.work, self.time, object_id)

    def was_before(self, object_id: int) -> bool:
        """Whether an object is in a frame before this one."""
        return any(each < self.frame for each in self.frames(object_id))

    def follows(self, object_id: int) -> bool:
        """Whether an object is in this frame, or in one after it."""
        return any(each >= self.frame for each in self.frames(object_id))

    def give(self, ids: Mapping[int, int], said: Mapping[int, int]) -> Change | None:
        """Let ids become others from here on; `said` names parents of ids, or 0."""
        moves: dict[int, dict[int, int]] = {}
        for before, after in ids.items():
            for frame in self.frames(before):
                if frame >= self.frame:
                    moves.setdefault(frame, {})[before] = after
        carried = self._carried(moves, ids)
        parents = {each: carried.get(each, Origin()).parent for each in ids}
        known = stated(carried, {**parents, **said})
        return give_ids(self.work, self.time, sorted(moves.items()), known)

    def _carried(self, moves: Moves, ids: Iterable[int]) -> Origins:
        """Return where objects come from, by the ids that they have afterwards."""
        born = {each: self._then(moves, each, last=False) for each in ids}
        ended = {each: self._then(moves, each, last=True) for each in ids}
        return {
            born.get(child, child): Origin(
                ended.get(known.parent, known.parent), known.stated
            )
            for child, known in self.work.origins.items()
        }

    def _then(self, moves: Moves, object_id: int, *, last: bool) -> int:
        """Return what an id becomes in the first, or the last, frame in which it is."""
        frames = self.frames(object_id)
        if not frames:
            return object_id
        return moves.get(frames[-last], {}).get(object_id, object_id)
