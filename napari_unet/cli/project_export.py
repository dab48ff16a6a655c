"""The work in a project as plain files, for `napari-unet train` and other programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.cli.outputs import output_folder, refuse_existing
from napari_unet.errors import InputError, StorageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.project.rescue.salvage import Salvage
    from napari_unet.project.rescue.survey import Survey

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


def export_project(
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
    from napari_unet.project.rescue.survey import survey

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
    from napari_unet.project.rescue.salvage import find_image, no_images

    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for key in found.keys:
        image = find_image(found, key, no_images)
        if task is not None and image is not None and image.task != task:
            continue
        plain = _plain(image.name if image else key)
        numbered = (f"{plain}-{n}" for n in range(2, len(found.keys) + 2))
        name = next(n for n in (plain, *numbered) if n.lower() not in taken)
        taken.add(name.lower())
        chosen[key] = name
    if not chosen:
        wish = f" of the task {task!r}" if task else ""
        raise InputError(f"{str(found.folder)!r} holds no work{wish} to export.")
    return chosen


def _plain(name: str) -> str:
    """Return the name of a file for an image: as the image's, up to the suffix."""
    from napari_unet.io.names import stem_of

    stem = stem_of(Path(name)) if re.search(r"[^/\\]", name) else ""
    safe = re.sub(r'[/\\:*?"<>|]', "-", stem).strip(" .")
    return safe[:200] or "image"


def _export(found: Survey, names: dict[str, str], out: Path) -> Exported:
    from napari_unet.project.rescue.salvage import no_images, salvage

    rows: list[dict[str, Any]] = []
    failed: list[tuple[str, str]] = []
    notes: list[str] = []
    for key, name in names.items():
        try:
            left = salvage(found, key, no_images)
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
    from napari_unet.project.rescue.salvage import find_image, no_images

    image = find_image(found, key, no_images)
    return image.name if image else key


_UNKNOWN = "Nobody knows which image its labels belong to; recover the project first."
_NOTHING = "No save of it can be read, and no journal."


def _write(left: Salvage, name: str, out: Path) -> None:
    import numpy as np

    from napari_unet.geometry.axes import result_axes
    from napari_unet.io.write import write_image

    if left.annotation is None:
        return
    labels: NDArray[Any] = left.annotation.snapshot().labels
    axes = result_axes(left.image.axes)
    verified = left.annotation.trainable().astype(np.uint8) * np.uint8(255)
    if left.image.task == "classes":
        labels = labels.astype(np.uint8)
    of_labels = f"C{axes}" if labels.ndim > len(axes) else axes
    for kind, array, its_axes in (
        ("labels", labels, of_labels),
        ("verified", verified, axes),
    ):
        write_image(out / kind / f"{name}.tif", array, its_axes, overwrite=True)


def _row(found: Survey, left: Salvage, name: str) -> dict[str, Any]:
    from napari_unet.project.rescue.verify_image import image_path

    if left.annotation is None:
        return {}
    counts = left.annotation.counts()
    objects = left.image.task == "instances"
    path = image_path(found.folder, left.image)
    values = (
        name,
        left.image.name,
        left.image.task,
        counts.objects if objects else None,
        counts.verified_objects if objects else None,
        round(counts.verified_pixels / counts.pixels, 6),
        left.good[0].saved_at.isoformat() if left.good else None,
        str(path) if path else None,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    from io import StringIO

    from napari_unet.core.atomic import write_atomically

    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))


def _harmless(value: Any) -> Any:
    """Spell out what a spreadsheet would take for a formula."""
    formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@")
    return f"'{value}" if formula else value


def iter_near(folder: Path) -> Iterator[Any]:
    """Yield the identities of images beside a project, such as may be its own."""
    from napari_unet.errors import NapariUnetError
    from napari_unet.io.dataset import axes_of_file
    from napari_unet.io.pairing import list_images
    from napari_unet.io.read import read_image
    from napari_unet.project.identity import ImageIdentity

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
