"""The work on images as results that leave the program: as it is open, or was saved."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet import tracking
from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.large import LargeAnnotation
from napari_unet.annotation.origins import NO_ORIGINS, Origins, parents_of
from napari_unet.annotation.provenance import ProvenanceMap, is_verified
from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import NapariUnetError, StorageError
from napari_unet.exports.in_chunks import LargeResult
from napari_unet.exports.result import Result
from napari_unet.geometry.axes import ImageHeader, result_axes
from napari_unet.images.channels import (
    channel_count,
    channel_titles,
    names_or_colours,
)
from napari_unet.inference.events import Redecodable
from napari_unet.io.read import read_header, read_image
from napari_unet.project import rescue
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.rescue.survey import Survey
from napari_unet.session.export_facts import file_stem, sizes_of
from napari_unet.session.export_large import LargeWork
from napari_unet.session.projects import locate
from napari_unet.tasks import goes_with
from napari_unet.tracking import Track

IMAGES_FOLDER = "U-Net results"
"""Results of images without a project, beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenWork:
    """The labels of an open image at one moment, and what belongs to them.

    `home` is the project to which they belong, in which they have the key.
    """

    home: Path
    key: str
    identity: ImageIdentity
    pixels: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    provenance: ProvenanceMap
    channels: tuple[str, ...] = ()
    pixel_size: float | None = None
    maps: Redecodable | None = None
    origins: Origins = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return self.identity.name

    def result(self) -> Result:
        """Return what leaves the program; looks at the header of the file."""
        return _result(
            self.identity,
            self.labels,
            self.provenance,
            self.pixels,
            self.channels,
            sizes_of(self.identity, self.pixel_size),
            self.maps,
            self.origins,
        )


@dataclass(frozen=True, slots=True)
class SavedWork:
    """Work in a project that is not open: all of it, or that on one file."""

    home: Path
    path: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SavedEntry:
    """One image of a project, as the files tell of it."""

    found: Survey
    key: str
    image: ImageFields

    @property
    def home(self) -> Path:
        """The project that it is in."""
        return self.found.folder

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return self.image.name

    def is_on(self, path: Path | None) -> bool:
        """Whether it is the work on a file; or any work, where none is named."""
        return path is None or self.image.path_from(self.home) == path.absolute()

    def annotation(self) -> Annotation:
        """Read its labels; a StorageError says why that is impossible."""
        left = rescue.recover_work(self.found, self.key, rescue.no_images)
        work = left.annotation if left is not None else None
        if left is None or work is None:
            lost = " ".join(left.lost) if left is not None else ""
            raise StorageError(f"{self.name}: {lost or 'no save of it can be read.'}")
        return work

    def result(self) -> Result | LargeResult | None:
        """Read its labels, and its image if it is there; None if there are none."""
        work = self.annotation()
        if work.empty:
            return None
        if isinstance(work, LargeAnnotation):
            identity = self.image.identity
            return LargeWork.of(self.home, self.key, identity, work).result()
        path = locate(self.home, self.image)
        header = read_header(path) if path else ImageHeader()
        snapshot, identity = work.snapshot(), self.image.identity
        pixels = _pixels(path, identity)
        count = channel_count(identity.shape, identity.axes)
        names = names_or_colours(header.channels, identity.axes, count)
        return _result(
            identity,
            snapshot.labels,
            snapshot.provenance,
            pixels,
            channel_titles(count, names) if pixels is not None else (),
            dict(header.pixel_size),
            origins=snapshot.origins,
        )


AnyWork = OpenWork | LargeWork | SavedEntry


def iter_saved(
    saved: tuple[SavedWork, ...],
    schema: LabelSchema | None,
    open_: tuple[OpenWork | LargeWork, ...] = (),
) -> Generator[None, None, tuple[SavedEntry, ...]]:
    """Return the images on which there is saved work of a kind, but for open ones."""
    known = {(each.home.resolve(), each.key) for each in open_}
    projects: dict[Path, tuple[SavedEntry, ...]] = {}
    entries: list[SavedEntry] = []
    for each in saved:
        yield
        home = each.home.resolve()
        if home not in projects:
            projects[home] = tuple(_entries(each.home, schema))
        for entry in projects[home]:
            if (home, entry.key) not in known and entry.is_on(each.path):
                known.add((home, entry.key))
                entries.append(entry)
    return tuple(entries)


def _entries(home: Path, schema: LabelSchema | None) -> Iterator[SavedEntry]:
    """Yield the work in a project, of one kind if a schema is named."""
    try:
        found = rescue.survey(home)
    except NapariUnetError:
        return  # nobody has worked on it yet
    for key in found.keys:
        image = rescue.find_image(found, key, rescue.no_images)
        if image is None:
            continue
        if schema is None or goes_with(image.identity.schema, schema):
            yield SavedEntry(found, key, image)


def results_folder(home: Path, *, project: bool) -> Path:
    """Return where results go by themselves: beside the image, or the project."""
    name = f"{home.stem} results" if project else IMAGES_FOLDER
    return home.parent / name


def _pixels(path: Path | None, identity: ImageIdentity) -> npt.NDArray[Any] | None:
    """Return the pixels of a file that is there and still of that shape."""
    if path is None:
        return None
    try:
        pixels = read_image(path).array
    except NapariUnetError:
        return None
    return pixels if pixels.shape == identity.shape else None


def _result(
    identity: ImageIdentity,
    labels: npt.NDArray[Any],
    provenance: ProvenanceMap,
    pixels: npt.NDArray[Any] | None,
    channels: tuple[str, ...],
    sizes: dict[str, float],
    maps: Redecodable | None = None,
    origins: Origins = NO_ORIGINS,
) -> Result:
    axes = result_axes(identity.axes)
    return Result(
        file_stem(identity.name),
        labels,
        f"C{axes}" if labels.ndim > len(axes) else axes,
        identity.schema,
        image=pixels,
        image_axes=identity.axes,
        image_file=identity.path.name if identity.path else "",
        channels=channels,
        pixel_size=sizes,
        verified=is_verified(provenance),
        foreground=maps.foreground if maps is not None else None,
        tracks=_tracks(labels, axes, origins),
    )


def _tracks(labels: npt.NDArray[Any], axes: str, origins: Origins) -> tuple[Track, ...]:
    """Return which object came from which, as far as that holds by now."""
    parents = parents_of(origins)
    if not parents or "T" not in axes:
        return ()
    frames = np.moveaxis(labels, axes.index("T"), 0)
    present = tracking.frames_of(frames)
    hold = tracking.parents_that_hold(parents, present)
    return tuple(
        Track(id_, seen[0], seen[-1], hold.get(id_, 0)) for id_, seen in present.items()
    )
