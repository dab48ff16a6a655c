"""All that was verified when an image was written down twice at a time.

The newest save and what was done after it come first. What the other saves hold, and
where the other strands of the journal end, is added where nobody verified there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.errors import StorageError
from napari_unet.project.fields import ImageFields
from napari_unet.project.rescue.checks import count
from napari_unet.project.rescue.rebuild import empty_maps, rebuild
from napari_unet.project.rescue.saves import Save, stored
from napari_unet.project.rescue.scan import JournalScan
from napari_unet.project.rescue.strands import (
    Place,
    Strand,
    find_place,
    find_strands,
)
from napari_unet.project.rescue.unite import unite
from napari_unet.project.segments import JournalRead
from napari_unet.project.store import StoredAnnotation
from napari_unet.tasks import task_of


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All that was verified.

    Parameters
    ----------
    work : AnnotationSnapshot
        The annotation.
    changes : int
        How many there are after the newest save.
    added : int
        Pixels that come from other saves and strands.
    lost : tuple of str
        What did not come back, in sentences.
    """

    work: AnnotationSnapshot
    changes: int
    added: int
    lost: tuple[str, ...]


def gather(
    image: ImageFields,
    numbers: Sequence[int],
    read: Callable[[int], Save],
    journal: JournalScan,
    next_id: int,
) -> Gathered:
    """Return all that was verified.

    Parameters
    ----------
    numbers : sequence of int
        Of the saves that can be read, newest first.
    read : callable
        Reads one of them.
    journal : JournalScan
        With changes, where there are no saves.
    next_id : int
        The smallest id that was never used, as far as that is known.

    Raises
    ------
    StorageError
        If not even the newest can be brought back.
    """
    sources = _Sources(image, find_strands(journal, image), next_id)
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
    return Gathered(work, changes, added, tuple(lost))


class _Sources:
    """Saves and strands, each brought to where it ends."""

    def __init__(
        self, image: ImageFields, strands: Sequence[Strand], next_id: int
    ) -> None:
        self._image = image
        self._strands = strands
        self._next_id = next_id
        self._newest: Strand | None = None
        self._used: list[Strand] = []
        self.problems: list[str] = []

    def newest(self, save: Save | None) -> tuple[AnnotationSnapshot, int]:
        """Return the newest work, and how many changes of it no save holds."""
        place = self._place(save) if save else None
        strand = place.strand if place else None
        if save is None:
            strand = self._strands[-1]
        if strand is not None:
            self._newest = strand
            self._used.append(strand)
        return self._end(save, strand)

    def others(self, saves: Iterable[Save]) -> Iterator[AnnotationSnapshot]:
        """Yield all other work, the newest first."""
        for save in saves:
            place = self._place(save)
            if place is None:
                yield AnnotationSnapshot(save.labels, save.provenance, 1, revision=0)
            elif not self._is_in_newest(place):
                self._used.append(place.strand)
                yield from self._try(save, place.strand)
        for strand in reversed(self._strands):
            if not any(strand is each for each in self._used):
                yield from self._try(None, strand)

    def _place(self, save: Save) -> Place | None:
        return find_place(self._strands, save, self._image)

    def _is_in_newest(self, place: Place) -> bool:
        """Whether the newest work went on from a save."""
        if self._newest is None or not place.exact:
            return False
        if not place.before:
            return place.strand is self._newest
        return self._newest.changes[: len(place.before)] == place.before

    def _try(self, save: Save | None, strand: Strand) -> Iterator[AnnotationSnapshot]:
        try:
            yield self._end(save, strand)[0]
        except StorageError as error:
            self.problems.append(str(error))

    def _end(
        self, save: Save | None, strand: Strand | None
    ) -> tuple[AnnotationSnapshot, int]:
        """Return what a save became by the changes of its strand, and how many."""
        image, changes = self._image, strand.changes if strand else ()
        if save is None:
            lines = JournalRead(changes)
            maps = empty_maps(image)
            work = StoredAnnotation("", *maps, self._next_id, None, 0, lines, None)
        else:
            sequence = save.generation.sequence
            changes = tuple(each for each in changes if each.sequence > sequence)
            work = stored(image.name, save, JournalRead(changes), self._next_id)
        annotation, _ = rebuild(image.identity.schema, work)
        return annotation.snapshot(), len(changes)
