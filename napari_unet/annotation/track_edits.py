"""Edits of ids over time: which object of a frame is which of the next.

::

    Swap    two objects exchange their ids         Cut     an object has a new id
    Join    an object goes on as another one did   Divide  one object became two

All of it from the frame in sight on, as one step. A person says who an object is, and
nothing of its outline: labels change, and who stands behind them stays as it was. What
is said is kept when objects are followed again (`Origin.stated`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import ClassVar

from napari_unet.annotation.change import Change
from napari_unet.annotation.drawn_edits import Plane
from napari_unet.annotation.edit import (
    NOTHING_PICKED,
    Edit,
    Facts,
    Tool,
    register,
    why_no_labels,
)
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.moment import NO_FRAMES, Moment, give_ids
from napari_unet.annotation.origins import Origin, followed
from napari_unet.annotation.provenance import is_verified
from napari_unet.annotation.relabelling import (
    Moves,
    Piece,
    Pieces,
    frame_box,
)
from napari_unet.annotation.workspace import Workspace
from napari_unet.errors import InputError
from napari_unet.geometry.ids import labels_in
from napari_unet.geometry.line import Line
from napari_unet.geometry.section import Section

_NOT_HERE = "Object {} is not in this frame: pick one that is (5)."
_BEGINS = "Object {} begins in this frame, so there is nothing before it to cut from."
_NOT_BEFORE = (
    "Object {} is in no frame before this one: pick (5) the object in a frame before."
)
_CLICK = "There is no object here: click one."
_SAME = "This is object {} already: click the one that goes on from it."
_TWO = "Draw from one object to another one, or click both."


class _TrackEdit(Edit):
    """An edit of ids from a frame on."""

    __slots__ = ()

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to say who is who over time."""
        if not facts.has_frames:
            return NO_FRAMES
        return why_no_labels(facts) or out_of_sight


@dataclass(frozen=True, slots=True)
class _DrawnInTime(_TrackEdit):
    """What is said of the objects that a line touches in a frame."""

    line: Line

    def _moment(self, work: Workspace) -> Moment:
        Settle().do(work)
        return Moment.of(work, self.line.vertices[0], self.line.axes)

    def _clicked(self, work: Workspace) -> int:
        if self.line.plane(work.pixels.labels.shape).empty:
            raise InputError(_CLICK)
        passed = Plane(work, self.line).passed
        if not passed:
            raise InputError(_CLICK)
        return passed[-1]

    def _two(self, work: Workspace) -> tuple[int, int]:
        """Return the objects at both ends of the line."""
        if not self.line.plane(work.pixels.labels.shape).empty:
            passed = Plane(work, self.line).passed
            if len(passed) > 1:
                return passed[0], passed[-1]
        raise InputError(_TWO)


@register
@dataclass(frozen=True, slots=True)
class Swap(_DrawnInTime):
    """Two objects exchange their ids, from this frame on."""

    name: ClassVar[str] = "swap ids"
    tool: ClassVar[Tool | None] = Tool(
        "Swap ids",
        "Draw from one object to another, or click both: from this frame on they "
        "exchange their ids, as the ones that they were before",
        "line",
        key="Shift+X",
        in_time=True,
        done="Swapped, from this frame on.",
        instead="paint with the brush",
        gesture="Draw from one object to another, or click both, to swap their ids "
        "from this frame on",
        two_clicks=True,
    )

    def do(self, work: Workspace) -> Change | None:
        """Exchange them."""
        moment = self._moment(work)
        one, other = self._two(work)
        return moment.give({one: other, other: one}, {})


@dataclass(frozen=True, slots=True)
class _FromPicked(_DrawnInTime):
    """What is said of clicked objects, and of one that was picked in a frame before."""

    object_id: int

    def misses(self) -> str:
        """Return that no object is chosen, where none is."""
        return "" if self.object_id > 0 else NOTHING_PICKED

    def _before(self, work: Workspace) -> Moment:
        """Return the frame; an InputError says that the object was not there before."""
        moment = self._moment(work)
        if not moment.was_before(self.object_id):
            raise InputError(_NOT_BEFORE.format(self.object_id))
        return moment


@register
@dataclass(frozen=True, slots=True)
class Join(_FromPicked):
    """An object goes on as the one that is picked did, from this frame on.

    What had that id from here on has a new one.
    """

    name: ClassVar[str] = "join track"
    tool: ClassVar[Tool | None] = Tool(
        "Join track",
        "Pick an object in a frame before (5), then click here the one that it has "
        "become: from this frame on that has its id. What had the id so far gets a "
        "new one",
        "joint",
        key="Shift+J",
        in_time=True,
        done="Joined, from this frame on.",
        instead="paint with the brush",
        gesture="Click the object that goes on from the one that is picked (5)",
    )

    def do(self, work: Workspace) -> Change | None:
        """Let it go on."""
        moment, picked = self._before(work), self.object_id
        clicked = self._clicked(work)
        if clicked == picked:
            raise InputError(_SAME.format(picked))
        ids = {clicked: picked}
        if moment.follows(picked):
            ids[picked] = work.ids.take()
        left = [each for each in ids.values() if each not in (clicked, picked)]
        return moment.give(ids, dict.fromkeys(left, 0))


@register
@dataclass(frozen=True, slots=True)
class Cut(_TrackEdit):
    """An object has a new id from this frame on."""

    name: ClassVar[str] = "cut track"
    tool: ClassVar[Tool | None] = Tool(
        "Cut track",
        "From this frame on the object that is picked (5) is another one, with a new "
        "id",
        "plane",
        key="Shift+K",
        in_time=True,
        done="Cut: it has a new id from this frame on.",
        instead="paint with the brush",
    )
    section: Section
    object_id: int

    def misses(self) -> str:
        """Return that no object is chosen, where none is."""
        return "" if self.object_id > 0 else NOTHING_PICKED

    def do(self, work: Workspace) -> Change | None:
        """Give it a new id."""
        Settle().do(work)
        moment = Moment.of(work, self.section.at, self.section.axes)
        picked = self.object_id
        if moment.frame not in moment.frames(picked):
            raise InputError(_NOT_HERE.format(picked))
        if not moment.was_before(picked):
            raise InputError(_BEGINS.format(picked))
        new = work.ids.take()
        return moment.give({picked: new}, {new: 0})


@register
@dataclass(frozen=True, slots=True)
class Divide(_FromPicked):
    """The object that is picked became two, between which a line is drawn.

    What has an id of before in this frame gets a new one: a mother ends where she
    divides, and daughters begin.
    """

    name: ClassVar[str] = "divide"
    tool: ClassVar[Tool | None] = Tool(
        "Division",
        "Pick the mother in a frame before (5), then draw here from one daughter to "
        "the other, or click both: it is recorded from which they came",
        "joint",
        key="Shift+D",
        in_time=True,
        done="The division is recorded.",
        unchanged="This division is recorded already.",
        instead="paint with the brush",
        gesture="Draw from one daughter to the other, or click both, of the mother "
        "that is picked (5)",
        two_clicks=True,
    )

    def do(self, work: Workspace) -> Change | None:
        """Record it."""
        moment, mother = self._before(work), self.object_id
        daughters = self._two(work)
        going_on = [each for each in daughters if moment.was_before(each)]
        if moment.follows(mother):
            going_on.append(mother)
        ids = {each: work.ids.take() for each in dict.fromkeys(going_on)}
        origins = work.origins
        said = {ids.get(each, each): mother for each in daughters}
        said |= {each: 0 for each in ids.values() if each not in said}
        if not ids and all(
            origins.get(each) == Origin(mother, stated=True) for each in said
        ):
            return None
        return moment.give(ids, said)


@register
@dataclass(frozen=True, slots=True, eq=False)
class GiveIds(Edit):
    """All objects get ids that follow them, as they were found in a copy.

    Parameters
    ----------
    moves : mapping
        For frames, ids in the copy and what they become; what is negative stands for a
        new id, the same for the same number.
    parents : mapping
        The ids, or negative numbers, that came from others by a division.
    pieces : mapping
        For frames, what is cut off from objects.

    What was verified since, and what would meet another object of that id, stays.
    """

    name: ClassVar[str] = "follow objects"
    moves: Moves
    parents: Mapping[int, int]
    pieces: Pieces = field(default_factory=dict)

    def do(self, work: Workspace) -> Change | None:
        """Give them, after what was touched is settled."""
        if work.time is None:
            raise InputError(NO_FRAMES)
        Settle().do(work)
        wanted = self._all_moves()
        numbers = chain(self.parents.items(), *(i.items() for i in wanted.values()))
        unnamed = sorted({each for pair in numbers for each in pair if each < 0})
        new = {each: work.ids.take() for each in reversed(unnamed)}
        moves = {
            frame: {a: new.get(b, b) for a, b in ids.items()}
            for frame, ids in sorted(wanted.items())
        }
        parents = {new.get(a, a): new.get(b, b) for a, b in self.parents.items()}
        known = followed(work.origins, _ids_after(work, work.time, moves), parents)
        possible = (
            (frame, _possible(work, frame, ids, self.pieces.get(frame, ())))
            for frame, ids in moves.items()
        )
        return give_ids(work, work.time, possible, known, self.pieces)

    def _all_moves(self) -> Moves:
        """Return what becomes what, pieces that are cut off among them."""
        moves = {frame: dict(ids) for frame, ids in self.moves.items()}
        for frame, pieces in self.pieces.items():
            own = moves.setdefault(frame, {})
            for each in pieces:
                own.setdefault(each.part, each.part)
        return moves


def _ids_after(work: Workspace, time: int, moves: Moves) -> frozenset[int]:
    """Return which ids there may be when objects have others.

    Of those that are others in each frame none is left in the end.
    """
    objects = work.pixels.objects
    moved = Counter(chain.from_iterable(moves.values()))
    boxes = ((each, objects.box(each)) for each in moved if each in objects)
    gone = {
        each for each, box in boxes if box.stop[time] - box.start[time] <= moved[each]
    }
    return (objects.ids - gone).union(*(ids.values() for ids in moves.values()))


def _possible(
    work: Workspace, frame: int, ids: Mapping[int, int], pieces: Sequence[Piece]
) -> dict[int, int]:
    """Return which ids of a frame may become others now."""
    assert work.time is not None
    place = frame_box(work.pixels.labels.shape, work.time, frame).slices
    labels, verified = work.pixels.labels[place], work.pixels.provenance[place]
    said = {each for each, known in work.origins.items() if known.stated}
    kept = labels_in(labels[is_verified(verified)]) | said
    there = labels_in(labels.reshape(-1))
    there |= {each.part for each in pieces if each.object_id in there - kept}
    moves = {a: b for a, b in ids.items() if a in there - kept and a != b}
    while staying := (there - moves.keys()) & set(moves.values()):
        moves = {a: b for a, b in moves.items() if b not in staying}
    return moves
