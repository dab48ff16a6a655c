"""What happened to an annotation, complete enough to happen again.

Whoever wants to lose nothing listens (`Annotation.listener`) and writes changes down;
`Annotation.repeat` makes them happen again, on the annotation as it was before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Literal, TypeAlias

import numpy as np

from napari_unet.annotation.origins import OriginChange
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.geometry.ids import compact, count_pairs
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.points import Points
from napari_unet.geometry.runs import (
    Runs,
    bounds_of_runs,
    mask_of_runs,
    points_of_runs,
    values_of_runs,
)

Kind: TypeAlias = Literal[
    "edit",
    "accept",
    "unverify",
    "replace",
    "take",
    "track",
    "undo",
    "redo",
    "settle",
    "predict",
]


@dataclass(frozen=True, slots=True)
class Mark:
    """What painted pixels of one number say: a variable has a value, in its units."""

    variable: int
    value: float


@dataclass(frozen=True, eq=False)
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

    @cached_property
    def bounds(self) -> Box:
        """The smallest box that holds the pixels, of which there are some."""
        return bounds_of_runs(self.runs, self.box)


@dataclass(frozen=True, eq=False)
class PixelChange(Region):
    """A change of the pixels of a region, all of it as run lengths.

    Labels are those `before` and `after`, provenance `was` and is `now`.
    """

    before: Runs
    after: Runs
    was: Runs
    now: Runs

    @cached_property
    def ids(self) -> frozenset[int]:
        """The labels other than 0 that any pixel had or got."""
        found = self.before[0::2]
        if self.after is not self.before:
            found = np.concatenate([found, self.after[0::2]])
        return frozenset(np.unique(found).tolist()) - {0}

    def planes(self) -> dict[int, set[PlaneIndex]]:
        """Return in which planes any pixel had or got a label, by labels other than 0.

        A plane extends along the last two axes.
        """
        bounds = self.bounds
        if all(extent == 1 for extent in bounds.shape[:-2]):
            return {label: {bounds.start[:-2]} for label in self.ids}
        shape, along = bounds.stop[:-2], self.points[:-2]
        numbers = np.ravel_multi_index(along, shape)
        found: dict[int, set[PlaneIndex]] = {}
        for labels in (self.labels_before, self.labels_after):
            dense, ids = compact(labels)
            planes, found_there, _ = count_pairs(numbers, dense)
            places = np.stack(np.unravel_index(planes, shape), axis=1).tolist()
            for label, place in zip(ids[found_there].tolist(), places, strict=True):
                if label:
                    found.setdefault(label, set()).add(tuple(place))
        return found

    @property
    def inverse(self) -> PixelChange:
        """The change that takes this one back."""
        return replace(
            self, before=self.after, after=self.before, was=self.now, now=self.was
        )

    @property
    def count(self) -> int:
        """How many pixels."""
        return int(self.runs[1::2].sum())

    @property
    def labels_before(self) -> LabelMap:
        """Label of each pixel before."""
        return values_of_runs(self.before, np.int32)

    @property
    def labels_after(self) -> LabelMap:
        """Label of each pixel afterwards."""
        return values_of_runs(self.after, np.int32)

    @property
    def provenance_before(self) -> ProvenanceMap:
        """Provenance of each pixel before."""
        return values_of_runs(self.was, np.uint8)

    @property
    def provenance_after(self) -> ProvenanceMap:
        """Provenance of each pixel afterwards."""
        return values_of_runs(self.now, np.uint8)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        runs = (self.runs, self.before, self.after, self.was, self.now)
        return sum(each.nbytes for each in runs)

    def was_or_is(self, provenance: Provenance) -> Mask:
        """Return which of the pixels had, or got, a provenance."""
        had, got = (values_of_runs(runs) == provenance for runs in (self.was, self.now))
        return np.asarray(had | got)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One thing that a person or a prediction did to an annotation.

    Parameters
    ----------
    kind : str
        A step of the person: a stroke ("edit"), what was accepted or un-verified, other
        labels in the place of all ("replace"), labels of another program that are to be
        corrected ("take"), other ids over time ("track"). A step that was taken back or
        done again. Objects that were finished ("settle"). What a model predicted.
    parts : tuple of PixelChange
        In the order in which they happened. The stroke itself is the last part of an
        edit; those before it were settled right before. An undo first takes back what
        was settled after the step.
    next_id : int
        The smallest id that was never used, afterwards.
    open : frozenset of int
        Objects that are being worked on, afterwards.
    stroke : int
        Which step; they count from 1. 0 for what is none, and for what was accepted in
        the first release.
    entry_open : frozenset of int
        Objects that were open before a step, or when it was undone.
    certain : bool
        Whether nothing can be redone after it: every new step, but for some of the
        first release.
    marks : mapping of int to Mark
        What labels say, where they are marks.
    values : tuple of ndarray of float32, each of shape (variables, n)
        Where values are regressed: what is accepted of the pixels of each part, before
        the change or after it; NaN elsewhere. So a value is known that a mark hides.
    origins : mapping
        Of which ids it is known otherwise where they come from, before and afterwards.
    shown : Box or None
        Where other predicted values are shown, which are no part of the annotation.
    """

    kind: Kind
    parts: tuple[PixelChange, ...]
    next_id: int
    open: frozenset[int]
    stroke: int = 0
    entry_open: frozenset[int] = frozenset()
    certain: bool = False
    marks: Mapping[int, Mark] = field(default_factory=dict)
    values: tuple[ValueMap, ...] = ()
    origins: OriginChange = field(default_factory=dict)
    shown: Box | None = None

    @property
    def box(self) -> Box | None:
        """What has to be drawn again; None where only objects were closed."""
        boxes = [part.bounds for part in self.parts]
        boxes += [self.shown] if self.shown else []
        return reduce(Box.union, boxes) if boxes else None

    @property
    def ids(self) -> frozenset[int]:
        """The labels that any pixel had or got."""
        return frozenset().union(*(part.ids for part in self.parts))


Listener: TypeAlias = Callable[[Change], None]
