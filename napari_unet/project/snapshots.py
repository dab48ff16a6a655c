"""Copies of the work on an image that are kept until somebody deletes them by hand.

Saves and the journal follow the work; what a person has left behind by starting over
would go with them in the end. The description of a copy is written last: with it the
copy counts.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.errors import StorageError
from napari_unet.geometry.axes import result_axes
from napari_unet.project.identity import Hash, ImageIdentity, Record
from napari_unet.project.layout import SNAPSHOTS, parse_snapshot_name, snapshot_paths
from napari_unet.project.maps import Pair, read_maps, write_maps

_LARGEST_FILE = 10_000


class _Fields(Record):
    kept_at: AwareDatetime
    objects: int = Field(ge=0)
    next_id: int
    labels_hash: Hash
    provenance_hash: Hash


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy that is kept; its `number` counts those of an image, from 1."""

    number: int
    kept_at: datetime
    objects: int


def keep_snapshot(
    project: Path,
    key: str,
    image: ImageIdentity,
    work: AnnotationSnapshot,
    objects: int,
) -> Snapshot:
    """Keep a copy of the work; `objects` counts objects, classes or marks."""
    folder = _no_link(project / SNAPSHOTS)
    with told_in_words(folder):
        folder.mkdir(exist_ok=True)
    number = 1 + max(_numbers(folder, key), default=0)
    kept = Snapshot(number, datetime.now(UTC), objects)
    maps, fields = _paths(project, key, number)
    hashes = write_maps(maps, work, result_axes(image.axes))
    content = _Fields(
        kept_at=kept.kept_at,
        objects=objects,
        next_id=work.next_id,
        labels_hash=hashes[0],
        provenance_hash=hashes[1],
    )
    text = json.dumps(content.model_dump(mode="json"), indent=1)
    write_atomically(fields, lambda file: file.write(text.encode()))
    return kept


def list_snapshots(project: Path, key: str) -> tuple[Snapshot, ...]:
    """Return the copies of the work on an image, the newest first; only reads."""
    found, folder = [], _no_link(project / SNAPSHOTS)
    for number in _numbers(folder, key):
        # One that was being written when the program ended, or is damaged, is none.
        with suppress(StorageError):
            fields = _read_fields(snapshot_paths(project, key, number)[2])
            found.append(Snapshot(number, fields.kept_at, fields.objects))
    return tuple(found)


def read_snapshot(
    project: Path, key: str, image: ImageIdentity, number: int
) -> AnnotationSnapshot:
    """Read a copy back; a StorageError tells that it is not what was kept."""
    _no_link(project / SNAPSHOTS)
    maps, path = _paths(project, key, number)
    fields = _read_fields(path)
    hashes = fields.labels_hash, fields.provenance_hash
    found = read_maps(maps, (image.values_shape, image.labels_shape), hashes)
    return AnnotationSnapshot(*found, fields.next_id, 0)


def _numbers(folder: Path, key: str) -> list[int]:
    """Return the numbers of the copies of an image, the newest first."""
    names = (parse_snapshot_name(path.name) for path in folder.glob("*.json"))
    return sorted((name[1] for name in names if name and name[0] == key), reverse=True)


def _paths(project: Path, key: str, number: int) -> tuple[Pair, Path]:
    paths = snapshot_paths(project, key, number)
    labels, provenance, fields = map(_no_link, paths)
    return (labels, provenance), fields


def _no_link(path: Path) -> Path:
    """Return a path, unless it is a link, which perhaps leads out of the project."""
    if path.is_symlink():
        raise StorageError(f"{path} is a link; replace it by what it leads to.")
    return path


def _read_fields(path: Path) -> _Fields:
    try:
        with path.open("rb") as file:
            return _Fields.model_validate_json(file.read(_LARGEST_FILE))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise StorageError(f"{path} is damaged.") from error
