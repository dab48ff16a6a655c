"""Reading the files of the list as the front end would open them.

An image is known by its pixels, so whoever predicts it ahead must get the very pixels
that are shown later. So the front end says how it reads files.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import Job
from napari_unet.io.read import read_image
from napari_unet.project.project import Project
from napari_unet.session.images.held import NOTHING_HELD, Held
from napari_unet.session.images.opening import Request
from napari_unet.session.images.reading import Manners, first_axes


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image that was read from a file.

    Parameters
    ----------
    pixels : ndarray
        What is opened.
    axes : str or None
        Axes that came with it; the file is asked where they are missing.
    colour : bool
        Whether the last axis is known to be colour.
    shown : Any
        What a front end shows, where that is more than the pixels.
    limits : tuple of float, optional
        Grey values between which most of it lies, where somebody has looked.
    """

    pixels: npt.NDArray[Any]
    axes: str | None = None
    colour: bool = False
    shown: Any = None
    limits: tuple[float, float] | None = None


class Reader(Protocol):
    """How a front end reads image files; data alone, so that jobs can carry it."""

    def read(self, path: Path) -> Picture:
        """Read a file, or raise an error."""
        ...


@dataclass(frozen=True, slots=True)
class PlainReader:
    """Reads files as this program does where there is no front end."""

    def read(self, path: Path) -> Picture:
        """Read a file; an InputError says why not."""
        found = read_image(path, stored=True)
        return Picture(found.array, found.axes)


@dataclass(frozen=True, slots=True)
class ReadFile(Job[None, Picture]):
    """Read an image that a person goes to."""

    path: Path
    reader: Reader = field(default_factory=PlainReader)

    def run(self) -> Generator[None, None, Picture]:
        """Read it."""
        yield
        return self.reader.read(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class Unread:
    """A file that shall be opened, without a front end; see `Request`."""

    path: Path
    schema: LabelSchema
    project: Project
    kept: Project
    held: Held = NOTHING_HELD
    like: Manners | None = None
    reader: Reader = field(default_factory=PlainReader)

    def request(self, picture: Picture) -> Request:
        """Return how a picture that was read is opened; InputError if it is unfit."""
        known = first_axes(picture.pixels, picture.axes, colour=picture.colour)
        return Request(
            picture.pixels,
            self.path.name,
            known.letters,
            self.path,
            self.schema,
            self.project,
            layer=picture.axes,
            colour=picture.colour,
            like=self.like,
            held=self.held,
            kept=self.kept,
        )
