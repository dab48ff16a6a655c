"""Which image an annotation belongs to, and what it says.

An image is known by its content, whatever the file is called.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.axes import parse_axes
from napari_unet.tasks import task_of

_CHUNK_BYTES = 16 * 2**20
_SLUG_LENGTH = 60
_NAME_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class ImageIdentity:
    """What is remembered of an image, so that it is recognised again.

    Parameters
    ----------
    name : str
        File name or layer name; for people, never opened.
    shape : tuple of int
        Shape of the image.
    dtype : str
        Such as "uint16".
    axes : str
        One letter per axis.
    content_hash : str
        Hash of dtype, shape and pixels.
    schema : LabelSchema
        What the annotation says of the pixels. One image has separate work for every
        task: object ids and class numbers must never mix.
    path : Path or None
        The image file, where it is one.
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
        schema = self.schema
        labels = task_of(schema).labels
        return labels.saved_shape(schema.names, self.labels_shape)

    @property
    def key(self) -> str:
        """A name for the image's files, safe on every file system.

        Lower case, no separators, and different for different contents.
        """
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
    name: str,
    image: npt.NDArray[Any],
    axes: str,
    schema: LabelSchema = INSTANCES,
) -> Generator[None, None, ImageIdentity]:
    """Identify an image bit by bit: yields after every 16 MiB, returns the identity.

    Raises
    ------
    InputError
        If there are no pixels, they are not numbers, or the axes do not fit.
    """
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
    """Hash an array bit by bit, in memory of 16 MiB; returns 32 hexadecimal digits.

    Arrays on disk and lazy arrays are read in pieces along their first axes.
    """
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
    """Cut an array, in reading order, into parts of limited size."""
    if not shape:
        yield ()
        return
    row = itemsize * int(np.prod(shape[1:], dtype=np.int64))
    if row > _CHUNK_BYTES and len(shape) > 1:
        for index in range(shape[0]):
            for rest in _chunks(shape[1:], itemsize):
                yield (index, *rest)
        return
    rows = max(1, _CHUNK_BYTES // max(row, 1))
    for start in range(0, shape[0], rows):
        yield (slice(start, start + rows),)
