"""Which image an annotation belongs to, what it says, and what is written of it.

An image is known by its content, whatever the file is called. What is written in the
manifest and at the head of a journal is checked on the way in, since a project may come
from anywhere: limits on every number and text, and names from which no path can be
built that leaves the folder.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product
from math import prod
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError, UnreadableRegion
from napari_unet.geometry.axes import parse_axes
from napari_unet.geometry.box import Box
from napari_unet.images.source import ImageSource
from napari_unet.models.spec import TaskName
from napari_unet.tasks import goes_with, task_of

_CHUNK_BYTES = 16 * 2**20
_SLUG_LENGTH = 60
_NAME_LENGTH = 1024
_MAX_PIXELS = 2**36
_MOST_UP = 16


@dataclass(frozen=True, slots=True)
class ImageIdentity:
    """What is remembered of an image, so that it is recognised again.

    `name` is that of the file or layer, for people, and is never opened. One image has
    separate work for every schema: object ids and class numbers must never mix.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    axes: str
    content_hash: str
    schema: LabelSchema = INSTANCES
    path: Path | None = None

    @classmethod
    def of(
        cls,
        name: str,
        image: npt.NDArray[Any],
        axes: str,
        schema: LabelSchema = INSTANCES,
    ) -> ImageIdentity:
        """Identify an image; see `iter_identify` for large ones."""
        return drain(iter_identify(name, image, axes, schema))

    @property
    def labels_shape(self) -> tuple[int, ...]:
        """Shape of the image's label map: the shape without channels."""
        return labels_shape(self.shape, self.axes)

    @property
    def values_shape(self) -> tuple[int, ...]:
        """Shape of what is saved as labels: regressed variables come first."""
        labels = task_of(self.schema).labels
        return labels.saved_shape(self.schema.names, self.labels_shape)

    def same_work(self, other: ImageIdentity) -> bool:
        """Whether both have the same work, even under different names."""
        return (
            self.content_hash == other.content_hash
            and self.labels_shape == other.labels_shape
            and goes_with(self.schema, other.schema)
        )

    @property
    def key(self) -> str:
        """A name for the image's files: lower case, and safe on every file system."""
        plain = unicodedata.normalize("NFKD", self.name.rsplit(".", 1)[0])
        slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
        content = f"{self.content_hash} {self.labels_shape}"
        if self.schema != INSTANCES:
            # As it has always been written, so that work of earlier versions is found.
            task, names = self.schema.task, self.schema.names
            content += f" Subject(task={task!r}, names={names!r})"
        suffix = blake2b(content.encode(), digest_size=6).hexdigest()
        return f"{slug[:_SLUG_LENGTH].strip('-') or 'image'}-{suffix}"


def iter_identify(
    name: str, image: npt.NDArray[Any], axes: str, schema: LabelSchema = INSTANCES
) -> Generator[None, None, ImageIdentity]:
    """Identify an image, yielding after every 16 MiB; InputError if it is unfit."""
    axes = parse_axes(axes, len(image.shape))
    if 0 in image.shape:
        raise InputError(f"The image {name} has no pixels (shape {image.shape}).")
    content_hash = yield from iter_content_hash(image)
    return ImageIdentity(
        readable(name),
        tuple(image.shape),
        np.dtype(image.dtype).name,
        axes,
        content_hash,
        schema,
    )


def identify_by_samples(
    name: str,
    image: ImageSource,
    axes: str,
    schema: LabelSchema = INSTANCES,
    damaged: list[UnreadableRegion] | None = None,
) -> Generator[None, None, ImageIdentity]:
    """Identify an image that is too large to be read whole, by parts of it.

    What cannot be read is noted in `damaged`, and told nobody else from it.
    """
    axes = parse_axes(axes, len(image.shape))
    content = yield from iter_sample_hash(image, axes, damaged)
    dtype = np.dtype(image.dtype).name
    shape = tuple(image.shape)
    return ImageIdentity(readable(name), shape, dtype, axes, content, schema)


_SAMPLE, _SAMPLES, _PLANES = 64, 5, 3


def iter_sample_hash(
    image: ImageSource, axes: str, damaged: list[UnreadableRegion] | None = None
) -> Generator[None, None, str]:
    """Hash squares of an image that are spread over it; returns 32 hex digits.

    Of a stack they are those of its first plane, its last one and that between them.
    What cannot be read is an error, or else left out and noted in `damaged`.
    """
    little = np.dtype(image.dtype).newbyteorder("<")
    digest = blake2b(f"parts {little.str} {image.shape}".encode(), digest_size=16)
    sizes = list(zip(axes, image.shape, strict=True))
    extent = [_SAMPLED.get(axis, (n, 1))[0] for axis, n in sizes]
    starts = [
        _spread(n, *_SAMPLED[axis]) if axis in _SAMPLED else [0] for axis, n in sizes
    ]
    for start in product(*starts):
        stop = tuple(a + n for a, n in zip(start, extent, strict=True))
        box = Box(start, stop).intersect(Box.whole(image.shape))
        try:
            part = image.read(box)
        except UnreadableRegion as error:
            if damaged is None:
                raise
            damaged.append(error)
        else:
            digest.update(np.ascontiguousarray(part, dtype=little).data)
        yield
    return digest.hexdigest()


_SAMPLED = dict.fromkeys("YX", (_SAMPLE, _SAMPLES)) | dict.fromkeys("TZ", (1, _PLANES))
"""Extent and number of the parts along an axis; along others it is all of it."""


def _spread(length: int, extent: int, count: int) -> list[int]:
    """Return where parts begin that are spread over a length."""
    last = max(0, length - extent)
    return sorted({round(last * i / (count - 1)) for i in range(count)})


def readable(name: str) -> str:
    """Replace what a JSON file cannot hold, such as undecodable bytes of a name."""
    printable = "".join(c if c.isprintable() else "?" for c in name)
    return printable[:_NAME_LENGTH] or "image"


def labels_shape(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    """Return the shape of the label map of an image of this shape."""
    return tuple(n for n, axis in zip(shape, axes, strict=True) if axis != "C")


def content_hash(array: npt.NDArray[Any]) -> str:
    """Return a hash of dtype, shape and values, the same on every machine."""
    return drain(iter_content_hash(array))


def iter_content_hash(array: npt.NDArray[Any]) -> Generator[None, None, str]:
    """Hash an array, perhaps a lazy one, by parts of 16 MiB; returns 32 hex digits."""
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "biufc":
        raise InputError(
            f"Expected an image of numbers, found dtype {dtype}; convert it first."
        )
    little = dtype.newbyteorder("<")
    digest = blake2b(f"{little.str} {tuple(array.shape)}".encode(), digest_size=16)
    for index in _chunks(tuple(array.shape), dtype.itemsize):
        digest.update(np.ascontiguousarray(array[index], dtype=little).data)
        yield
    return digest.hexdigest()


def _chunks(shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[int | slice, ...]]:
    """Yield indices of the parts of an array, in reading order."""
    sizes = [itemsize * prod(shape[axis + 1 :]) for axis in range(len(shape))]
    axis = next((n for n, size in enumerate(sizes) if size <= _CHUNK_BYTES), -1)
    if not shape:
        yield ()
        return
    axis %= len(shape)
    rows = max(1, _CHUNK_BYTES // max(sizes[axis], 1))
    for index in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], rows):
            yield (*index, slice(start, start + rows))


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
    def fields(self) -> dict[str, Any]:
        """What is written of the image alone, by name."""
        return {name: getattr(self, name) for name in ImageFields.model_fields}

    def path_from(self, folder: Path) -> Path | None:
        """Return where the file was when the project was saved last."""
        return None if self.path is None else path_from(self.path, folder)

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

    @property
    def variables(self) -> int:
        """How many variables there are, where values are regressed."""
        return task_of(self).labels.variables(self.names)

    def holds(self, image: ImageIdentity) -> bool:
        """Whether this is that work on that image, even under another name."""
        return self.identity.same_work(image)


def relative_path(path: Path, folder: Path) -> str | None:
    """Return the path from a project folder to an image; None from another drive."""
    try:
        relative = Path(os.path.relpath(path.resolve(), folder.resolve()))
        return TypeAdapter(RelativePath).validate_python(relative.as_posix())
    except ValueError:
        return None


def path_from(relative: str, folder: Path) -> Path:
    """Return where a path leads that is written in a project folder."""
    return Path(os.path.normpath(folder.absolute() / relative))


def file_bytes(path: Path) -> int | None:
    """Return the size of a file; None if it cannot be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return None
