"""Which changes led to a save, told by the pixels, and all that two windows verified.

In the first release an image could be open twice under one name: each of the two
windows went on from what it had read, in segments of its own. So the segments form a
tree. Its branches are found here by the number of their first change, and by what the
pixels that they change were before.

Of such work, the newest save and what was done after it come first. What other saves
hold, and where other branches end, is added where nobody verified there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    Provenance,
    ProvenanceMap,
    is_verified,
)
from napari_unet.errors import StorageError
from napari_unet.geometry.ids import latest_free_id
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.runs import values_of_runs
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal_line import Logged
from napari_unet.project.journal_reader import JournalRead
from napari_unet.project.stored import Save, StoredAnnotation, count, rebuild
from napari_unet.tasks import task_of

Changes: TypeAlias = tuple[Logged, ...]

_MOST_WRONG = 0.2
"""Of the pixels that a branch tells of a save; more, and the save is another one's."""


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """What one window did; its changes count up, and the first are perhaps shared."""

    changes: Changes

    def until(self, sequence: int) -> Changes:
        """Return the changes up to one of them."""
        return tuple(each for each in self.changes if each.sequence <= sequence)


@dataclass(frozen=True, slots=True, eq=False)
class SavePoint:
    """The latest branch that fits a save, and those of its changes in the save."""

    branch: Branch
    before: Changes
    exact: bool


def find_branches(journal: JournalRead, image: ImageFields) -> list[Branch]:
    """Return the branches of a journal, in the order in which they were begun."""
    branches: list[Branch] = []
    for piece in _pieces(journal):
        before = _before(piece, branches, image)
        grown = [n for n, branch in enumerate(branches) if branch.changes == before]
        place = grown[0] if grown else len(branches)
        branches[place : place + 1] = [Branch((*before, *piece))]
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
        right, wrong = _Known(before, image).compare(save)
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
        right, wrong = _Known(changes, image).follow(piece)
        whole = changes == branch.changes
        score = (-wrong, changes[-1].sequence, whole, place)
        if right >= wrong and (not found or score > best):
            best, found = score, changes
    return found


class _Known:
    """What changes tell of the pixels."""

    def __init__(self, changes: Changes, image: ImageFields) -> None:
        from_the_first = bool(changes) and len(changes) == changes[-1].sequence
        self._has_ids = not image.variables  # marks have other numbers each time
        self._labels = np.zeros(image.labels_shape, np.int64)
        self._provenance = np.zeros(image.labels_shape, np.uint8)
        self._known = np.full(image.labels_shape, from_the_first)
        for logged in changes:
            for part in logged.change.parts:
                points = part.points
                self._labels[points] = part.labels_after
                self._provenance[points] = part.provenance_after
                self._known[points] = True

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


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """All verified work, changes after the newest save, pixels added, and losses."""

    work: AnnotationSnapshot
    changes: int
    added: int
    lost: list[str]


def combine(
    image: ImageFields,
    numbers: Sequence[int],
    read: Callable[[int], Save],
    journal: JournalRead,
    next_id: int,
) -> Combined:
    """Return all verified work; StorageError if not even the newest can be rebuilt.

    `numbers` are those of the readable saves, newest first. Without saves, the journal
    must hold changes.
    """
    sources = _Sources(image, find_branches(journal, image), next_id)
    work, changes = sources.newest(read(numbers[0]) if numbers else None)
    added = contrary = 0
    for other in sources.others(map(read, numbers[1:])):
        united = unite(work, other, objects=task_of(image).labels.objects)
        work, added = united.work, added + united.added
        contrary += united.contrary
    lost = sources.problems
    if contrary:
        pixels = count(contrary, "pixel")
        lost.append(f"What {pixels} were verified as in older work, or beside it.")
    return Combined(work, changes, added, lost)


class _Sources:
    """Saves and branches, each brought to where it ends."""

    def __init__(
        self, image: ImageFields, branches: Sequence[Branch], next_id: int
    ) -> None:
        self._image = image
        self._branches = branches
        self._next_id = next_id
        self._newest: Branch | None = None
        self._used: list[Branch | None] = []
        self.problems: list[str] = []

    def newest(self, save: Save | None) -> tuple[AnnotationSnapshot, int]:
        """Return the newest work, and how many changes of it no save holds."""
        if save is None:
            branch: Branch | None = self._branches[-1]
        else:
            point = find_save_point(self._branches, save, self._image)
            branch = point.branch if point else None
        self._newest = branch
        self._used.append(branch)
        return self._end(save, branch)

    def others(self, saves: Iterable[Save]) -> Iterator[AnnotationSnapshot]:
        """Yield all other work, the newest first."""
        for save in saves:
            point = find_save_point(self._branches, save, self._image)
            if point is None:
                yield AnnotationSnapshot(save.labels, save.provenance, 1, revision=0)
            elif not self._is_in_newest(point):
                self._used.append(point.branch)
                yield from self._try(save, point.branch)
        for branch in reversed(self._branches):
            if branch not in self._used:
                yield from self._try(None, branch)

    def _is_in_newest(self, point: SavePoint) -> bool:
        """Whether the newest work went on from a save."""
        if self._newest is None or not point.exact:
            return False
        begin = self._newest.changes[: len(point.before)]
        return begin == point.before if point.before else point.branch is self._newest

    def _try(self, save: Save | None, branch: Branch) -> Iterator[AnnotationSnapshot]:
        try:
            yield self._end(save, branch)[0]
        except StorageError as error:
            self.problems.append(str(error))

    def _end(
        self, save: Save | None, branch: Branch | None
    ) -> tuple[AnnotationSnapshot, int]:
        """Return what a save became by the changes of its branch, and how many."""
        image, journal = self._image, JournalRead(branch.changes if branch else ())
        if save is None:
            work = StoredAnnotation.of_nothing("", image, journal, self._next_id)
        else:
            journal = JournalRead(journal.after(save.generation.sequence))
            work = StoredAnnotation.of_save(image.name, save, journal, self._next_id)
        annotation, _ = rebuild(image.identity.schema, work)
        return annotation.snapshot(), len(journal.logged)


@dataclass(frozen=True, slots=True, eq=False)
class United:
    """An annotation with another's verified pixels, and how many contradict it."""

    work: AnnotationSnapshot
    added: int
    contrary: int


def unite(
    base: AnnotationSnapshot, other: AnnotationSnapshot, *, objects: bool
) -> United:
    """Add what is verified in another annotation where nobody verified in the first.

    Two objects with the same id are the same where they overlap. If they do not, the
    added one gets an id that nobody has.
    """
    ours, theirs = is_verified(base.provenance), is_verified(other.provenance)
    added = theirs & ~ours
    contrary = theirs & ours & _differ(base, other)
    next_id = latest_free_id(base.next_id, other.next_id)
    labels, provenance = base.labels.copy(), base.provenance.copy()
    if objects:
        for old, new in _new_ids(base.labels, other.labels, added, next_id):
            labels[added & (other.labels == old)] = new
            next_id = latest_free_id(next_id, new + 1)
    else:
        labels[..., added] = other.labels[..., added]
    provenance[added] = other.provenance[added]
    work = AnnotationSnapshot(labels, provenance, next_id, base.revision)
    return United(work, int(added.sum()), int(contrary.sum()))


def _differ(base: AnnotationSnapshot, other: AnnotationSnapshot) -> Mask:
    differs = base.labels != other.labels
    if base.labels.ndim > base.provenance.ndim:
        nothing = np.isnan(base.labels) & np.isnan(other.labels)
        return np.asarray((differs & ~nothing).any(axis=0))
    return np.asarray(differs)


def _new_ids(
    base: NDArray[Any], other: NDArray[Any], added: Mask, next_id: int
) -> Iterator[tuple[int, int]]:
    """Yield the ids of what is added, and what they are to be called."""
    ids = np.unique(other[added])
    taken = set(np.unique(base).tolist()) & set(ids.tolist()) - {0}
    same = set(np.unique(base[base == other]).tolist())
    used = {*np.unique(base).tolist(), *np.unique(other).tolist()}
    for each in ids.tolist():
        if each not in taken or each in same:
            yield each, each
            continue
        while next_id in used:
            next_id += 1
        used.add(next_id)
        yield each, next_id
