"""Which versions of the model a project holds: those that are named, and all others.

The manifest names versions. A folder that it does not name, because a crash came
between the two, or because an older manifest was brought back, holds a trained model
all the same: it is listed too, and named at the next occasion. Nothing is deleted here.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from napari_unet.core.atomic import write_folder_atomically
from napari_unet.models.folder import SPEC_FILE, WEIGHTS_FILE, weights_checksum
from napari_unet.models.record import (
    LARGEST_RECORD,
    RECORD_FILE,
    ModelRecord,
    parse_record,
    uuid_of,
)
from napari_unet.project.layout import model_folder
from napari_unet.project.manifest import ModelEntry

_NUMBERED = re.compile(r"([1-9][0-9]{0,8})-[a-z0-9-]+")
_BEGINS = re.compile(r"([1-9][0-9]{0,8})(?:-|$)")


def all_models(models: Path, named: Collection[ModelEntry]) -> tuple[ModelEntry, ...]:
    """Return the versions that a manifest names and those beside them, by number."""
    found = [*named, *unnamed_models(models, named)]
    return tuple(sorted(found, key=lambda entry: entry.number))


def unnamed_models(models: Path, named: Collection[ModelEntry]) -> Iterator[ModelEntry]:
    """Yield intact versions that no manifest names and no better one supersedes."""
    folders = {entry.folder for entry in named}
    taken = {entry.number for entry in named}
    records = [entry.record for entry in named]
    last = max((*taken, last_number(models)), default=0)
    for name in _folder_names(models):
        numbered = _NUMBERED.fullmatch(name)
        if name in folders or not numbered or model_problem(models / name, None):
            continue
        number = int(numbered[1])
        if number in taken:
            number = last = last + 1
        with suppress(ValidationError, OSError):
            entry = _found_again(models / name, number)
            if entry.record.is_news(records):
                taken.add(number)
                records.append(entry.record)
                yield entry


def copy_models(
    source: Path,
    target: Path,
    named: Collection[ModelEntry],
    there: Collection[ModelEntry],
) -> None:
    """Copy versions to another project, which finds them as unnamed ones.

    `named` and `there` are the versions that the two manifests name.
    """
    held = all_models(target, there)
    known = {each for entry in held for each in (entry.uuid, entry.checksum)}
    for entry in all_models(source, named):
        if entry.folder is None or known & {entry.uuid, entry.checksum}:
            continue
        place, (_, _, words) = source / entry.folder, entry.folder.partition("-")
        if model_problem(place, entry.checksum):
            continue
        number = max([last_number(target), *(each.number for each in there)]) + 1
        copy = target / model_folder(number, words)
        write_folder_atomically(
            copy, partial(shutil.copytree, place, dirs_exist_ok=True)
        )


def last_number(models: Path) -> int:
    """Return the highest number that a folder of a version has; 0 without one."""
    numbers = (_BEGINS.match(name) for name in _folder_names(models))
    return max((int(number[1]) for number in numbers if number), default=0)


def model_problem(place: Path, checksum: str | None) -> str:
    """Return what is wrong with the folder of a version, or nothing."""
    linked = any(path.is_symlink() for path in (place.parent, place))
    if linked or not place.is_dir():
        return "It is missing."
    for name in (SPEC_FILE, WEIGHTS_FILE):
        path = place / name
        if path.is_symlink() or not path.is_file():
            return f"{name} is missing."
    try:
        if not isinstance(json.loads((place / SPEC_FILE).read_bytes()), dict):
            return f"{SPEC_FILE} is damaged."
        if checksum and weights_checksum(place / WEIGHTS_FILE) != checksum:
            return f"{WEIGHTS_FILE} is not what was saved."
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    except (ValueError, RecursionError):
        return f"{SPEC_FILE} is damaged."
    return ""


def _folder_names(models: Path) -> list[str]:
    """Return what lies in the folder of models, by number as people count."""
    if models.is_symlink():
        return []
    try:
        names = [path.name for path in models.iterdir()]
    except OSError:
        return []
    return sorted(names, key=lambda name: (len(name.partition("-")[0]), name))


def _found_again(place: Path, number: int) -> ModelEntry:
    checksum = weights_checksum(place / WEIGHTS_FILE)
    return ModelEntry(
        number=number,
        record=_record_of(place, checksum),
        folder=place.name,
        checksum=checksum,
        note=f"found again: {place.name}",
    )


def _record_of(place: Path, checksum: str) -> ModelRecord:
    path, record = place / RECORD_FILE, None
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as file:
            record = parse_record(file.read(LARGEST_RECORD + 1), checksum)
    if record is not None:
        return record
    created = datetime.fromtimestamp((place / WEIGHTS_FILE).stat().st_mtime, UTC)
    return ModelRecord(uuid=uuid_of("found", place.name, checksum), created=created)
