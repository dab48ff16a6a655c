"""What happened to an annotation, complete enough to happen again.

Whoever wants to lose nothing listens (`Annotation.listener`) and writes changes down;
`Annotation.repeat` makes them happen again, on the annotation as it was before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_unet.core.box import Box
from napari_unet.core.mark import Mark
from napari_unet.core.patch import Patch
from napari_unet.core.points import Points
from napari_unet.core.provenance import Mask, Provenance, ProvenanceMap, ValueMap
from napari_unet.core.runs import Runs, mask_of_runs, points_of_runs, values_of_runs

if TYPE_CHECKING:
    from napari_unet.core.pixels import Pixels

Kind: TypeAlias = Literal["edit", "undo", "redo", "settle", "accept", "predict"]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Some pixels of a box, as run lengths of a mask."""

    box: Box
    runs: Runs

    @property
    def mask(self) -> Mask:
        """The mask of the box."""
        return mask_of_runs(self.runs, self.box)

    @property
    def points(self) -> Points:
        """Coordinates by axis, in the order of the array."""
        return points_of_runs(self.runs, self.box)


@dataclass(frozen=True, slots=True, eq=False)
class PixelChange:
    """A change of n pixels, all of it as run lengths.

    Parameters
    ----------
    region : Region
        Which pixels.
    before, after : ndarray of int64
        Their labels.
    was, now : ndarray of int64
        Their provenance, before and after.
    """

    region: Region
    before: Runs
    after: Runs
    was: Runs
    now: Runs

    @property
    def ids(self) -> frozenset[int]:
        """The labels other than 0 that any pixel had or got."""
        return frozenset((*self.before[0::2].tolist(), *self.after[0::2].tolist())) - {
            0
        }

    @property
    def count(self) -> int:
        """How many pixels."""
        return int(self.region.runs[1::2].sum())

    @property
    def provenance(self) -> ProvenanceMap:
        """Provenance of the pixels afterwards."""
        return values_of_runs(self.now).astype(np.uint8)

    def was_or_is(self, provenance: Provenance) -> Mask:
        """Return which of the pixels had, or got, a provenance."""
        had, got = (values_of_runs(runs) == provenance for runs in (self.was, self.now))
        return np.asarray(had | got)

    @property
    def patch(self) -> Patch:
        """Which pixels, their labels before and after, their provenance before."""
        return Patch(
            self.region.box,
            self.region.points,
            values_of_runs(self.before).astype(np.int32),
            values_of_runs(self.after).astype(np.int32),
            values_of_runs(self.was).astype(np.uint8),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One thing that a person or a prediction did to an annotation.

    Parameters
    ----------
    kind : str
        A stroke ("edit"), taken back ("undo") or brought back ("redo"); objects that
        were finished ("settle"); what was accepted; what a model predicted.
    parts : tuple of PixelChange
        In the order in which they happened. The stroke itself is the last part of an
        edit and of an undo, and the first of a redo; all others are objects that were
        settled, or came unsettled, with it.
    next_id : int
        The smallest id that was never used, afterwards.
    open : frozenset of int
        Objects that are being worked on, afterwards.
    stroke : int
        Which stroke; they count from 1.
    entry_open : frozenset of int
        Objects that were open before an edit, or when it was undone.
    certain : bool
        Whether an edit was certainly a new one: nothing can be redone after it.
    region : Region or None
        All that was accepted, verified before or not.
    marks : mapping of int to Mark
        What labels say, where they are marks.
    values : tuple of ndarray of float32, each of shape (variables, n)
        Where values are regressed: what is accepted of the pixels of each part, before
        the change or after it; NaN elsewhere. So a value is known that a mark hides.
    """

    kind: Kind
    parts: tuple[PixelChange, ...]
    next_id: int
    open: frozenset[int]
    stroke: int = 0
    entry_open: frozenset[int] = frozenset()
    certain: bool = False
    region: Region | None = None
    marks: Mapping[int, Mark] = field(default_factory=dict)
    values: tuple[ValueMap, ...] = ()

    @property
    def ids(self) -> frozenset[int]:
        """The labels that any pixel had or got."""
        return frozenset().union(*(part.ids for part in self.parts))


Listener: TypeAlias = Callable[[Change], None]


class Chronicle:
    """Collects changes of pixels until they are told as one change.

    It costs nothing while nobody listens.

    Parameters
    ----------
    pixels : Pixels
        What changes.
    """

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._parts: list[PixelChange] = []
        self._listener: Listener | None = None

    @property
    def listener(self) -> Listener | None:
        """Who is told."""
        return self._listener

    @listener.setter
    def listener(self, listener: Listener | None) -> None:
        self._listener = listener
        self._parts.clear()
        self._pixels.listener = self._parts.append if listener else None

    def tell(self, kind: Kind, *, anyway: bool = False, **facts: Any) -> Change | None:
        """Return what has happened since the last time, if anything did.

        Parameters
        ----------
        anyway : bool
            Something did, even if no pixel changed.
        """
        if self._listener is None:
            return None
        parts = tuple(self._parts)
        self._parts.clear()
        return Change(kind, parts, **facts) if parts or anyway else None
