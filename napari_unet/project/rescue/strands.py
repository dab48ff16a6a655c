"""The strands of a journal in which an image was written down twice at a time.

In the first release an image could be open twice under one name: each of the two went
on from what it had read, in segments of its own. So the segments form a tree, which is
found again here: by the number of their first change, and by what the pixels that they
change were before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from napari_unet.annotation.change import Change
from napari_unet.geometry.maps import Mask
from napari_unet.project.fields import ImageFields
from napari_unet.project.record import Logged
from napari_unet.project.rescue.saves import Save
from napari_unet.project.rescue.scan import JournalScan
from napari_unet.tasks import task_of

Changes: TypeAlias = tuple[Logged, ...]

_MOST_WRONG = 0.2
"""Of the pixels that a strand knows of a save; more, and the save is another one's."""


@dataclass(frozen=True, slots=True, eq=False)
class Strand:
    """What one of those who wrote did, from the first change that is there to the last.

    Parameters
    ----------
    changes : tuple of Logged
        They count up. The first ones may belong to other strands too.
    """

    changes: Changes

    @property
    def last(self) -> int:
        """Number of the last change."""
        return self.changes[-1].sequence

    @property
    def whole(self) -> bool:
        """Whether every change is there from the very first."""
        return len(self.changes) == self.last

    def until(self, sequence: int) -> Changes:
        """Return the changes up to one of them."""
        return tuple(each for each in self.changes if each.sequence <= sequence)


def find_strands(journal: JournalScan, image: ImageFields) -> list[Strand]:
    """Return the strands of a journal, in the order in which they were begun."""
    strands: list[Strand] = []
    for piece in _pieces(journal):
        before = _before(piece, strands, image)
        grown = Strand((*before, *piece))
        for place, strand in enumerate(strands):
            if strand.changes == before:
                strands[place] = grown
                break
        else:
            strands.append(grown)
    return strands


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a save lies.

    Parameters
    ----------
    strand : Strand
        The latest one on which it can lie.
    before : tuple of Logged
        Its changes that the save holds.
    exact : bool
        Whether every pixel is what these made of it.
    """

    strand: Strand
    before: Changes
    exact: bool


def find_place(
    strands: Sequence[Strand], save: Save, image: ImageFields
) -> Place | None:
    """Return on which strand a save lies; None if it lies on none."""
    best, found = (False, 0, 0.0, 0), None
    sequence = save.generation.sequence
    for number, strand in enumerate(strands):
        before = strand.until(sequence)
        if not before and strand.changes[0].sequence != sequence + 1:
            continue
        known = _Known(image, all_of_it=bool(before) and Strand(before).whole)
        for logged in before:
            known.apply(logged.change)
        right, wrong = known.compare(save)
        if wrong > _MOST_WRONG * (right + wrong):
            continue
        last = before[-1].sequence if before else 0
        score = (not wrong, last, -wrong / (right + wrong or 1), number)
        if found is None or score >= best:
            best, found = score, Place(strand, before, exact=not wrong)
    return found


def _pieces(journal: JournalScan) -> Iterator[Changes]:
    """Yield what counts up in segments, each written by one of those who wrote."""
    for scan in journal.segments:
        piece: list[Logged] = []
        for _, logged in scan.lines:
            if piece and logged.sequence <= piece[-1].sequence:
                yield tuple(piece)
                piece = []
            piece.append(logged)
        if piece:
            yield tuple(piece)


def _before(piece: Changes, strands: list[Strand], image: ImageFields) -> Changes:
    """Return the changes after which those of a piece were made."""
    first = piece[0].sequence
    best = 0, 0, False, 0
    found: Changes = ()
    for place, strand in enumerate(strands):
        changes = strand.until(first - 1)
        if not changes:
            continue
        right, wrong = _fit(changes, piece, image)
        whole = changes == strand.changes
        score = (-wrong, changes[-1].sequence, whole, place)
        if right >= wrong and (not found or score > best):
            best, found = score, changes
    return found


def _fit(before: Changes, piece: Changes, image: ImageFields) -> tuple[int, int]:
    """Count how often a piece finds, and does not find, what was there before it."""
    known = _Known(image, all_of_it=Strand(before).whole)
    for logged in before:
        known.apply(logged.change)
    right = wrong = 0
    for logged in piece:
        agrees, differs = known.expect(logged.change)
        right, wrong = right + agrees, wrong + differs
    return right, wrong


class _Known:
    """What changes tell of the pixels."""

    def __init__(self, image: ImageFields, *, all_of_it: bool) -> None:
        self._has_ids = not task_of(image).labels.values
        self._labels = np.zeros(image.labels_shape, np.int64)
        self._provenance = np.zeros(image.labels_shape, np.uint8)
        self._known = np.full(image.labels_shape, all_of_it)

    def apply(self, change: Change) -> None:
        """Take note of what a change made of pixels."""
        for part in change.parts:
            points = part.points
            self._labels[points] = part.labels_after
            self._provenance[points] = part.provenance_after
            self._known[points] = True

    def expect(self, change: Change) -> tuple[int, int]:
        """Count pixels that were, and were not, what a change says of them before."""
        right = wrong = 0
        for part in change.parts:
            points = part.points
            differs = self._provenance[points] != part.provenance_before
            if self._has_ids:
                differs |= self._labels[points] != part.labels_before
            known = self._known[points]
            wrong += int(np.count_nonzero(differs & known))
            right += int(np.count_nonzero(~differs & known))
            # What comes from the change itself proves nothing.
            self._known[points] = False
        return right, wrong

    def compare(self, save: Save) -> tuple[int, int]:
        """Count pixels that are, and are not, what a save says of them."""
        differs: Mask = self._provenance != save.provenance
        if self._has_ids:
            differs = differs | (self._labels != save.labels)
        wrong = int(np.count_nonzero(differs & self._known))
        used = self._known & ((self._provenance > 0) | (save.provenance > 0))
        return int(np.count_nonzero(used & ~differs)), wrong
