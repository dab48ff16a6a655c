"""The work in a project as plain files, for `napari-unet train` and other programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet import io, measurements, project, tasks
from napari_unet.cli.outputs import output_folder, refuse_existing
from napari_unet.core.atomic import write_atomically
from napari_unet.errors import InputError, NapariUnetError, StorageError
from napari_unet.geometry.axes import result_axes
from napari_unet.io.pairing import list_images, stem_of
from napari_unet.project import rescue

if TYPE_CHECKING:
    from napari_unet.annotation.annotation import Annotation
    from napari_unet.project.identity import ImageIdentity
    from napari_unet.project.rescue.recover import RecoveredWork
    from napari_unet.project.rescue.survey import Survey

TABLE = "project.csv"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, a row of the table each, and what could not be."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export_project(
    folder: Path, out: Path, task: str | None, *, overwrite: bool
) -> Exported:
    """Write labels, masks of what is verified, and a table."""
    found = rescue.survey(folder)
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
        image = rescue.find_image(found, key, rescue.no_images)
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
    done = Exported()
    for key, name in names.items():
        try:
            left = rescue.recover_work(found, key, rescue.no_images)
        except StorageError as error:
            done.failed.append((_name_of(found, key), str(error)))
            continue
        if left is None or left.annotation is None:
            words = (" ".join(left.lost) or _NOTHING) if left else _UNKNOWN
            done.failed.append((_name_of(found, key), words))
            continue
        if left.annotation.in_chunks:
            done.failed.append((left.image.name, _LARGE))
            continue
        _write(found, left, left.annotation, name, out)
        done.rows.append(_row(found, left, left.annotation, name))
        done.notes.extend(f"{left.image.name}: {words}" for words in left.lost)
    if done.rows:
        _write_table(out / TABLE, done.rows)
    return done


def _name_of(found: Survey, key: str) -> str:
    image = rescue.find_image(found, key, rescue.no_images)
    return image.name if image else key


_UNKNOWN = "Nobody knows which image its labels belong to; recover the project first."
_LARGE = (
    "Its labels are larger than memory; write them with: napari-unet export PROJECT "
    "--format ome-zarr --out FOLDER."
)
_NOTHING = "No save of it can be read, and no journal."


def _pixel_size(found: Survey, left: RecoveredWork) -> dict[str, float]:
    """Return what the image's file states, and what the person said against it."""
    path = left.image.path_from(found.folder)
    size = dict(io.read_header(path).pixel_size) if path else {}
    reading = found.manifest.settings.readings.get(left.image.content_hash)
    if reading is not None and reading.pixel_size is not None:
        size |= {"Y": reading.pixel_size, "X": reading.pixel_size}
    return size


def _write(
    found: Survey, left: RecoveredWork, work: Annotation, name: str, out: Path
) -> None:
    axes = result_axes(left.image.axes)
    facet = tasks.task_of(left.image).labels
    labels = facet.as_exported(work.snapshot().labels)
    of_labels = f"C{axes}" if labels.ndim > len(axes) else axes
    verified = work.trainable().astype(np.uint8) * np.uint8(255)
    size = _pixel_size(found, left)
    for kind, array, its_axes in (
        ("labels", labels, of_labels),
        ("verified", verified, axes),
    ):
        target = out / kind / f"{name}.tif"
        io.write_image(target, array, its_axes, overwrite=True, pixel_size=size)


def _row(
    found: Survey, left: RecoveredWork, work: Annotation, name: str
) -> dict[str, Any]:
    counts = work.counts()
    objects = tasks.task_of(left.image).labels.objects
    path, saved_at = left.image.path_from(found.folder), left.saved_at
    return {
        "name": name,
        "image": left.image.name,
        "task": left.image.task,
        "objects": counts.objects if objects else None,
        "verified_objects": counts.verified_objects if objects else None,
        "verified_share": round(counts.verified_pixels / counts.pixels, 6),
        "last_save": saved_at.isoformat() if saved_at else None,
        "path": str(path) if path else None,
    }


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def _harmless(value: Any) -> Any:
    """Spell out what a spreadsheet would take for a formula."""
    return measurements.harmless(value) if isinstance(value, str) else value


def iter_near(folder: Path) -> Iterator[ImageIdentity]:
    """Yield the identities of images beside a project, such as may be its own."""
    try:
        paths = list_images(folder.resolve().parent)
    except InputError:
        return
    for path in paths:
        try:
            image = io.read_image(path, stored=True)  # as projects know it
            axes = io.axes_of_file(image, None).letters
            found = project.ImageIdentity.of(path.name, image.array, axes)
            yield replace(found, path=path)
        except NapariUnetError:
            continue
