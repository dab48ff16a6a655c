"""Outlines of objects along the edges of their pixels: exact, with holes and parts.

Filled by the even-odd rule they give the very pixels that they were drawn around. A
ring never crosses or touches itself, so that other programs find nothing to mend.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.pieces import connected_pieces, neighbours

Ring: TypeAlias = npt.NDArray[np.int64]
"""Corners (Y, X) of a closed line, shape (n, 2); pixel (0, 0) reaches to (1, 1)."""

_Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A part of an object whose pixels hang together by their edges.

    The shell runs clockwise where Y points down, holes run the other way.
    """

    shell: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The shell, and then the holes."""
        return (self.shell, *self.holes)


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What surrounds all pixels of a label."""

    label: int
    parts: tuple[Polygon, ...]

    @property
    def rings(self) -> tuple[Ring, ...]:
        """All lines of all parts."""
        return tuple(ring for part in self.parts for ring in part.rings)

    @property
    def area(self) -> int:
        """How many pixels are inside."""
        return int(sum(_area(ring) for ring in self.rings)) // 2


def outlines_of(plane: LabelMap) -> tuple[Outline, ...]:
    """Return the outlines of the labels of a plane (Y, X), in their order; 0 is none.

    Takes time by the length of all lines, not by the number of objects.
    """
    if not plane.any():
        return ()
    links = [plane[here] == plane[there] for here, there in _pairs()]
    pieces, count = connected_pieces(plane != 0, links)
    labels = np.zeros(count + 1, plane.dtype)
    labels[pieces] = plane
    shells: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for piece, ring, clockwise in _iter_rings(pieces):
        if clockwise:
            shells[piece] = ring
        else:
            holes.setdefault(piece, []).append(ring)
    parts: dict[int, list[Polygon]] = {}
    for piece in range(1, count + 1):
        found = Polygon(shells[piece], tuple(holes.get(piece, ())))
        parts.setdefault(int(labels[piece]), []).append(found)
    return tuple(Outline(label, tuple(parts[label])) for label in sorted(parts))


def _pairs() -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    return (neighbours(2, axis) for axis in range(2))


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Straight stretches of outlines, each as long as it can be.

    `owner` is the piece that lies to the right of who goes from `start` to `end`,
    which are numbers of corners. `ahead` is 1 for those that go right or down.
    """

    owner: _Ints
    start: _Ints
    end: _Ints
    ahead: _Ints

    def __len__(self) -> int:
        return len(self.owner)


def _iter_rings(pieces: LabelMap) -> Iterator[tuple[int, Ring, bool]]:
    """Yield closed lines with the piece that they belong to; shells run clockwise."""
    width = pieces.shape[1] + 1
    flat = _edges(pieces, 1, width, owner_right_is_below=True)
    steep = _edges(pieces.T, width, 1, owner_right_is_below=False)
    # Where two pixels of a piece meet at a corner, a line turns left and goes on to the
    # other one. The piece hangs together elsewhere, so this parts a hole from what is
    # outside of it, and no line comes through a corner twice.
    after_flat = _matched(flat, flat.ahead, steep, 1 - steep.ahead)
    after_steep = _matched(steep, steep.ahead, flat, flat.ahead)
    order, firsts = _cycles(after_steep[after_flat])
    corners = np.stack([flat.start[order], steep.start[after_flat[order]]], axis=1)
    owners = flat.owner[order[firsts]]
    ends = np.append(firsts[1:], len(order))
    for owner, first, end in zip(owners.tolist(), firsts, ends, strict=True):
        points = np.stack(np.divmod(corners[first:end].ravel(), width), axis=1)
        yield owner, points, _area(points) > 0


def _edges(
    pieces: LabelMap, step: int, line: int, *, owner_right_is_below: bool
) -> _Edges:
    """Return edges between rows; `step` and `line` count corners along and across."""
    padded = np.pad(pieces, ((1, 1), (0, 0)))
    above, below = padded[:-1], padded[1:]
    parts = []
    for owner, other in ((below, above), (above, below)):
        ahead = (owner is below) == owner_right_is_below
        key = np.pad(np.where(owner != other, owner, 0), ((0, 0), (1, 1)))
        turns = key[:, 1:] != key[:, :-1]
        rows, first = np.nonzero(turns & (key[:, 1:] != 0))
        _, last = np.nonzero(turns & (key[:, :-1] != 0))
        low, high = (rows * line + each * step for each in (first, last))
        start, end = (low, high) if ahead else (high, low)
        owners = key[rows, first + 1].astype(np.int64)
        parts.append((owners, start, end, np.full(len(rows), int(ahead))))
    return _Edges(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _matched(one: _Edges, turn: _Ints, other: _Edges, turned: _Ints) -> _Ints:
    """Return which of the other edges follows each of these ones."""
    following = np.empty(len(one), np.int64)
    ends = np.lexsort((turn, one.end, one.owner))
    following[ends] = np.lexsort((turned, other.start, other.owner))
    return following


def _cycles(following: _Ints) -> tuple[_Ints, _Ints]:
    """Return all numbers cycle by cycle, and where each cycle begins."""
    after, seen = following.tolist(), bytearray(len(following))
    order: list[int] = []
    firsts: list[int] = []
    for number in range(len(after)):
        if seen[number]:
            continue
        firsts.append(len(order))
        while not seen[number]:
            seen[number] = 1
            order.append(number)
            number = after[number]
    return np.array(order, np.int64), np.array(firsts, np.int64)


def _area(points: Ring) -> Any:
    """Return twice the area, positive where it is gone round clockwise (Y down)."""
    y, x = points.T
    along = np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])
    return along + x[-1] * y[0] - x[0] * y[-1]
