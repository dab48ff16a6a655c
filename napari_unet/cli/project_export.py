"""The work in a project as plain files, for `napari-unet train` and other programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.cli.console import plain, print_json, print_result
from napari_unet.cli.outputs import output_folder, refuse_existing
from napari_unet.cli.project_report import end_with
from napari_unet.core.atomic import write_atomically
from napari_unet.errors import InputError, NapariUnetError, StorageError
from napari_unet.geometry.axes import result_axes
from napari_unet.io.dataset import axes_of_file
from napari_unet.io.pairing import list_images, stem_of
from napari_unet.io.read import read_image
from napari_unet.io.write import write_image
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.rescue.recover import RecoveredWork, recover_work
from napari_unet.project.rescue.survey import (
    Survey,
    find_image,
    no_images,
    survey,
)
from napari_unet.tasks import find_task, task_of

TABLE = "project.csv"
_COLUMNS = (
    "name",
    "image",
    "task",
    "objects",
    "verified_objects",
    "verified_share",
    "last_save",
    "path",
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, a row of the table each, and what could not be."""

    rows: tuple[dict[str, Any], ...]
    failed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def report_export(
    folder: Path, out: Path, task: str | None, *, overwrite: bool, as_json: bool
) -> None:
    """Export a project, and say what was written."""
    if task is not None:
        find_task(task)
    done = _export_project(folder, out, task, overwrite=overwrite)
    if as_json:
        failed = [{"name": name, "error": words} for name, words in done.failed]
        written = list(done.rows)
        print_json({"written": written, "failed": failed, "lost": list(done.notes)})
    else:
        for row in done.rows:
            share = f"{100 * row['verified_share']:.1f} % verified"
            print_result(plain(f"{row['image']}: {share}, in {row['name']}.tif"))
        if done.rows:
            print_result(plain(f"Labels, masks and {TABLE} are in {out}."))
    problems = [f"Not exported, for it is lost: {note}" for note in done.notes]
    problems += [f"{name}: not exported: {words}" for name, words in done.failed]
    if problems:
        end_with(problems)


def _export_project(
    folder: Path, out: Path, task: str | None, *, overwrite: bool
) -> Exported:
    """Write labels, masks of what is verified, and a table.

    Raises
    ------
    InputError
        If it is no project, holds no work, or something would be overwritten.
    StorageError
        If nothing can be written there.
    """
    found = survey(folder)
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{str(out)!r} lies in the project; choose another --out.")
    names = _choose_names(found, task)
    kinds = [out / kind for kind in ("labels", "verified")]
    targets = [kind / f"{name}.tif" for kind in kinds for name in names.values()]
    if not overwrite:
        refuse_existing([*targets, out / TABLE])
    with output_folder(out), output_folder(kinds[0]), output_folder(kinds[1]):
        return _export(found, names, out)


def _choose_names(found: Survey, task: str | None) -> dict[str, str]:
    """Return a file name for every image, by keys; equal ones get a number."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for key in found.keys:
        image = find_image(found, key, no_images)
        if task is not None and image is not None and image.task != task:
            continue
        stem = _file_stem(image.name if image else key)
        numbered = (f"{stem}-{n}" for n in range(2, len(found.keys) + 2))
        name = next(n for n in (stem, *numbered) if n.lower() not in taken)
        taken.add(name.lower())
        chosen[key] = name
    if not chosen:
        wish = f" of the task {task!r}" if task else ""
        raise InputError(f"{str(found.folder)!r} holds no work{wish} to export.")
    return chosen


def _file_stem(name: str) -> str:
    """Return the name of a file for an image: as the image's, up to the suffix."""
    stem = stem_of(Path(name)) if re.search(r"[^/\\]", name) else ""
    safe = re.sub(r'[/\\:*?"<>|]', "-", stem).strip(" .")
    return safe[:200] or "image"


def _export(found: Survey, names: dict[str, str], out: Path) -> Exported:
    rows: list[dict[str, Any]] = []
    failed: list[tuple[str, str]] = []
    notes: list[str] = []
    for key, name in names.items():
        try:
            left = recover_work(found, key, no_images)
        except StorageError as error:
            failed.append((_name_of(found, key), str(error)))
            continue
        if left is None or left.annotation is None:
            words = (" ".join(left.lost) or _NOTHING) if left else _UNKNOWN
            failed.append((_name_of(found, key), words))
            continue
        _write(left, name, out)
        rows.append(_row(found, left, name))
        notes += [f"{left.image.name}: {words}" for words in left.lost]
    if rows:
        _write_table(out / TABLE, rows)
    return Exported(tuple(rows), tuple(failed), tuple(notes))


def _name_of(found: Survey, key: str) -> str:
    image = find_image(found, key, no_images)
    return image.name if image else key


_UNKNOWN = "Nobody knows which image its labels belong to; recover the project first."
_NOTHING = "No save of it can be read, and no journal."


def _write(left: RecoveredWork, name: str, out: Path) -> None:
    if left.annotation is None:
        return
    labels: NDArray[Any] = left.annotation.snapshot().labels
    axes = result_axes(left.image.axes)
    verified = left.annotation.trainable().astype(np.uint8) * np.uint8(255)
    labels = labels.astype(task_of(left.image).labels.exported, copy=False)
    of_labels = f"C{axes}" if labels.ndim > len(axes) else axes
    for kind, array, its_axes in (
        ("labels", labels, of_labels),
        ("verified", verified, axes),
    ):
        write_image(out / kind / f"{name}.tif", array, its_axes, overwrite=True)


def _row(found: Survey, left: RecoveredWork, name: str) -> dict[str, Any]:
    if left.annotation is None:
        return {}
    counts = left.annotation.counts()
    objects = task_of(left.image).labels.objects
    path = left.image.path_from(found.folder)
    values = (
        name,
        left.image.name,
        left.image.task,
        counts.objects if objects else None,
        counts.verified_objects if objects else None,
        round(counts.verified_pixels / counts.pixels, 6),
        left.saves.good[0].saved_at.isoformat() if left.saves.good else None,
        str(path) if path else None,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def _harmless(value: Any) -> Any:
    """Spell out what a spreadsheet would take for a formula."""
    formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@")
    return f"'{value}" if formula else value


def iter_near(folder: Path) -> Iterator[ImageIdentity]:
    """Yield the identities of images beside a project, such as may be its own."""
    try:
        paths = list_images(folder.resolve().parent)
    except InputError:
        return
    for path in paths:
        try:
            image = read_image(path, stored=True)  # as projects know it
            axes = axes_of_file(image, None).letters
            found = ImageIdentity.of(path.name, image.array, axes)
            yield replace(found, path=path)
        except NapariUnetError:
            continue
