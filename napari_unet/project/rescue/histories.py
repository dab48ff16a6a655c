"""Which changes led to a save, told by the pixels themselves.

In the first release an image could be open twice under one name: each of the two
windows went on from what it had read, in segments of its own. So the segments form a
tree. Its branches are found here by the number of their first change, and by what the
pixels that they change were before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.runs import values_of_runs
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal_line import Logged
from napari_unet.project.journal_reader import JournalRead
from napari_unet.project.stored import Save

Changes: TypeAlias = tuple[Logged, ...]

_MOST_WRONG = 0.2
"""Of the pixels that a branch tells of a save; more, and the save is another one's."""


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """What one window did, from the first change that is there to the last.

    The changes count up. The first ones may belong to other branches too.
    """

    changes: Changes

    @property
    def whole(self) -> bool:
        """Whether every change is there from the very first."""
        return len(self.changes) == self.changes[-1].sequence

    def until(self, sequence: int) -> Changes:
        """Return the changes up to one of them."""
        return tuple(each for each in self.changes if each.sequence <= sequence)


@dataclass(frozen=True, slots=True, eq=False)
class SavePoint:
    """Where a save lies.

    Parameters
    ----------
    branch : Branch
        The latest one on which it can lie.
    before : tuple of Logged
        Its changes that the save holds.
    exact : bool
        Whether every pixel is what these made of it.
    """

    branch: Branch
    before: Changes
    exact: bool


def find_branches(journal: JournalRead, image: ImageFields) -> list[Branch]:
    """Return the branches of a journal, in the order in which they were begun."""
    branches: list[Branch] = []
    for piece in _pieces(journal):
        before = _before(piece, branches, image)
        grown = Branch((*before, *piece))
        for place, branch in enumerate(branches):
            if branch.changes == before:
                branches[place] = grown
                break
        else:
            branches.append(grown)
    return branches


def find_save_point(
    branches: Sequence[Branch], save: Save, image: ImageFields
) -> SavePoint | None:
    """Return on which branch a save lies; None if it lies on none."""
    best, found = (False, 0, 0.0, 0), None
    sequence = save.generation.sequence
    for number, branch in enumerate(branches):
        before = branch.until(sequence)
        if not before and branch.changes[0].sequence != sequence + 1:
            continue
        right, wrong = _Known.after(before, image).compare(save)
        if wrong > _MOST_WRONG * (right + wrong):
            continue
        last = before[-1].sequence if before else 0
        score = (not wrong, last, -wrong / (right + wrong or 1), number)
        if found is None or score >= best:
            best, found = score, SavePoint(branch, before, exact=not wrong)
    return found


def find_sequence(
    image: ImageFields,
    labels: LabelMap | ValueMap,
    provenance: ProvenanceMap,
    journal: JournalRead,
) -> int:
    """Return the last change of a journal that a save without a manifest holds.

    Notes
    -----
    With a whole journal it is the last change after which every pixel is as changed
    so far. With gaps no change need fit exactly; the one that explains most does.
    """
    if not journal.logged:
        return 1  # 0 is only for what is empty
    first = journal.logged[0].sequence
    whole = not journal.missing(first - 1)
    touched = np.zeros(provenance.shape, bool)
    wrong = np.zeros(provenance.shape, bool)
    best, found = 0, first - 1
    for logged in journal.logged:
        change = logged.change
        for part, values in zip_longest(change.parts, change.values):
            points = part.points
            touched[points] = True
            wrong[points] = _differs(image, labels, provenance, change, part, values)
        bad = int(np.count_nonzero(wrong))
        score = -bad if whole else int(np.count_nonzero(touched)) - 2 * bad
        if score >= best:
            best, found = score, logged.sequence
    return found


def _differs(
    image: ImageFields,
    labels: NDArray[Any],
    provenance: ProvenanceMap,
    change: Change,
    part: PixelChange,
    values: ValueMap | None,
) -> Mask:
    """Return which pixels of a change are not what it made of them."""
    points, now = part.points, part.provenance_after
    after = values_of_runs(part.after)
    differs = np.asarray(provenance[points] != now)
    if not image.variables:
        return np.asarray(differs | (labels[points] != after))
    for label, mark in change.marks.items():
        here = (after == label) & (now == Provenance.CORRECTED)
        differs |= here & (labels[mark.variable][points] != np.float32(mark.value))
    if values is not None:
        here = now == Provenance.ACCEPTED
        said = np.stack([variable[points] for variable in labels])
        differs |= here & (said != values).any(axis=0)
    return differs


def _pieces(journal: JournalRead) -> Iterator[Changes]:
    """Yield what counts up in segments, each written by one window."""
    for scan in journal.segments:
        piece: list[Logged] = []
        for line in scan.lines:
            if piece and line.logged.sequence <= piece[-1].sequence:
                yield tuple(piece)
                piece = []
            piece.append(line.logged)
        if piece:
            yield tuple(piece)


def _before(piece: Changes, branches: list[Branch], image: ImageFields) -> Changes:
    """Return the changes after which those of a piece were made."""
    first = piece[0].sequence
    best = 0, 0, False, 0
    found: Changes = ()
    for place, branch in enumerate(branches):
        changes = branch.until(first - 1)
        if not changes:
            continue
        right, wrong = _Known.after(changes, image).follow(piece)
        whole = changes == branch.changes
        score = (-wrong, changes[-1].sequence, whole, place)
        if right >= wrong and (not found or score > best):
            best, found = score, changes
    return found


class _Known:
    """What changes tell of the pixels."""

    def __init__(self, image: ImageFields, *, all_of_it: bool) -> None:
        self._has_ids = not image.variables  # marks have other numbers each time
        self._labels = np.zeros(image.labels_shape, np.int64)
        self._provenance = np.zeros(image.labels_shape, np.uint8)
        self._known = np.full(image.labels_shape, all_of_it)

    @classmethod
    def after(cls, changes: Changes, image: ImageFields) -> _Known:
        """Return what some changes made of the pixels."""
        known = cls(image, all_of_it=bool(changes) and Branch(changes).whole)
        for logged in changes:
            for part in logged.change.parts:
                points = part.points
                known._labels[points] = part.labels_after
                known._provenance[points] = part.provenance_after
                known._known[points] = True
        return known

    def follow(self, changes: Changes) -> tuple[int, int]:
        """Count pixels that were, and were not, what changes say of them before."""
        right = wrong = 0
        for part in (part for logged in changes for part in logged.change.parts):
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
