"""What is to be predicted, and where to: a task, and what a person says of it."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.geometry.axes import KnownAxes
from napari_unet.images.source import ImageSource, as_source
from napari_unet.instances.diameter import check_diameter
from napari_unet.io.pairing import name_of
from napari_unet.io.remote import is_local
from napari_unet.io.source import Source
from napari_unet.large.engine import Engine
from napari_unet.large.folder import RunFolder
from napari_unet.large.image import known_axes, open_image
from napari_unet.large.result import SUFFIXES, OutputFormat, Place
from napari_unet.large.settings import Settings
from napari_unet.tasks import task_of
from napari_unet.weights.model import Model, check_model

CHUNK = 1024
"""Extent of what is one piece of work, in pixels; it is rounded up to whole blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """An image, a model, and where the labels go.

    Parameters
    ----------
    path : str or None
        Of the image, where it has one.
    """

    source: ImageSource
    path: str | None
    model: Model
    model_name: str
    settings: Settings
    place: Place
    chunk: int
    engine: Engine
    overwrite: bool

    @property
    def axes(self) -> KnownAxes:
        """Which axis of the image is which, and who says so."""
        return known_axes(self.source, self.settings.axes)

    @property
    def folder(self) -> RunFolder:
        """The run's folder, beside the result."""
        return RunFolder.beside(self.place.path)

    @property
    def values(self) -> int | None:
        """How many values a pixel has; None where it has a label."""
        spec = self.model.spec
        if self.settings.probabilities or task_of(spec).labels.values:
            return spec.out_channels
        return None

    @property
    def pixel_size(self) -> dict[str, float]:
        """Micrometres per pixel, as somebody says or the image states."""
        size = dict(self.source.pixel_size)
        told = self.settings.pixel_size
        return size if told is None else size | {"Y": told, "X": told}

    def close(self) -> None:
        """Close the image, where it lies in a file; reading opens it again."""
        if isinstance(self.source, Source):
            self.source.close()


def ask(
    image: object,
    model: Model,
    out: Path,
    *,
    settings: Settings,
    engine: Engine,
    name: str | None = None,
    model_name: str | None = None,
    output_format: OutputFormat = "ome-zarr",
    chunk: int = CHUNK,
    overwrite: bool = False,
) -> Task:
    """Return what is to be done, of what a person says; an InputError if it is wrong.

    Parameters
    ----------
    image : str, Path, ImageSource or array_like
        A file, or a zarr; or what `napari_unet.images.source.as_source` takes.
    model_name : str, optional
        By which the model can be loaded again: that of a built-in one, or a path.
    """
    check_model(model)
    check_diameter(settings.diameter)
    if chunk < 1:
        raise InputError(f"Expected a chunk of 1 pixel or more, found {chunk}.")
    path, source = _opened(image, settings.axes)
    stem = name or (name_of(Path(path)) if path else "image")
    place = Place(out / f"{stem}{SUFFIXES[output_format]}", output_format)
    called = model_name or model.name
    return Task(source, path, model, called, settings, place, chunk, engine, overwrite)


def _opened(image: object, axes: str | None) -> tuple[str | None, ImageSource]:
    """Return the path of an image, where it has one, and what reads its regions."""
    if not isinstance(image, str | PathLike):
        return None, as_source(image)
    path = str(image)
    source = open_image(path, axes)
    return str(Path(path).absolute()) if is_local(source.path) else path, source
