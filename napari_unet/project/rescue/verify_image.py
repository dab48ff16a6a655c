"""Whether the work on one image is what was written; only reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from napari_unet.errors import StorageError
from napari_unet.project.fields import ImageFields, file_bytes
from napari_unet.project.manifest import Generation, ImageEntry
from napari_unet.project.rescue.checks import Check, count, judged
from napari_unet.project.rescue.consistency import compare
from napari_unet.project.rescue.rebuild import empty_maps, rebuild
from napari_unet.project.rescue.saves import Save, read_save, stored
from napari_unet.project.rescue.scan import JournalScan, find_header, scan_journal
from napari_unet.project.rescue.survey import Survey
from napari_unet.project.store import StoredAnnotation


def image_path(folder: Path, image: ImageFields) -> Path | None:
    """Return where the image file was when the project was saved last."""
    if image.path is None:
        return None
    return Path(os.path.normpath(folder.absolute() / image.path))


def journal_problem(journal: JournalScan, after: int) -> str:
    """Return what is wrong with a journal, or nothing.

    Parameters
    ----------
    after : int
        The last change that the newest save holds: what is missing before does not
        matter.
    """
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


def check_work(found: Survey, key: str) -> Iterator[Check]:
    """Check all work on an image; not the image itself, which lies elsewhere."""
    entry = found.manifest.get(key)
    return _check_named(found, entry) if entry else _check_unnamed(found, key)


def _check_named(found: Survey, entry: ImageEntry) -> Iterator[Check]:
    journal = scan_journal(found.segments.get(entry.key, ()), entry)
    newest: Save | None = None
    for generation in reversed(expected(found, entry)):
        what = f"{entry.name}, save {generation.number}"
        try:
            save = read_save(found.folder, entry, generation)
        except StorageError as error:
            yield judged(what, str(error))
            continue
        yield Check(what)
        yield from compare(entry, newest, save, journal)
        newest = save
    if newest is None:
        yield judged(entry.name, "No save of it can be read.")
    else:
        yield from _check_opening(entry, stored(entry.key, newest, journal.read(), 1))
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
            yield _headless(found, key)
        return
    journal = scan_journal(segments, header.image)
    yield from _check_journal(header.image.name, journal, header.first - 1)
    if header.first > 1 and not found.saves.get(key):
        yield judged(header.image.name, "The save before its journal is not there.")
    try:
        maps = empty_maps(header.image)
    except StorageError as error:
        yield judged(header.image.name, str(error))
        return
    what = StoredAnnotation(key, *maps, 1, None, 0, journal.read(), None)
    yield from _check_opening(header.image, what)


def expected(found: Survey, entry: ImageEntry) -> list[Generation]:
    """Return the saves that have to be there, newest first.

    The manifest before may name one that was removed when the next one was written.
    """
    there = found.saves.get(entry.key, ())
    whole = found.current.manifest is not None
    return [each for each in entry.generations if whole or each.number in there]


def _headless(found: Survey, key: str) -> Check:
    """Return the check of a journal that does not say of which image it is."""
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


def _check_journal(name: str, journal: JournalScan, after: int) -> Iterator[Check]:
    if not journal.segments:
        return
    what = f"{name}, journal"
    if problem := journal_problem(journal, after):
        yield judged(what, problem)
    elif journal.torn:
        words = "Sound; a stroke was under way when the program was killed."
        yield Check(what, words, "note")
    else:
        later = len([each for each in journal.logged if each.sequence > after])
        yield Check(what, f"Sound, {count(later, 'change')} after the last save.")


def _check_numbers(found: Survey, entry: ImageEntry) -> Iterator[Check]:
    """Look for maps that no manifest names."""
    named = {generation.number for generation in entry.generations}
    for number in found.saves.get(entry.key, ()):
        if number not in named:
            if found.current.manifest is None and number > max(named):
                words = "The manifest that names it is damaged."
                yield judged(f"{entry.name}, save {number}", words)
                continue
            words = "It does not count: its writing was not finished, or it is old."
            yield Check(f"{entry.name}, save {number}", words, "note")


def check_file(folder: Path, image: ImageFields) -> Iterator[Check]:
    """Check that the image is where it was, by the size of its file."""
    path = image_path(folder, image)
    if path is None:
        return
    what = f"{image.name}, image file"
    if not path.is_file():
        yield judged(what, f"{path} is not there; the work on it is kept.")
    elif image.file_bytes not in (None, file_bytes(path)):
        yield judged(what, f"{path} has not the size it had: another image?")
    else:
        yield Check(what)
