"""The best that can be made of what is left of the work on an image; only reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import StorageError
from napari_unet.project.fields import ImageFields
from napari_unet.project.identity import ImageIdentity, content_hash
from napari_unet.project.manifest import Generation, ImageEntry
from napari_unet.project.rescue.checks import count
from napari_unet.project.rescue.consistency import are_mixed
from napari_unet.project.rescue.gather import gather
from napari_unet.project.rescue.match import find_sequence
from napari_unet.project.rescue.rebuild import empty_maps, rebuild
from napari_unet.project.rescue.saves import Save, read_save, stored
from napari_unet.project.rescue.scan import JournalScan, find_header, scan_journal
from napari_unet.project.rescue.survey import LABELS, PROVENANCE, Survey
from napari_unet.project.segments import JournalRead
from napari_unet.project.store import StoredAnnotation
from napari_unet.tasks import task_of

NearImages: TypeAlias = Callable[[], Iterable[ImageIdentity]]
"""Returns images that may be those of maps of which nothing else is known."""


def no_images() -> Iterable[ImageIdentity]:
    """Return none, where none is to be looked for."""
    return ()


_SUFFIX = re.compile(r"-([0-9a-f]{12})(-[0-9]+)?$")
_MOST_EXPANSION = 1100


@dataclass(frozen=True, slots=True, eq=False)
class Salvage:
    """What is left of the work on an image.

    Parameters
    ----------
    key : str
        Its name in the project.
    image : ImageFields
        What it is.
    journal : JournalScan
        Its changes.
    annotation : Annotation or None
        The work, as far as it came back; None if nothing did.
    good : tuple of Generation
        Saves that can be read, newest first.
    bad : tuple of int
        Numbers of saves that cannot.
    damaged : tuple of str
        What is wrong with these, in sentences.
    number, sequence, next_id : int
        Of a save of all this.
    origin : str
        Where the work comes from, in words.
    lost : tuple of str
        What did not come back, in sentences.
    mixed : bool
        Whether it was put together from what was written twice at a time: journal and
        saves of that kind make no sense any more.
    old : tuple of int
        Numbers of saves that do not count, though they can be read.
    """

    key: str
    image: ImageFields
    journal: JournalScan
    annotation: Annotation | None
    good: tuple[Generation, ...]
    bad: tuple[int, ...]
    damaged: tuple[str, ...]
    number: int
    sequence: int
    next_id: int
    origin: str
    lost: tuple[str, ...]
    mixed: bool = False
    old: tuple[int, ...] = ()


def salvage(found: Survey, key: str, near: NearImages) -> Salvage | None:
    """Return what is left of an image; None if nobody knows which image it is."""
    image = find_image(found, key, near)
    if image is None:
        return None
    journal = scan_journal(found.segments.get(key, ()), image)
    saves = _Saves(found, key, image, journal)
    mixed = are_mixed(image, saves.in_order(), journal)
    bring_back = _gather if mixed else _bring_back
    annotation, origin, lost = bring_back(key, image, saves, journal)
    numbers = [*saves.known, *found.saves.get(key, ()), 0]
    sequences = [each.sequence for each in (*saves.known.values(), *saves.good)]
    firsts = [s.header.first - 1 for s in journal.segments if s.header]
    return Salvage(
        key,
        image,
        journal,
        annotation,
        tuple(saves.good),
        tuple(saves.bad),
        tuple(saves.problems),
        max(numbers) + 1,
        max([journal.last, *sequences, *firsts]),
        saves.next_id,
        origin,
        lost,
        mixed,
        tuple(saves.old),
    )


def find_image(found: Survey, key: str, near: NearImages) -> ImageFields | None:
    """Ask one witness after the other what the image is."""
    if entry := next(_entries(found, key), None):
        return entry
    if header := find_header(found.segments.get(key, ())):
        return header.image
    named = (e for f in found.older if f.manifest for e in f.manifest.images)
    loose = (e for f in (found.current, found.previous) for e in f.loose)
    for entry in (*named, *loose):
        if entry.key == key:
            return entry
    return _find_near(found, key, near) if key in found.saves else None


def _find_near(found: Survey, key: str, near: NearImages) -> ImageFields | None:
    """Return the image whose content is the one of which the key holds a hash."""
    suffix = _SUFFIX.search(key)
    for image in near() if suffix else ():
        own = _SUFFIX.search(image.key)
        if own and suffix and own[1] == suffix[1]:
            return ImageFields.of(image, found.folder)
    return None


class _Saves:
    """The saves of an image: which can be read, and which cannot."""

    def __init__(
        self, found: Survey, key: str, image: ImageFields, journal: JournalScan
    ) -> None:
        self._found, self._key = found, key
        self._image, self._journal = image, journal
        entries = [*_entries(found, key)]
        self.known = {
            each.number: each for entry in entries[:1] for each in entry.generations
        }
        self.next_id = max([1, *(entry.next_id for entry in entries)])
        self.good: list[Generation] = []
        self.bad: list[int] = []
        self.old: list[int] = []
        self.problems: list[str] = []
        self.newest: Save | None = None
        for number in sorted({*self.known, *found.saves.get(key, ())}, reverse=True):
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
        """Read a save.

        Raises
        ------
        StorageError
            If it cannot be read, or is not what was saved.
        """
        known = self.known.get(number)
        if known is None:
            return _read_unnamed(
                self._found, self._key, number, self._image, self._journal
            )
        fields = {n: getattr(self._image, n) for n in ImageFields.model_fields}
        entry = ImageEntry(**fields, key=self._key, next_id=1, generations=(known,))
        return read_save(self._found.folder, entry, known)


def _entries(found: Survey, key: str) -> Iterator[ImageEntry]:
    """Yield what manifests that are whole say of an image, the newest first."""
    for file in (found.current, found.previous):
        if file.manifest and (entry := file.manifest.get(key)):
            yield entry


_Brought: TypeAlias = tuple[Annotation | None, str, tuple[str, ...]]
"""The work, where it comes from, and what is lost of it."""


def _bring_back(
    key: str, image: ImageFields, saves: _Saves, journal: JournalScan
) -> _Brought:
    """Bring back the newest save and the changes after it."""
    save, changes = saves.newest, journal.read()
    if save is not None:
        work = stored(key, save, changes, saves.next_id)
    elif changes.logged:
        maps = empty_maps(image)
        work = StoredAnnotation(key, *maps, saves.next_id, None, 0, changes, None)
    else:
        return None, "", (*saves.problems,)
    annotation, recovered = rebuild(image.identity.schema, work)
    origin = _origin(saves, recovered.changes)
    return annotation, origin, tuple(_losses(saves, journal, work))


def _gather(
    key: str, image: ImageFields, saves: _Saves, journal: JournalScan
) -> _Brought:
    """Bring back what two windows wrote under one name, from every save."""
    numbers = [each.number for each in saves.good]
    numbers += [each for each in saves.old if saves.can_read(each)]
    found = gather(image, numbers, saves.read, journal, saves.next_id)
    origin = _origin(saves, found.changes)
    if found.added:
        pixels = count(found.added, "verified pixel")
        origin += f", and {pixels} that only older saves or other changes held"
    work, last = found.work, max(1, journal.last)
    whole = StoredAnnotation(
        key, work.labels, work.provenance, work.next_id, None, last, JournalRead(), None
    )
    return rebuild(image.identity.schema, whole)[0], origin, found.lost


def _origin(saves: _Saves, changes: int) -> str:
    if saves.newest is None:
        return "the journal alone"
    generation = saves.newest.generation
    origin = f"save {generation.number} of {_when(generation)}"
    return f"{origin} and {count(changes, 'change')} after it" if changes else origin


def _losses(
    saves: _Saves, journal: JournalScan, work: StoredAnnotation
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


def _when(generation: Generation) -> str:
    return f"{generation.saved_at.astimezone():%Y-%m-%d %H:%M:%S}"


def _read_unnamed(
    found: Survey, key: str, number: int, image: ImageFields, journal: JournalScan
) -> Save:
    """Read a save of which no manifest tells the hashes, nor what it holds."""
    paths = [found.path_of(kind, key, number) for kind in (LABELS, PROVENANCE)]
    dtype = np.dtype(task_of(image).labels.dtype)
    labels = _read_map(paths[0], image.values_shape, dtype)
    provenance = _read_map(paths[1], image.labels_shape, np.dtype(np.uint8))
    if provenance.max() > max(Provenance):
        raise StorageError(f"{paths[1].name} holds values that do not exist.")
    saved_at = datetime.fromtimestamp(paths[0].stat().st_mtime, UTC)
    generation = Generation(
        number=number,
        saved_at=saved_at,
        sequence=find_sequence(image, labels, provenance, journal),
        labels_hash=content_hash(labels),
        provenance_hash=content_hash(provenance),
    )
    return Save(generation, labels, provenance)


def _read_map(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        if path.is_symlink():
            raise StorageError(f"{path.name} is a link.")
        with tifffile.TiffFile(path) as file:
            series, size = file.series[0], path.stat().st_size
            fits = tuple(series.shape) == shape and series.dtype == dtype
            if not fits or series.nbytes > size * _MOST_EXPANSION:
                raise StorageError(f"{path.name} is not a map of that image.")
            array: NDArray[Any] = series.asarray(maxworkers=1)
            return array
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{path.name} is missing.") from error
    except Exception as error:  # a damaged file makes the reader raise anything
        raise StorageError(f"{path.name} is damaged.") from error
