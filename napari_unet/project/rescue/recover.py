"""The best that can be made of what is left of images and models; only reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.errors import StorageError
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import ImageFields, content_hash
from napari_unet.project.journal_reader import JournalRead, scan_journal
from napari_unet.project.layout import MODELS
from napari_unet.project.lock import read_holder
from napari_unet.project.manifest import (
    FORMAT_VERSION,
    Generation,
    ImageEntry,
    Manifest,
    ModelEntry,
)
from napari_unet.project.maps import read_maps
from napari_unet.project.model_store import model_problem, unnamed_models
from napari_unet.project.rescue.histories import combine, find_sequence
from napari_unet.project.rescue.survey import (
    NearImages,
    Survey,
    find_image,
    no_images,
    survey,
)
from napari_unet.project.rescue.verify import are_mixed
from napari_unet.project.stored import Save, StoredAnnotation, count, rebuild


def recover_work(found: Survey, key: str, near: NearImages) -> RecoveredWork | None:
    """Return what is left of an image; None if nobody knows which image it is."""
    image = find_image(found, key, near)
    return RecoveredWork(found, key, image) if image is not None else None


class RecoveredWork:
    """What is left of the work on an image, and the annotation that it gives.

    `known` are the saves that a manifest names, by number. `good` ones can be read,
    newest first; `bad` ones cannot, and `problems` says why; `old` ones do not count,
    though they may be readable. `mixed`: two windows wrote at the same time, so journal
    and saves contradict each other. `origin` and `lost` describe the annotation in
    words.
    """

    def __init__(self, found: Survey, key: str, image: ImageFields) -> None:
        self._found = found
        self._files = ProjectFolder(found.folder)
        self.key = key
        self.image = image
        self.journal = scan_journal(found.segments.get(key, ()), image)
        entries = found.entries(key)
        self.known = {
            each.number: each for entry in entries[:1] for each in entry.generations
        }
        self.next_id = max([1, *(entry.next_id for entry in entries)])
        self.good: list[Generation] = []
        self.bad: list[int] = []
        self.old: list[int] = []
        self.problems: list[str] = []
        self._newest: Save | None = None
        there = {*self.known, *found.saves.get(key, ())}
        self.next_number = max(there, default=0) + 1
        for number in sorted(there, reverse=True):
            self._look(number)
        in_order = (self._read(each.number) for each in reversed(self.good))
        self.mixed = are_mixed(image, in_order, self.journal)
        self.annotation: Annotation | None = None
        self.origin = ""
        self.lost: list[str] = []
        if self.mixed:
            self._bring_back_all()
        else:
            self._bring_back_newest()

    @property
    def saved_at(self) -> datetime | None:
        """Time of the last save that can be read."""
        return self.good[0].saved_at if self.good else None

    @property
    def sequence(self) -> int:
        """The last change of which any file tells; a save of all this has it."""
        saves = (*self.known.values(), *self.good)
        firsts = [s.header.first - 1 for s in self.journal.segments if s.header]
        return max([self.journal.last, *(each.sequence for each in saves), *firsts])

    def _look(self, number: int) -> None:
        current = self._found.current.manifest
        there = number in self._found.saves.get(self.key, ())
        if number in self.known:
            if not there and current is None:
                return  # it was removed when the next one was written
        elif self.good and current is not None and current.get(self.key) is not None:
            self.old.append(number)  # no manifest names it, and none has to be adopted
            return
        try:
            save = self._read(number)
        except StorageError as error:
            self.bad.append(number)
            self.problems.append(f"Save {number}: {error}")
            return
        self.good.append(save.generation)
        self._newest = self._newest or save

    def _read(self, number: int) -> Save:
        """Read a save; a StorageError tells why that cannot be."""
        known = self.known.get(number)
        if known is None:
            return self._read_unnamed(number)
        entry = ImageEntry(
            **self.image.fields, key=self.key, next_id=1, generations=(known,)
        )
        return self._files.read_save(entry, known)

    def _read_unnamed(self, number: int) -> Save:
        """Read a save of which no manifest tells the hashes, nor what it holds."""
        image, paths = self.image, self._files.pair(self.key, number)
        try:
            maps = read_maps(paths, (image.values_shape, image.labels_shape), None)
        except MemoryError as error:
            raise StorageError("It does not fit into memory.") from error
        generation = Generation(
            number=number,
            saved_at=datetime.fromtimestamp(paths[0].stat().st_mtime, UTC),
            sequence=find_sequence(image, *maps, self.journal),
            labels_hash=content_hash(maps[0]),
            provenance_hash=content_hash(maps[1]),
        )
        return Save(generation, *maps)

    def _can_read(self, number: int) -> bool:
        with suppress(StorageError):
            self._read(number)
            return True
        return False

    def _bring_back_newest(self) -> None:
        """Bring back the newest save and the changes after it."""
        if self._newest is not None:
            work = StoredAnnotation.of_save(
                self.key, self._newest, self.journal, self.next_id
            )
        elif self.journal.logged:
            work = StoredAnnotation.of_nothing(
                self.key, self.image, self.journal, self.next_id
            )
        else:
            self.lost = self.problems
            return
        self.annotation, recovered = rebuild(self.image.identity.schema, work)
        self.origin = self._origin(recovered.changes)
        self.lost = list(self._losses(work))

    def _bring_back_all(self) -> None:
        """Bring back what two windows wrote under one name, from every save."""
        numbers = [each.number for each in self.good]
        numbers += [each for each in self.old if self._can_read(each)]
        found = combine(self.image, numbers, self._read, self.journal, self.next_id)
        self.origin = self._origin(found.changes)
        if found.added:
            pixels = count(found.added, "verified pixel")
            self.origin += f", and {pixels} that only older saves or other changes held"
        work, last = found.work, max(1, self.journal.last)
        maps = work.labels, work.provenance
        whole = StoredAnnotation(
            self.key, *maps, work.next_id, None, last, JournalRead()
        )
        self.annotation, _ = rebuild(self.image.identity.schema, whole)
        self.lost = found.lost

    def _origin(self, changes: int) -> str:
        if self._newest is None:
            return "the journal alone"
        generation = self._newest.generation
        saved_at = f"{generation.saved_at.astimezone():%Y-%m-%d %H:%M:%S}"
        after = f" and {count(changes, 'change')} after it" if changes else ""
        return f"save {generation.number} of {saved_at}{after}"

    def _losses(self, work: StoredAnnotation) -> Iterator[str]:
        segments = self.journal.segments
        firsts = [scan.header.first for scan in segments[:1] if scan.header]
        known = [each.sequence for each in self.known.values()]
        if work.saved_at is None and (0 in known or max(firsts, default=1) > 1):
            yield "What was saved before its journal began."
            return
        # A save that is damaged tells that there were changes which its journal lost.
        last = max([self.journal.last, *known])
        if missing := self.journal.missing(work.sequence, last):
            yield f"{count(missing, 'change')} that no file holds any more."
        newest = self.good[0].number if self.good else 0
        for number in () if segments and self.journal.sound else self.bad:
            if number > newest and number not in self.known:
                yield f"What only save {number} held, if there was anything."


@dataclass(frozen=True, slots=True)
class FoundModels:
    """Usable versions, the active one's number, folders to drop, and what changed."""

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
    place = found.folder / MODELS
    kept: list[ModelEntry] = []
    dropped: list[str] = []
    words: list[str] = []
    for model in named:
        problem = model.folder and model_problem(place / model.folder, model.checksum)
        if model.folder and problem:
            dropped.append(model.folder)
            words.append(f"The model {model.folder} cannot be used: {problem}")
        else:
            kept.append(model)
    if found.current.manifest is None:
        for model in unnamed_models(place, named):
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


@dataclass(frozen=True, slots=True)
class ImageOverview:
    """The work on one image, as far as it can be read; `problems` are sentences.

    `found`: the image file is where it was. `changes` came after the last save.
    """

    key: str
    image: ImageFields | None = None
    path: Path | None = None
    found: bool = False
    saved_at: datetime | None = None
    changes: int = 0
    counts: ObjectCounts | None = None
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the image."""
        return self.image.name if self.image else self.key


@dataclass(frozen=True, slots=True)
class Overview:
    """A project, the format of its manifest, who has it open, and what is wrong."""

    folder: Path
    format: int
    manifest: Manifest
    holder: str
    images: tuple[ImageOverview, ...]
    problems: tuple[str, ...]


def look_into(folder: Path) -> Overview:
    """Return what a project holds, as far as it can be read; only reads."""
    found, holder = survey(folder), read_holder(folder)
    blocked = (f"{o.name} {o.what}{o.reason}." for o in found.obstacles)
    return Overview(
        folder,
        found.current.version or FORMAT_VERSION,
        found.manifest,
        holder.describe() if holder else "",
        tuple(_look_at(found, key) for key in found.keys),
        (*found.manifest_problems(), *blocked),
    )


def _look_at(found: Survey, key: str) -> ImageOverview:
    try:
        left = recover_work(found, key, no_images)
    except StorageError as error:
        return ImageOverview(key, found.manifest.get(key), problems=(str(error),))
    if left is None:
        words = "Nobody knows which image its labels belong to."
        problems = (words,) if found.saves.get(key) else ()
        return ImageOverview(key, problems=problems)
    path = left.image.path_from(found.folder)
    after = left.good[0].sequence if left.good else 0
    lost = [f"Lost: {words}" for words in left.lost] if left.annotation else []
    return ImageOverview(
        key,
        left.image,
        path,
        path is not None and path.is_file(),
        left.saved_at,
        len(left.journal.after(after)),
        left.annotation.counts() if left.annotation else None,
        (*left.problems, *lost),
    )
