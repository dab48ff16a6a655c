"""The best that can be made of what is left of images and models; only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from napari_unet.annotation.annotation import Annotation
from napari_unet.errors import StorageError
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import ImageFields, content_hash
from napari_unet.project.journal_reader import JournalRead, scan_journal
from napari_unet.project.layout import MODELS
from napari_unet.project.manifest import Generation, ImageEntry, ModelEntry
from napari_unet.project.maps import read_maps
from napari_unet.project.model_store import entry_problem, unnamed_models
from napari_unet.project.rescue.combine import combine
from napari_unet.project.rescue.histories import find_sequence
from napari_unet.project.rescue.survey import NearImages, Survey, find_image
from napari_unet.project.rescue.verify import are_mixed
from napari_unet.project.stored import Save, StoredAnnotation, count, rebuild


@dataclass(frozen=True, slots=True, eq=False)
class RecoveredWork:
    """What came back of the work on an image.

    Parameters
    ----------
    saves : Saves
        Which can be read, and which cannot.
    annotation : Annotation or None
        The work, as far as it came back; None if nothing did.
    origin : str
        Where the work comes from, in words.
    lost : tuple of str
        What did not come back, in sentences.
    mixed : bool
        Whether two windows wrote at the same time: journal and saves of that kind make
        no sense any more.
    """

    key: str
    image: ImageFields
    journal: JournalRead
    saves: Saves
    annotation: Annotation | None
    origin: str
    lost: tuple[str, ...]
    mixed: bool

    @property
    def sequence(self) -> int:
        """The last change of which any file tells; a save of all this has it."""
        saves = (*self.saves.known.values(), *self.saves.good)
        firsts = [s.header.first - 1 for s in self.journal.segments if s.header]
        return max([self.journal.last, *(each.sequence for each in saves), *firsts])


def recover_work(found: Survey, key: str, near: NearImages) -> RecoveredWork | None:
    """Return what is left of an image; None if nobody knows which image it is."""
    image = find_image(found, key, near)
    if image is None:
        return None
    journal = scan_journal(found.segments.get(key, ()), image)
    saves = Saves(found, key, image, journal)
    mixed = are_mixed(image, saves.in_order(), journal)
    bring_back = _from_all if mixed else _from_newest
    brought = bring_back(key, image, saves, journal)
    return RecoveredWork(key, image, journal, saves, *brought, mixed)


class Saves:
    """The saves of an image: which can be read, and which cannot.

    Attributes
    ----------
    known : dict of int to Generation
        Those that a manifest names, by number.
    good : list of Generation
        Those that can be read, newest first.
    bad : list of int
        Numbers of those that cannot; `problems` says why, in sentences.
    old : list of int
        Numbers of those that do not count, though they may be readable.
    """

    def __init__(
        self, found: Survey, key: str, image: ImageFields, journal: JournalRead
    ) -> None:
        self._found, self._key = found, key
        self._image, self._journal = image, journal
        self._files = ProjectFolder(found.folder)
        entries = found.entries(key)
        self.known = {
            each.number: each for entry in entries[:1] for each in entry.generations
        }
        self.next_id = max([1, *(entry.next_id for entry in entries)])
        self.good: list[Generation] = []
        self.bad: list[int] = []
        self.old: list[int] = []
        self.problems: list[str] = []
        self.newest: Save | None = None
        there = {*self.known, *found.saves.get(key, ())}
        self.next_number = max(there, default=0) + 1
        for number in sorted(there, reverse=True):
            self._look(number)

    def _look(self, number: int) -> None:
        there = number in self._found.saves.get(self._key, ())
        if number in self.known:
            if not there and self._found.current.manifest is None:
                return  # it was removed when the next one was written
        elif not self._may_adopt:
            self.old.append(number)
            return
        try:
            save = self.read(number)
        except StorageError as error:
            self.bad.append(number)
            self.problems.append(f"Save {number}: {error}")
            return
        self.good.append(save.generation)
        self.newest = self.newest or save

    def can_read(self, number: int) -> bool:
        """Whether a save can be read that does not count."""
        with suppress(StorageError):
            self.read(number)
            return True
        return False

    @property
    def _may_adopt(self) -> bool:
        """Whether a save that no manifest names may be the one that should count."""
        current = self._found.current.manifest
        named = current is not None and current.get(self._key) is not None
        return not named or not self.good

    def in_order(self) -> Iterator[Save]:
        """Read those that count once more, the oldest first."""
        for generation in reversed(self.good):
            yield self.read(generation.number)

    def read(self, number: int) -> Save:
        """Read a save; a StorageError tells why that cannot be."""
        known = self.known.get(number)
        if known is None:
            return self._read_unnamed(number)
        entry = ImageEntry(
            **fields_of(self._image), key=self._key, next_id=1, generations=(known,)
        )
        return self._files.read_save(entry, known)

    def _read_unnamed(self, number: int) -> Save:
        """Read a save of which no manifest tells the hashes, nor what it holds."""
        image, paths = self._image, self._files.pair(self._key, number)
        try:
            maps = read_maps(paths, (image.values_shape, image.labels_shape), None)
        except MemoryError as error:
            raise StorageError("It does not fit into memory.") from error
        generation = Generation(
            number=number,
            saved_at=datetime.fromtimestamp(paths[0].stat().st_mtime, UTC),
            sequence=find_sequence(image, *maps, self._journal),
            labels_hash=content_hash(maps[0]),
            provenance_hash=content_hash(maps[1]),
        )
        return Save(generation, *maps)


def fields_of(image: ImageFields) -> dict[str, Any]:
    """Return what is written of an image, by the names of the fields."""
    return {name: getattr(image, name) for name in ImageFields.model_fields}


_Brought: TypeAlias = tuple[Annotation | None, str, tuple[str, ...]]
"""The work, where it comes from, and what is lost of it."""


def _from_newest(
    key: str, image: ImageFields, saves: Saves, journal: JournalRead
) -> _Brought:
    """Bring back the newest save and the changes after it."""
    if saves.newest is not None:
        work = StoredAnnotation.of_save(key, saves.newest, journal, saves.next_id)
    elif journal.logged:
        work = StoredAnnotation.of_nothing(key, image, journal, saves.next_id)
    else:
        return None, "", (*saves.problems,)
    annotation, recovered = rebuild(image.identity.schema, work)
    origin = _origin(saves, recovered.changes)
    return annotation, origin, tuple(_losses(saves, journal, work))


def _from_all(
    key: str, image: ImageFields, saves: Saves, journal: JournalRead
) -> _Brought:
    """Bring back what two windows wrote under one name, from every save."""
    numbers = [each.number for each in saves.good]
    numbers += [each for each in saves.old if saves.can_read(each)]
    found = combine(image, numbers, saves.read, journal, saves.next_id)
    origin = _origin(saves, found.changes)
    if found.added:
        pixels = count(found.added, "verified pixel")
        origin += f", and {pixels} that only older saves or other changes held"
    work, last = found.work, max(1, journal.last)
    whole = StoredAnnotation(
        key, work.labels, work.provenance, work.next_id, None, last, JournalRead()
    )
    return rebuild(image.identity.schema, whole)[0], origin, found.lost


def _origin(saves: Saves, changes: int) -> str:
    if saves.newest is None:
        return "the journal alone"
    generation = saves.newest.generation
    saved_at = f"{generation.saved_at.astimezone():%Y-%m-%d %H:%M:%S}"
    origin = f"save {generation.number} of {saved_at}"
    return f"{origin} and {count(changes, 'change')} after it" if changes else origin


def _losses(
    saves: Saves, journal: JournalRead, work: StoredAnnotation
) -> Iterator[str]:
    firsts = [scan.header.first for scan in journal.segments[:1] if scan.header]
    before = any(not each.sequence for each in saves.known.values())
    if work.saved_at is None and (before or max(firsts, default=1) > 1):
        yield "What was saved before its journal began."
        return
    # A save that is damaged tells that there were changes which its journal lost.
    known = [each.sequence for each in saves.known.values()]
    if missing := journal.missing(work.sequence, max([journal.last, *known])):
        yield f"{count(missing, 'change')} that no file holds any more."
    newest = saves.good[0].number if saves.good else 0
    whole = journal.segments and journal.sound
    for number in () if whole else saves.bad:
        if number > newest and number not in saves.known:
            yield f"What only save {number} held, if there was anything."


@dataclass(frozen=True, slots=True)
class FoundModels:
    """Versions of the model.

    Parameters
    ----------
    active : int or None
        Number of the one that predicts.
    dropped : tuple of str
        Folders of those that cannot be used.
    words : tuple of str
        What is otherwise than the manifest says, in sentences.
    """

    models: tuple[ModelEntry, ...] = ()
    active: int | None = None
    dropped: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def find_models(found: Survey) -> FoundModels:
    """Return which versions of the model are whole, with those nobody names.

    Folders that no manifest names count here only where the newest manifest is damaged:
    else a crash left them, opening lists them, and nothing has to be repaired.
    """
    named = found.manifest.models
    problems = {model: entry_problem(found.folder / MODELS, model) for model in named}
    kept = [model for model in named if not problems[model]]
    words = [
        f"The model {model.folder} cannot be used: {problem}"
        for model, problem in problems.items()
        if problem
    ]
    dropped = [model.folder for model in named if problems[model] and model.folder]
    if found.current.manifest is None:
        for model in unnamed_models(found.folder / MODELS, named):
            kept.append(model)
            words.append(f"The model {model.folder} is named again.")
    kept.sort(key=lambda model: model.number)
    numbers = [model.number for model in kept]
    active = found.manifest.active_model
    if found.current.manifest is None and found.previous.manifest is None:
        active = numbers[-1] if numbers else None
    elif active is not None and active not in numbers:
        active = max((n for n in numbers if n < active), default=None)
    return FoundModels(tuple(kept), active, tuple(dropped), tuple(words))
