"""Whether a project is what was written, looked at byte by byte; only reads.

Every save is compared with its hashes and every line of a journal with its checksum.
Then the journal is replayed from each save to the next one, which has to give the same
pixels: saves and journal are written by different code, and prove each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_unet.project.lock import LOCK, read_holder
from napari_unet.project.rescue.checks import Check, Report, check_model, judged
from napari_unet.project.rescue.survey import (
    MODELS,
    ManifestFile,
    Survey,
    blocked_words,
    survey,
)
from napari_unet.project.rescue.verify_image import check_file, check_work


def verify(folder: Path) -> Report:
    """Check everything in a project folder.

    Raises
    ------
    InputError
        If it is no project, or cannot be looked into.
    NewerFormatError
        If a newer version of the program wrote in it.
    """
    return Report(tuple(iter_verify(survey(folder))))


def iter_verify(found: Survey) -> Iterator[Check]:
    """Check a project thing by thing."""
    yield from _check_manifests(found)
    for key in found.keys:
        yield from check_work(found, key)
    for entry in found.manifest.images:
        yield from check_file(found.folder, entry)
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


def _check_models(found: Survey) -> Iterator[Check]:
    models = found.manifest.models
    for model in models:
        yield check_model(found.folder, model)
    for name in sorted(set(found.models) - {model.folder for model in models}):
        words = "No manifest names this model; it is listed when the project is opened."
        lost = found.current.manifest is None and not name.startswith(".")
        yield Check(f"{MODELS}/{name}", words, "problem" if lost else "note")


def _check_others(found: Survey) -> Iterator[Check]:
    for link in found.links:
        words = "It is a link, which is never followed; put there what it leads to."
        yield judged(link, words)
    for name in found.blocked:
        yield judged(name, f"It {blocked_words(name)}.")
    for stray in found.strays:
        yield Check(stray, "It does not belong to the project.", "note")
    holder = read_holder(found.folder)
    if holder is not None:
        words = f"Open elsewhere ({holder.describe()}): what is being written may seem "
        yield Check(LOCK, words + "unfinished.", "note")
