"""`project.json`: which images a project holds, and which saves of them.

Everything is checked on the way in, since a project may come from anywhere: limits on
every number and text, and keys from which no path can be built that leaves the folder.
"""

from __future__ import annotations

import json
from math import prod
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)

from napari_unet.core.axes import parse_axes
from napari_unet.core.subject import Subject, Task
from napari_unet.core.validation import first_problem
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity, labels_shape

FORMAT_VERSION = 2
"""Version 1 knew instances only; a project with nothing else is still written so."""

KEPT_GENERATIONS = 3

_MAX_BYTES = 32 * 2**20
_MAX_PIXELS = 2**36
_MAX_ID = 2**31

Extent = Annotated[int, Field(ge=1, le=2**31)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def _without_control(name: str) -> str:
    if not name.isprintable():
        raise ValueError("names must be printable")
    return name


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024),
    AfterValidator(_without_control),
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Generation(_Record):
    """One save of one image's annotation.

    Parameters
    ----------
    number : int
        Counts from 1; part of the file names.
    saved_at : datetime
        With a time zone.
    labels_hash, provenance_hash : str
        Content hashes, so that damage and mixed-up files are noticed.
    """

    number: int = Field(ge=1, le=2**53)
    saved_at: AwareDatetime
    labels_hash: Hash
    provenance_hash: Hash


class ImageEntry(_Record):
    """One image and the last saves of its annotation, newest first.

    `next_id` covers all saves: it never falls, so that no id is ever used again.
    """

    key: Key
    name: Name
    shape: tuple[Extent, ...] = Field(min_length=2, max_length=5)
    dtype: Annotated[str, StringConstraints(pattern=r"^[a-z]+[0-9]{0,3}$")]
    axes: Annotated[str, StringConstraints(pattern=r"^[TCZYX]{2,5}$")]
    content_hash: Hash
    task: Task = "instances"
    names: tuple[Name, ...] = Field((), max_length=255)
    next_id: int = Field(ge=1, le=_MAX_ID)
    generations: tuple[Generation, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _consistent(self) -> ImageEntry:
        parse_axes(self.axes, len(self.shape))
        if bool(self.names) != (self.task != "instances"):
            raise ValueError("classes and variables have names, instances have none")
        if prod(self.values_shape) > _MAX_PIXELS:
            raise ValueError("the image is larger than any that can be annotated")
        numbers = [generation.number for generation in self.generations]
        if numbers != sorted(set(numbers), reverse=True):
            raise ValueError("generations must count down")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what version 1 did not know, where it says nothing."""
        content: dict[str, Any] = plain(self)
        if self.task == "instances":
            del content["task"], content["names"]
        return content

    @property
    def subject(self) -> Subject:
        """What the annotation says of the pixels."""
        return Subject(self.task, self.names)

    @property
    def labels_shape(self) -> tuple[int, ...]:
        """Shape of the provenance, and of labels that are one number per pixel."""
        return labels_shape(self.shape, self.axes)

    @property
    def values_shape(self) -> tuple[int, ...]:
        """Shape of the labels."""
        return self.subject.values_shape(self.labels_shape)

    @property
    def newest(self) -> Generation:
        """The last save."""
        return self.generations[0]

    def holds(self, image: ImageIdentity) -> bool:
        """Whether this is that work on that image, even under another name."""
        return (
            self.content_hash == image.content_hash
            and self.labels_shape == image.labels_shape
            and self.subject.goes_with(image.subject)
        )


class Manifest(_Record):
    """Content of `project.json`."""

    format_version: Literal[1, 2] = 1
    images: tuple[ImageEntry, ...] = Field((), max_length=100_000)

    @model_validator(mode="after")
    def _distinct(self) -> Manifest:
        if len({entry.key for entry in self.images}) != len(self.images):
            raise ValueError("two images have the same key")
        return self

    def get(self, key: str) -> ImageEntry | None:
        """Return the entry of that key."""
        return next((entry for entry in self.images if entry.key == key), None)

    def find(self, image: ImageIdentity) -> ImageEntry | None:
        """Return the entry of that image, the one of the same name if there are two."""
        found = [entry for entry in self.images if entry.holds(image)]
        namesakes = [entry for entry in found if entry.name == image.name]
        return next(iter(namesakes + found), None)

    def key_for(self, image: ImageIdentity) -> str:
        """Return the key of that image, or a free one if it is new here."""
        entry = self.find(image)
        if entry:
            return entry.key
        taken = {other.key for other in self.images}
        candidates = (f"{image.key}-{n}" for n in range(2, len(taken) + 3))
        return (
            image.key
            if image.key not in taken
            else next(key for key in candidates if key not in taken)
        )

    def with_save(
        self, image: ImageIdentity, generation: Generation, next_id: int
    ) -> tuple[Manifest, ImageEntry]:
        """Return the manifest after a save, and the image's entry in it."""
        old = self.find(image)
        earlier = old.generations if old else ()
        entry = ImageEntry(
            key=self.key_for(image),
            name=image.name,
            shape=image.shape,
            dtype=image.dtype,
            axes=image.axes,
            content_hash=image.content_hash,
            task=image.subject.task,
            names=image.subject.names,
            next_id=max(next_id, old.next_id if old else 1),
            generations=(generation, *earlier)[:KEPT_GENERATIONS],
        )
        others = tuple(other for other in self.images if other is not old)
        return _manifest_of((*others, entry)), entry

    def as_bytes(self) -> bytes:
        """Return the text of `project.json`."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def _manifest_of(images: tuple[ImageEntry, ...]) -> Manifest:
    """Return a manifest of the oldest version that can say this."""
    plain = all(entry.task == "instances" for entry in images)
    return Manifest(format_version=1 if plain else 2, images=images)


class NewerFormatError(StorageError):
    """The project was written by a newer version of this program."""


def parse_manifest(text: bytes) -> Manifest:
    """Read the text of `project.json`.

    Raises
    ------
    StorageError
        If it is damaged, or comes from a newer version (`NewerFormatError`).
    """
    if len(text) > _MAX_BYTES:
        raise StorageError(f"project.json is larger than {_MAX_BYTES >> 20} MiB.")
    try:
        found: Any = json.loads(text)
        version = found.get("format_version") if isinstance(found, dict) else None
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise NewerFormatError(
                f"The project has format {version}, this program reads up to "
                f"{FORMAT_VERSION}; update napari-unet."
            )
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        place, words = first_problem(error, "its whole")
        raise StorageError(f"project.json is damaged ({place}: {words}).") from error
    except (ValueError, RecursionError) as error:
        raise StorageError("project.json is damaged (it is not JSON).") from error
