"""What is written of an image, in the manifest and at the head of its journal.

Everything is checked on the way in, since a project may come from anywhere: limits on
every number and text, and names from which no path can be built that leaves the folder.
"""

from __future__ import annotations

import os
import re
from math import prod
from pathlib import Path, PurePosixPath
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from napari_unet.annotation.schema import LabelSchema
from napari_unet.geometry.axes import parse_axes
from napari_unet.project.identity import ImageIdentity
from napari_unet.tasks import TaskName, task_of
from napari_unet.tasks.task import goes_with

_MAX_PIXELS = 2**36
_MOST_UP = 16

Extent = Annotated[int, Field(ge=1, le=2**31)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]
Axes = Annotated[str, StringConstraints(pattern=r"^[TCZYX]{2,5}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def _without_control(name: str) -> str:
    if not name.isprintable():
        raise ValueError("names must be printable")
    return name


def _relative(path: str) -> str:
    parts = PurePosixPath(path).parts
    up = sum(part == ".." for part in parts)
    if path.startswith("/") or "\\" in path or re.match("[A-Za-z]:", path):
        raise ValueError("paths of images must be relative")
    if ".." in parts[up:] or up > _MOST_UP:
        raise ValueError("paths of images must be plain")
    return path


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024),
    AfterValidator(_without_control),
]
RelativePath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    AfterValidator(_without_control),
    AfterValidator(_relative),
]


class Record(BaseModel):
    """Something that is read from a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageFields(Record):
    """What an image is, so that it is found and recognised again.

    `path` leads from the project folder to the image file; `file_bytes` is the size of
    that file, by which it is found when it was moved. Images stay where they are.
    """

    name: Name
    path: RelativePath | None = None
    file_bytes: int | None = Field(None, ge=0, le=2**53)
    shape: tuple[Extent, ...] = Field(min_length=2, max_length=5)
    dtype: Annotated[str, StringConstraints(pattern=r"^[a-z]+[0-9]{0,3}$")]
    axes: Axes
    content_hash: Hash
    task: TaskName = "instances"
    names: tuple[Name, ...] = Field((), max_length=255)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parse_axes(self.axes, len(self.shape))
        if bool(self.names) != task_of(self).outputs.named:
            raise ValueError("classes and variables have names, instances have none")
        if prod(self.values_shape) > _MAX_PIXELS:
            raise ValueError("the image is larger than any that can be annotated")
        return self

    @classmethod
    def of(cls, image: ImageIdentity, folder: Path) -> ImageFields:
        """Return what is written of an image in a project folder."""
        path = image.path
        return cls(
            name=image.name,
            path=path and relative_path(path, folder),
            file_bytes=path and file_bytes(path),
            shape=image.shape,
            dtype=image.dtype,
            axes=image.axes,
            content_hash=image.content_hash,
            task=image.schema.task,
            names=image.schema.names,
        )

    @property
    def identity(self) -> ImageIdentity:
        """The image as it is known while the program runs."""
        return ImageIdentity(
            self.name,
            self.shape,
            self.dtype,
            self.axes,
            self.content_hash,
            LabelSchema(self.task, self.names),
        )

    @property
    def labels_shape(self) -> tuple[int, ...]:
        """Shape of the provenance, and of labels that are one number per pixel."""
        return self.identity.labels_shape

    @property
    def values_shape(self) -> tuple[int, ...]:
        """Shape of the labels."""
        return self.identity.values_shape

    def holds(self, image: ImageIdentity) -> bool:
        """Whether this is that work on that image, even under another name."""
        mine = self.identity
        return (
            mine.content_hash == image.content_hash
            and mine.labels_shape == image.labels_shape
            and goes_with(mine.schema, image.schema)
        )


def relative_path(path: Path, folder: Path) -> str | None:
    """Return the path from a project folder to an image; None from another drive."""
    try:
        relative = Path(os.path.relpath(path.resolve(), folder.resolve()))
        return TypeAdapter(RelativePath).validate_python(relative.as_posix())
    except ValueError:
        return None


def file_bytes(path: Path) -> int | None:
    """Return the size of a file; None if it cannot be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return None
