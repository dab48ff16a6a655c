"""All that was verified when two windows wrote one image at the same time.

The newest save and what was done after it come first. What the other saves hold, and
where the other branches of the journal end, is added where nobody verified there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.provenance import AnnotationSnapshot, is_verified
from napari_unet.errors import StorageError
from napari_unet.geometry.ids import latest_free_id
from napari_unet.geometry.maps import Mask
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal_reader import JournalRead
from napari_unet.project.rescue.histories import (
    Branch,
    SavePoint,
    find_branches,
    find_save_point,
)
from napari_unet.project.stored import Save, StoredAnnotation, count, rebuild
from napari_unet.tasks import task_of


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """All that was verified.

    Parameters
    ----------
    changes : int
        How many there are after the newest save.
    added : int
        Pixels that come from other saves and branches.
    lost : tuple of str
        What did not come back, in sentences.
    """

    work: AnnotationSnapshot
    changes: int
    added: int
    lost: tuple[str, ...]


def combine(
    image: ImageFields,
    numbers: Sequence[int],
    read: Callable[[int], Save],
    journal: JournalRead,
    next_id: int,
) -> Combined:
    """Return all that was verified.

    Parameters
    ----------
    numbers : sequence of int
        Of the saves that can be read, newest first.
    read : callable
        Reads one of them.
    journal : JournalRead
        With changes, where there are no saves.
    next_id : int
        The smallest id that was never used, as far as that is known.

    Raises
    ------
    StorageError
        If not even the newest can be brought back.
    """
    sources = _Sources(image, find_branches(journal, image), next_id)
    work, changes = sources.newest(read(numbers[0]) if numbers else None)
    added = contrary = 0
    for other in sources.others(map(read, numbers[1:])):
        united = unite(work, other, objects=task_of(image).labels.objects)
        work, added = united.work, added + united.added
        contrary += united.contrary
    lost = list(sources.problems)
    if contrary:
        pixels = count(contrary, "pixel")
        lost.append(f"What {pixels} were verified as in older work, or beside it.")
    return Combined(work, changes, added, tuple(lost))


class _Sources:
    """Saves and branches, each brought to where it ends."""

    def __init__(
        self, image: ImageFields, branches: Sequence[Branch], next_id: int
    ) -> None:
        self._image = image
        self._branches = branches
        self._next_id = next_id
        self._newest: Branch | None = None
        self._used: list[Branch] = []
        self.problems: list[str] = []

    def newest(self, save: Save | None) -> tuple[AnnotationSnapshot, int]:
        """Return the newest work, and how many changes of it no save holds."""
        if save is None:
            branch: Branch | None = self._branches[-1]
        else:
            point = self._point_of(save)
            branch = point.branch if point else None
        if branch is not None:
            self._newest = branch
            self._used.append(branch)
        return self._end(save, branch)

    def others(self, saves: Iterable[Save]) -> Iterator[AnnotationSnapshot]:
        """Yield all other work, the newest first."""
        for save in saves:
            point = self._point_of(save)
            if point is None:
                yield AnnotationSnapshot(save.labels, save.provenance, 1, revision=0)
            elif not self._is_in_newest(point):
                self._used.append(point.branch)
                yield from self._try(save, point.branch)
        for branch in reversed(self._branches):
            if not any(branch is each for each in self._used):
                yield from self._try(None, branch)

    def _point_of(self, save: Save) -> SavePoint | None:
        return find_save_point(self._branches, save, self._image)

    def _is_in_newest(self, point: SavePoint) -> bool:
        """Whether the newest work went on from a save."""
        if self._newest is None or not point.exact:
            return False
        if not point.before:
            return point.branch is self._newest
        return self._newest.changes[: len(point.before)] == point.before

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
    """An annotation with what another one had verified.

    Parameters
    ----------
    added : int
        Pixels that were verified in the other one only.
    contrary : int
        Pixels that both had verified, each as something else; the first one counts.
    """

    work: AnnotationSnapshot
    added: int
    contrary: int


def unite(
    base: AnnotationSnapshot, other: AnnotationSnapshot, *, objects: bool
) -> United:
    """Add what is verified in another annotation where nobody verified in the first.

    Notes
    -----
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
