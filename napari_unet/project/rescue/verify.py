"""Whether a project is what was written, looked at byte by byte; only reads.

Every save is compared with its hashes and every line of a journal with its checksum.
Then the journal is replayed from each save to the next one, which has to give the same
pixels: saves and journal are written by different code, and prove each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.provenance import is_verified
from napari_unet.errors import StorageError
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import ImageFields, file_bytes
from napari_unet.project.journal_reader import JournalRead, find_header, scan_journal
from napari_unet.project.layout import LOCK, MODELS
from napari_unet.project.lock import read_holder
from napari_unet.project.manifest import ImageEntry, ManifestFile
from napari_unet.project.model_store import model_problem
from napari_unet.project.rescue.survey import Survey, survey
from napari_unet.project.stored import (
    Save,
    StoredAnnotation,
    count,
    empty_maps,
    rebuild,
)

State: TypeAlias = Literal["sound", "note", "problem"]

_TWO = "Two windows wrote under one name."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found; notes are harmless."""

    what: str
    words: str = "Sound."
    state: State = "sound"


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at in a project."""

    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """What is wrong."""
        return tuple(check for check in self.checks if check.state == "problem")

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(folder: Path) -> Report:
    """Check everything in a project folder; raises the errors of `survey`."""
    return Report(tuple(_check(survey(folder))))


def _check(found: Survey) -> Iterator[Check]:
    yield from _check_manifests(found)
    for key in found.keys:
        yield from check_work(found, key)
    for entry in found.manifest.images:
        yield from _check_file(found.folder, entry)
    yield from _check_models(found)
    yield from _check_others(found)


def _check_manifests(found: Survey) -> Iterator[Check]:
    current, copy = found.current, found.previous
    if current.present:
        yield judged(current.name, _of_itself(current))
    elif copy.present or found.saves:
        yield judged(current.name, "It is missing.")
    if copy.problem or copy.manifest == current.manifest is not None:
        yield judged(copy.name, _of_itself(copy))
    elif current.manifest is not None:
        words = f"It does not say what {current.name} says; the next save mends that."
        yield Check(copy.name, words, "note")
    elif copy.present:
        yield Check(copy.name)
    for file in found.older:
        yield judged(file.name, _of_itself(file))


def _of_itself(file: ManifestFile) -> str:
    """Return what is wrong with a file, beside its name."""
    return file.problem.replace(f"{file.name} ", "It ", 1)


def _check_file(folder: Path, image: ImageFields) -> Iterator[Check]:
    """Check that the image is where it was, by the size of its file."""
    path = image.path_from(folder)
    if path is None:
        return
    what = f"{image.name}, image file"
    if not path.is_file():
        yield judged(what, f"{path} is not there; the work on it is kept.")
    elif image.file_bytes not in (None, file_bytes(path)):
        yield judged(what, f"{path} has not the size it had: another image?")
    else:
        yield Check(what)


def _check_models(found: Survey) -> Iterator[Check]:
    models = found.manifest.models
    for model in models:
        if model.folder is None:
            yield Check(f"model {model.number}", f"Built in: {model.built_in}.")
        else:
            folder = f"{MODELS}/{model.folder}"
            yield judged(folder, model_problem(found.folder / folder, model.checksum))
    for name in sorted(set(found.models) - {model.folder for model in models}):
        words = "No manifest names this model; it is listed when the project is opened."
        lost = found.current.manifest is None and not name.startswith(".")
        yield Check(f"{MODELS}/{name}", words, "problem" if lost else "note")


def _check_others(found: Survey) -> Iterator[Check]:
    for each in found.obstacles:
        yield judged(each.name, f"It {each.what}{each.reason}{each.advice}.")
    for stray in found.strays:
        yield Check(stray, "It does not belong to the project.", "note")
    holder = read_holder(found.folder)
    if holder is not None:
        words = f"Open elsewhere ({holder.describe()}): what is being written may seem "
        yield Check(LOCK, words + "unfinished.", "note")


def judged(what: str, problem: str) -> Check:
    """Return the check of something that has a problem, or none."""
    return Check(what, problem, "problem") if problem else Check(what)


def is_damaged(found: Survey, key: str) -> bool:
    """Whether anything is wrong with the work on an image."""
    return any(check.state == "problem" for check in check_work(found, key))


def check_work(found: Survey, key: str) -> Iterator[Check]:
    """Check all work on an image; not the image itself, which lies elsewhere."""
    entry = found.manifest.get(key)
    return _check_named(found, entry) if entry else _check_unnamed(found, key)


def are_mixed(image: ImageFields, saves: Iterable[Save], journal: JournalRead) -> bool:
    """Whether two annotations were written under one name; saves come oldest first."""
    if not journal.ordered:
        return True
    older: Save | None = None
    for newer in saves:
        if any(c.state == "problem" for c in _compare(image, older, newer, journal)):
            return True
        older = newer
    return False


def _check_named(found: Survey, entry: ImageEntry) -> Iterator[Check]:
    journal = scan_journal(found.segments.get(entry.key, ()), entry)
    files, newest = ProjectFolder(found.folder), None
    there = found.saves.get(entry.key, ())
    for generation in reversed(entry.generations):
        if found.current.manifest is None and generation.number not in there:
            continue  # it was removed when the next manifest was written
        what = f"{entry.name}, save {generation.number}"
        try:
            save = files.read_save(entry, generation)
        except StorageError as error:
            yield judged(what, str(error))
            continue
        yield judged(what, save.chunks.problem() if save.chunks else "")
        yield from _compare(entry, newest, save, journal)
        newest = save
    if newest is None:
        yield judged(entry.name, "No save of it can be read.")
    else:
        work = StoredAnnotation.of_save(entry.key, newest, journal)
        yield from _check_opening(entry, work)
    yield from _check_journal(entry.name, journal, entry.newest.sequence)
    yield from _check_numbers(found, entry)


def _check_unnamed(found: Survey, key: str) -> Iterator[Check]:
    """Check an image that the manifest does not name: never saved, or lost."""
    for number in reversed(found.saves.get(key, ())):
        words = "No manifest names this save, so nobody can open it."
        yield judged(f"{key}, save {number}", words)
    segments = found.segments.get(key, ())
    header = find_header(segments)
    if header is None:
        if segments:
            yield _check_headless(found, key)
        return
    image, journal = header.image, scan_journal(segments, header.image)
    yield from _check_journal(image.name, journal, header.first - 1)
    if header.first > 1 and not found.saves.get(key):
        yield judged(image.name, "The save before its journal is not there.")
    try:
        work = StoredAnnotation.of_nothing(key, image, journal)
    except StorageError as error:
        yield judged(image.name, str(error))
        return
    yield from _check_opening(image, work)


def _check_headless(found: Survey, key: str) -> Check:
    """Check a journal that does not say of which image it is."""
    what = f"journal {key}"
    try:
        if not any(b"\n" in s.path.read_bytes() for s in found.segments[key]):
            words = "Nothing was written yet when the program was killed."
            return Check(what, words, "note")
    except OSError as error:
        return judged(what, f"It cannot be read: {error.strerror}.")
    return judged(what, "It does not say of which image it is.")


def _check_opening(image: ImageFields, work: StoredAnnotation) -> Iterator[Check]:
    try:
        rebuild(image.identity.schema, work)
    except StorageError as error:
        yield judged(f"{image.name}, opening", str(error))


def _check_journal(name: str, journal: JournalRead, after: int) -> Iterator[Check]:
    """Check a journal; what is missing before the newest save does not matter."""
    if not journal.segments:
        return
    what = f"{name}, journal"
    if problem := _journal_problem(journal, after):
        yield judged(what, problem)
    elif journal.torn:
        words = "Sound; a stroke was under way when the program was killed."
        yield Check(what, words, "note")
    else:
        later = count(len(journal.after(after)), "change")
        yield Check(what, f"Sound, {later} after the last save.")


def _journal_problem(journal: JournalRead, after: int) -> str:
    words = [
        f"{scan.segment.path.name} {scan.problem}."
        for scan in journal.segments
        if scan.problem
    ]
    if journal.damaged:
        words.append(f"{count(journal.damaged, 'line')} not as written.")
    elif rescued := sum(scan.rescued for scan in journal.segments):
        words.append(f"{count(rescued, 'line')} without an end.")
    if not journal.ordered:
        words.append("Changes do not count up.")
    if missing := journal.missing(after):
        words.append(f"{count(missing, 'change')} after the save not there.")
    return " ".join(words)


def _check_numbers(found: Survey, entry: ImageEntry) -> Iterator[Check]:
    """Look for maps that no manifest names."""
    named = {generation.number for generation in entry.generations}
    for number in found.saves.get(entry.key, ()):
        if number not in named:
            what = f"{entry.name}, save {number}"
            if found.current.manifest is None and number > max(named):
                yield judged(what, "The manifest that names it is damaged.")
                continue
            words = "It does not count: its writing was not finished, or it is old."
            yield Check(what, words, "note")


def _compare(
    image: ImageFields, older: Save | None, newer: Save, journal: JournalRead
) -> Iterator[Check]:
    """Compare a save with the older one, whose arrays are modified, and the changes.

    Without an older one, the journal is followed from its beginning if it is complete.
    """
    if newer.chunks is not None or (older is not None and older.chunks is not None):
        return  # labels larger than memory are checked file by file
    stop = newer.generation.sequence
    if older is not None:
        start, begin = older.generation.sequence, f"save {older.generation.number}"
    elif stop and not journal.missing(0, stop):
        generation = newer.generation.model_copy(update={"sequence": 0})
        older, start, begin = Save(generation, *empty_maps(image)), 0, "the beginning"
    else:
        return
    what = f"{image.name}, changes from {begin} to save {newer.generation.number}"
    if start == stop:
        # By a version without journals, for which all is the first; or nothing changed.
        if start > 1 and _lacks(newer, older):
            yield judged(what, f"None, and yet they differ. {_TWO}")
    elif stop < start:
        yield judged(what, f"The later one holds fewer changes. {_TWO}")
    elif not journal.missing(start, stop):
        yield judged(what, _replay(image, older, newer, journal))
    elif journal.nameless and _lacks(newer, older):
        words = "Verified pixels are gone, and what is damaged does not tell why."
        yield judged(what, words)
    else:
        words = "Not compared: the journal does not hold all of them."
        yield Check(what, words, "note")


def _replay(image: ImageFields, older: Save, newer: Save, journal: JournalRead) -> str:
    """Return what is wrong with the changes between two saves, or nothing."""
    start, stop = older.generation.sequence, newer.generation.sequence
    between = tuple(each for each in journal.after(start) if each.sequence <= stop)
    try:
        work = StoredAnnotation.of_save(image.name, older, JournalRead(between))
        result = rebuild(image.identity.schema, work)[0].snapshot()
    except StorageError as error:
        return str(error)
    same = _equal(result.labels, newer.labels) and _equal(
        result.provenance, newer.provenance
    )
    return "" if same else "They do not lead from the one to the other."


def _lacks(newer: Save, older: Save) -> bool:
    """Whether pixels are verified in an older save and not in a newer one."""
    gone = is_verified(older.provenance) & ~is_verified(newer.provenance)
    return bool(gone.any())


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    floats = bool(np.issubdtype(one.dtype, np.floating))
    return np.array_equal(one, other, equal_nan=floats)
