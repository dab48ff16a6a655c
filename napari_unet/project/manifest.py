"""`project.json`: what a project holds, and which saves of it count.

Manifests of older versions are brought up to date (`older_manifests`). Nothing is
written here: the old manifest stays as it is until the project is saved, and a copy of
it is kept then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from napari_unet.annotation.origins import Origin, Origins
from napari_unet.core.validation import first_problem
from napari_unet.errors import StorageError
from napari_unet.geometry.ids import latest_free_id
from napari_unet.instances.diameter import LEAST_DIAMETER, MOST_DIAMETER
from napari_unet.instances.kinds import AnyDecoding
from napari_unet.models.record import ModelRecord
from napari_unet.project.identity import (
    Axes,
    Hash,
    ImageFields,
    Key,
    Name,
    Record,
    RelativePath,
)
from napari_unet.project.layout import MANIFEST
from napari_unet.project.older_manifests import OLDEST_VERSION, up_to_date

FORMAT_VERSION = 7
KEPT_GENERATIONS = 3
LONGEST_VERSION_NAME = 60
LEAST_MINUTES, MOST_MINUTES = 0.1, 600.0
MOST_MICROMETRES = 1e6

_MOST_SAVES = 100
_MAX_BYTES = 32 * 2**20
_MAX_ID = 2**31

Id = Annotated[int, Field(ge=0, le=_MAX_ID)]
OriginFields = tuple[Id, Id, bool]
Sequence = Annotated[int, Field(ge=0, le=2**53)]
Diameter = Annotated[float, Field(ge=LEAST_DIAMETER, le=MOST_DIAMETER)]
Channel = Annotated[int, Field(ge=0, le=2**16)]


class Done(Record):
    """How far the work in a save is: for lists, nothing else depends on it.

    An image is `predicted` when some model has said what is in it.
    """

    objects: int = Field(ge=0, le=_MAX_ID)
    verified_objects: int = Field(ge=0, le=_MAX_ID)
    pixels: int = Field(ge=1, le=2**53)
    verified_pixels: int = Field(ge=0, le=2**53)
    predicted: bool = False


class Generation(Record):
    """One save of one image's annotation.

    `number` is part of the file names; `sequence` is the last change of the journal
    that the save holds. The hashes of the contents reveal damaged and mixed-up files.
    What is `done` in it was not counted by older versions. `origins` say of ids of a
    time-lapse from which they came, and whether a person said so.
    """

    number: int = Field(ge=1, le=2**53)
    saved_at: AwareDatetime
    sequence: Sequence
    labels_hash: Hash
    provenance_hash: Hash
    done: Done | None = None
    origins: tuple[OriginFields, ...] | None = None

    @property
    def known_origins(self) -> Origins:
        """Where objects come from."""
        known = self.origins or ()
        return {each: Origin(parent, stated) for each, parent, stated in known}


def origin_fields(origins: Origins) -> tuple[OriginFields, ...] | None:
    """Return what a save says of origins: nothing where none is known."""
    known = ((each, o.parent, o.stated) for each, o in sorted(origins.items()))
    return tuple(known) or None


class ImageEntry(ImageFields):
    """One image and the last saves of its annotation, newest first.

    `next_id` covers all saves: it never falls, so that no id is ever used again.
    """

    key: Key
    next_id: int = Field(ge=1, le=_MAX_ID)
    generations: tuple[Generation, ...] = Field(min_length=1, max_length=_MOST_SAVES)

    @model_validator(mode="after")
    def _count_down(self) -> ImageEntry:
        numbers = [generation.number for generation in self.generations]
        if numbers != sorted(set(numbers), reverse=True):
            raise ValueError("generations must count down")
        return self

    @property
    def newest(self) -> Generation:
        """The last save."""
        return self.generations[0]

    @property
    def oldest(self) -> Generation:
        """The oldest save that is kept."""
        return self.generations[-1]


class ModelEntry(Record):
    """One version of the model: a built-in one, or one in a folder of the project.

    `number` is for people and never used again; code finds a version by its record.
    `checksum` is that of the weights, `note` says where the version comes from, `name`
    is what a person calls it, `preset` how it is trained further, and `decoding` are
    thresholds that a person has moved.
    """

    number: int = Field(ge=1, le=2**53)
    record: ModelRecord
    built_in: Name | None = None
    folder: Key | None = None
    checksum: Hash | None = None
    note: str = Field("", max_length=1024)
    name: str = Field("", max_length=LONGEST_VERSION_NAME)
    preset: Literal["fine-tune", "from-scratch"] = "fine-tune"
    decoding: AnyDecoding | None = None

    @model_validator(mode="after")
    def _lies_somewhere(self) -> ModelEntry:
        if (self.built_in is None) == (self.folder is None):
            raise ValueError("a model is built in, or lies in a folder")
        return self

    @property
    def uuid(self) -> UUID:
        """By which it is found."""
        return self.record.uuid


class ImageReading(Record):
    """How an image is read, where a person said so; channels count from 0."""

    axes: Axes | None = None
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] | None = None
    pixel_size: Annotated[float, Field(gt=0, le=MOST_MICROMETRES)] | None = None


class Settings(Record):
    """What a person chose for a project.

    `minutes` is how long a training lasts. `diameters` are in pixels, by image keys;
    `readings` are by content hashes.
    """

    minutes: float = Field(2.0, ge=LEAST_MINUTES, le=MOST_MINUTES)
    diameters: dict[Key, Diameter] = Field(default_factory=dict)
    readings: dict[Hash, ImageReading] = Field(default_factory=dict)

    @field_validator("minutes", mode="before")
    @classmethod
    def _nearest(cls, minutes: object) -> object:
        """Take what is out of reach for the nearest: once it was saved unseen."""
        if isinstance(minutes, int | float) and minutes == minutes:  # not NaN
            return min(max(minutes, LEAST_MINUTES), MOST_MINUTES)
        return minutes


class Manifest(Record):
    """Content of `project.json`.

    `listed` are files that a person wants to work on, also those without any work yet.
    """

    format_version: Literal[7] = 7
    settings: Settings = Settings()
    active_model: int | None = None
    models: tuple[ModelEntry, ...] = Field((), max_length=100_000)
    images: tuple[ImageEntry, ...] = Field((), max_length=100_000)
    listed: tuple[RelativePath, ...] = Field((), max_length=100_000)

    @model_validator(mode="after")
    def _distinct(self) -> Manifest:
        if len({entry.key for entry in self.images}) != len(self.images):
            raise ValueError("two images have the same key")
        numbers = [model.number for model in self.models]
        if numbers != sorted(set(numbers)):
            raise ValueError("models must count up")
        if len({model.uuid for model in self.models}) != len(numbers):
            raise ValueError("two models have the same record")
        if self.active_model not in (None, *numbers):
            raise ValueError("there is no such active model")
        return self

    def get(self, key: str) -> ImageEntry | None:
        """Return the entry of that key."""
        return next((entry for entry in self.images if entry.key == key), None)

    def with_settings(self, **update: object) -> Manifest:
        """Return the manifest with other settings, by their names.

        Raises a StorageError if one is impossible: no manifest could be read with it.
        """
        try:
            settings = Settings.model_validate({**dict(self.settings), **update})
        except ValidationError as error:
            place, words = first_problem(error, "its whole")
            raise StorageError(
                f"A setting is impossible ({place}: {words}) and was not saved; set it "
                "to another value."
            ) from error
        return self.model_copy(update={"settings": settings})

    def with_save(
        self,
        key: str,
        image: ImageFields,
        generation: Generation,
        next_id: int,
        needed: Collection[int] = (),
    ) -> tuple[Manifest, ImageEntry]:
        """Return the manifest after a save, and its entry; `needed` saves are kept."""
        old = self.get(key)
        stay = [
            each
            for place, each in enumerate(old.generations if old else (), 1)
            if place < KEPT_GENERATIONS or each.number in needed
        ]
        next_id = latest_free_id(next_id, old.next_id if old else 1)
        saves = (generation, *stay)[:_MOST_SAVES]
        entry = ImageEntry(**image.fields, key=key, next_id=next_id, generations=saves)
        others = tuple(other for other in self.images if other is not old)
        return self.model_copy(update={"images": (*others, entry)}), entry

    def as_bytes(self) -> bytes:
        """Return the text of `project.json`."""
        content = self.model_dump(mode="json", exclude_none=True)
        content["checksum"] = _checksum(content)
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


class NewerFormatError(StorageError):
    """The project was written by a newer version of this program."""


def parse_manifest(text: bytes) -> Manifest:
    """Read `project.json`; raises a StorageError, such as a NewerFormatError."""
    if len(text) > _MAX_BYTES:
        raise StorageError(f"project.json is larger than {_MAX_BYTES >> 20} MiB.")
    try:
        found = json.loads(text)
        version = _version(found)
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"The project has format {version}, this program reads up to "
                f"{FORMAT_VERSION}; update napari-unet."
            )
        if version == FORMAT_VERSION:
            _compare_checksum(found)
        current = json.dumps(up_to_date(found, FORMAT_VERSION))
        return Manifest.model_validate_json(current)
    except ValidationError as error:
        place, words = first_problem(error, "its whole")
        raise StorageError(f"project.json is damaged ({place}: {words}).") from error
    except (ValueError, RecursionError) as error:
        raise StorageError("project.json is damaged (it is not JSON).") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise StorageError("project.json is damaged (parts are missing).") from error


def format_version(text: bytes) -> int:
    """Return the format of a manifest, 0 if it is none."""
    try:
        return _version(json.loads(text))
    except (StorageError, ValueError, RecursionError):
        return 0


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest as it was read, or why it cannot be used.

    `loose` are entries of a damaged manifest that are valid by themselves: their key
    contains a hash of content and shape, which fits. `version` is that of the format.
    """

    name: str
    present: bool = False
    manifest: Manifest | None = None
    problem: str = ""
    loose: tuple[ImageEntry, ...] = ()
    version: int = 0


def read_manifest_file(path: Path, shown: str = "") -> ManifestFile:
    """Read a manifest; problems are returned, only a NewerFormatError is raised.

    `shown` is the name that messages use where the file cannot be read.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ManifestFile(name)
    except OSError as error:
        problem = f"{shown or name} cannot be read: {error.strerror}."
        return ManifestFile(name, present=True, problem=problem)
    try:
        manifest, version = parse_manifest(text), format_version(text)
    except NewerFormatError:
        raise
    except StorageError as error:
        problem = str(error).replace(MANIFEST, name)
        loose = tuple(_loose_entries(text))
        return ManifestFile(name, present=True, problem=problem, loose=loose)
    return ManifestFile(name, present=True, manifest=manifest, version=version)


def _loose_entries(text: bytes) -> Iterator[ImageEntry]:
    try:
        found: Any = json.loads(text)
        images = [json.dumps(image) for image in found["images"]]
    except (ValueError, RecursionError, KeyError, TypeError):
        return
    for image in images:
        with suppress(ValidationError):
            entry = ImageEntry.model_validate_json(image)
            own = re.escape(entry.identity.key)
            if re.fullmatch(rf"{own}(-[0-9]+)?", entry.key):
                yield entry


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True).encode()
    return blake2b(text, digest_size=16).hexdigest()


def _compare_checksum(found: dict[str, Any]) -> None:
    """Refuse, and take away, a checksum that does not fit the rest."""
    if found.pop("checksum", None) != _checksum(found):
        raise StorageError(
            "project.json is damaged (it is not what was saved; something else than "
            "this program changed it)."
        )


def _version(found: Any) -> int:
    version = found.get("format_version") if isinstance(found, dict) else None
    if type(version) is not int or version < OLDEST_VERSION:
        raise StorageError("project.json is damaged (it names no format).")
    return version
