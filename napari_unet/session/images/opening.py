"""Opening an image: what it is, how it is read, and the work that was saved for it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError, UnreadableRegion
from napari_unet.geometry.axes import ImageHeader, time_axis
from napari_unet.images.source import as_image, as_source
from napari_unet.io.read import as_file_means, read_header
from napari_unet.io.samples import sample_folder
from napari_unet.project.identity import (
    ImageIdentity,
    identify_by_samples,
    iter_identify,
    readable,
)
from napari_unet.project.journal_reader import Files
from napari_unet.project.project import Project
from napari_unet.project.resolve import same_file
from napari_unet.project.snapshots import Snapshot, list_snapshots
from napari_unet.project.store import Found
from napari_unet.project.stored import (
    NOTHING,
    StoredAnnotation,
    recover,
    saved_annotation,
)
from napari_unet.session.images.held import NOTHING_HELD, Held
from napari_unet.session.images.image import BareCanvas, OpenImage
from napari_unet.session.images.place import Home, KeptAway, Place, look_for_kept
from napari_unet.session.images.reading import (
    Manners,
    Reading,
    as_worked_on,
    first_axes,
    other_axes_told,
    recall,
)
from napari_unet.session.images.told import (
    told_of_all,
    told_of_kept,
    told_of_twins,
    told_of_work,
)
from napari_unet.session.projects import holds_image
from napari_unet.tasks import task_of


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """An image that was just opened, with the work that was saved for it.

    `sequence` and `seen` are the last change in its journal, and the files of that when
    it was read. `told` and `recovered` are what the person should know about the work:
    what the journal held beyond the last save, and where the work was that could not be
    saved at home. A problem is why earlier work could not be read.
    """

    image: OpenImage
    sequence: int
    seen: Files
    told: str
    recovered: str
    problem: StorageError | None


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """An image that shall be opened.

    Parameters
    ----------
    schema : LabelSchema
        On what work shall go on.
    project, kept : Project
        Where work is kept, and where work is that could not be saved there.
    pixel_size : float or None
        Width of a pixel in micrometres; the file is asked where it is missing.
    layer : str or None
        Axes that came with the array; the file is asked where they are missing.
    colour : bool
        Whether the last axis is known to be colour.
    reading : Reading or None
        How it is to be read with `axes`, whatever is known otherwise.
    told : str
        What the person should know when it is open, or nothing.
    like : Manners or None
        How images of its kind are read, where nothing is known of this one.
    scale : tuple of float
        How far apart pixels are along the axes, as a layer states it, in any unit.
    large : bool
        Whether it is read by regions, and its labels are held in chunks.
    """

    source: npt.NDArray[Any]
    name: str
    axes: str
    path: Path | None
    schema: LabelSchema
    project: Project
    pixel_size: float | None = None
    layer: str | None = None
    colour: bool = False
    reading: Reading | None = None
    told: str = ""
    like: Manners | None = None
    scale: tuple[float, ...] = ()
    large: bool = False
    held: Held = NOTHING_HELD
    kept: Project | None = None

    def own(self, place: Place) -> Place:
        """Return a place with the projects of this request, not copies of them."""
        here = self.kept is None or place.project.folder == self.project.folder
        project = self.project if here or self.kept is None else self.kept
        home = place.home and replace(place.home, project=self.project)
        return replace(place, project=project, home=home)


@dataclass(frozen=True, slots=True, eq=False)
class LookUpImage(Job[None, Opened | ImageIdentity]):
    """Identify an image by its content and load what was saved for it; only reads."""

    request: Request

    def run(self) -> Generator[None, None, Opened | ImageIdentity]:
        """Identify and load; return the identity alone of what is open already.

        An InputError says that the image cannot be used.
        """
        request = _as_kept(self.request)
        pixels, unread = _pixels(request), list[UnreadableRegion]()
        header = read_header(request.path) if request.path else ImageHeader()
        axes, reading = _read_axes(pixels, request, header)
        yield
        identity = yield from _iter_identify(request, pixels, axes, unread)
        if known := request.held.same(identity):
            return known
        project, stored, problem = request.project, None, None
        found, diameter, why_not = Found(identity.key), None, ""
        kept: KeptAway | None = None
        snapshots: tuple[Snapshot, ...] = ()
        said = request.told
        try:
            why_not = project.why_read_only()
            if request.reading is None:
                identity, reading, said = _as_before(identity, reading, request)
            found = project.store.look_up(identity, request.held.keys, holds_image)
            if not found.known and (known := request.held.renamed(identity)):
                return known
            stored = project.store.load_work(identity, found, large=request.large)
            home = Home(project, found.key, stored.last if stored else 0)
            if not why_not:
                kept = look_for_kept(request.kept, home, identity, large=request.large)
            if kept is not None and kept.home.may_return:
                project, found, stored = kept.project, kept.found, kept.stored
            snapshots = list_snapshots(project.folder, found.key)
            diameter = project.store.read()[0].settings.diameters.get(found.key)
            if diameter is None and request.like and not found.known:
                diameter = request.like.diameter
        except StorageError as error:
            problem, why_not = error, str(error)
        yield
        annotation = _annotation(identity, stored, large=request.large)
        recovered = recover(annotation, stored) if stored else NOTHING
        pixels, note = _as_file_means(request, pixels)
        away = kept.home if kept and kept.home.may_return else None
        waiting = bool(why_not) and problem is None
        image = OpenImage(
            [request.source],
            pixels,
            identity,
            annotation,
            Place(project, found.key, away, why_not, waiting),
            # A new project takes an image in that nobody has worked on yet.
            has_labels=stored is not None and not annotation.untouched,
            canvas=BareCanvas(annotation),
            diameter=diameter,
            stated_pixel_size=request.pixel_size or header.pixel_size.get("X"),
            stated_depth=header.pixel_size.get("Z"),
            scale=request.scale,
            snapshots=snapshots,
            reading=reading,
        )
        sequence, seen = (stored.last, stored.journal.files) if stored else (0, ())
        of_work = said or told_of_work(stored, annotation) or told_of_twins(found)
        told = told_of_all(of_work, image, note, header, unread)
        # Where another window works on, nothing crashed.
        came_back = told_of_kept(kept, "" if waiting else recovered.describe())
        return Opened(image, sequence, seen, told, came_back, problem)


def _read_axes(
    pixels: npt.NDArray[Any], request: Request, header: ImageHeader
) -> tuple[str, Reading]:
    if request.reading is not None:
        return request.axes, replace(request.reading, names=header.channels)
    known = first_axes(pixels, request.layer, colour=request.colour, header=header)
    return known.letters, Reading(known.origin, names=header.channels)


def _as_before(
    known: ImageIdentity, reading: Reading, request: Request
) -> tuple[ImageIdentity, Reading, str]:
    """Return an image as it was read before in a project, and what is to be told."""
    store = request.project.store
    manifest = store.read()[0]
    identity, reading = recall(known, reading, manifest)
    if store.look_up(identity, request.held.keys, holds_image).known:
        if request.like is not None:
            reading = request.like.with_channels(identity, reading)
        return identity, reading, ""
    if request.like is not None:
        identity, reading = request.like.applied(identity, reading)
    earlier = as_worked_on(identity, manifest)
    held = request.held.keys
    if earlier is None or not store.look_up(earlier, held, holds_image).known:
        return identity, reading, ""
    told = other_axes_told(identity, earlier)
    return earlier, replace(reading, origin="project", channels=None), told


def _as_kept(request: Request) -> Request:
    """Return a request for an image that fits in memory, where its work was saved so.

    An earlier version of the program, or one with more memory, has held all of it.
    """
    if not request.large:
        return request
    store, shape = request.project.store, tuple(request.source.shape)
    with suppress(StorageError):  # which is told when the work is looked up
        for entry in store.read()[0].images:
            path = entry.path_from(store.folder.resolve())
            if path is None or request.path is None:
                same = entry.name == readable(request.name)
            else:
                same = same_file(path, request.path)
            whole = not store.files.chunk_folder(entry.key).is_dir()
            if same and whole and entry.shape == shape:
                return replace(request, large=False)
    return request


def _pixels(request: Request) -> Any:
    """Return the pixels, or what reads regions of an image larger than memory."""
    if not request.large:
        return as_image(request.source).array
    return as_source(request.source)


def _iter_identify(
    request: Request, pixels: Any, axes: str, unread: list[UnreadableRegion]
) -> Generator[None, None, ImageIdentity]:
    """Identify an image; note what of a large one cannot be read."""
    what = request.name, pixels, axes, request.schema
    if request.large:
        identity = yield from identify_by_samples(*what, unread)
    else:
        identity = yield from iter_identify(*what)
    identity = replace(identity, path=request.path)
    return _as_whole(identity, request) if unread else identity


def _as_whole(known: ImageIdentity, request: Request) -> ImageIdentity:
    """Return a damaged image as it was known when all of it could be read, if it was.

    So the work on it is found, by its file.
    """
    store = request.project.store
    with suppress(StorageError):  # which is told when the work is looked up
        for entry in store.read()[0].images:
            path = entry.path_from(store.folder.resolve())
            same = path and known.path and same_file(path, known.path)
            if same and (entry.shape, entry.axes) == (known.shape, known.axes):
                return replace(known, content_hash=entry.content_hash)
    return known


def _as_file_means(request: Request, pixels: Any) -> tuple[Any, str | None]:
    """Return pixels as their file means them; of a large image, as they are read.

    An image is known by what was opened, and predicted and learned from by what that
    means.
    """
    if request.large:
        return pixels, None
    return as_file_means(request.path, pixels)


def _annotation(
    identity: ImageIdentity, stored: StoredAnnotation | None, *, large: bool
) -> Annotation:
    """Return the annotation that was saved, or an empty one."""
    schema, shape = identity.schema, identity.labels_shape
    if stored is None and large:
        return task_of(schema).labels.large(schema.names, shape)
    if stored is None:
        annotation = task_of(schema).labels.empty(schema.names, shape)
    else:
        annotation = saved_annotation(schema, stored)
    annotation.time = time_axis(identity.axes, shape)
    return annotation


def file_of(path: Path | None) -> Path | None:
    """Return the path beside which work may be saved.

    Nothing is written beside the sample images: they belong to the package.
    """
    if path is None or path.is_relative_to(sample_folder()):
        return None
    return path
