"""Which images are meant by files, folders and patterns, and what is known of them.

Nothing is written, and no pixels are read: what is done in a save is in the manifest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError, StorageError
from napari_unet.io.pairing import list_images
from napari_unet.io.zarr import is_zarr, look_inside
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.layout import SUFFIX, kept_folder
from napari_unet.project.project import read_away
from napari_unet.session.images.opening import file_of
from napari_unet.session.projects import home_of
from napari_unet.session.worklist.entry import (
    NO_WORK,
    Entry,
    Work,
    file_entry,
    project_entry,
)
from napari_unet.session.worklist.status import ProjectState
from napari_unet.tasks import goes_with

MOST_IMAGES = 20_000
_DEEPEST = 3  # sample, well, field
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class FoundImages:
    """Images that were found, and why others were not, in sentences."""

    entries: tuple[Entry, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindImages(Job[None, FoundImages]):
    """Look for the images that are meant by files, folders and patterns such as *.tif.

    What is known of them is in the folder of their project, which lies beside each of
    them where none is chosen. Without any, what the project holds is listed.
    """

    wanted: tuple[str, ...]
    schema: LabelSchema
    project: ProjectState | None = None

    def run(self) -> Generator[None, None, FoundImages]:
        """Look for them."""
        refused: list[str] = []
        entries: dict[object, Entry] = {}
        known = {
            each.source: each for each in listed_entries(self.project, self.schema)
        }
        yield
        if not self.wanted:
            return FoundImages(tuple(known.values()))
        labels: list[Path] = []
        for path in islice(self._iter_paths(refused), MOST_IMAGES):
            yield
            entry = file_entry(path)
            if entry.source not in known and _holds_labels_alone(path):
                labels.append(path)
                continue
            if self.project is not None:
                entry = known.get(entry.source, entry)
            else:
                entry = file_entry(path, work_beside(path, self.schema))
            entries.setdefault(entry.source, entry)
        if labels:
            refused.append(_labels_alone(labels))
        return FoundImages(tuple(entries.values()), tuple(refused))

    def _iter_paths(self, refused: list[str]) -> Iterable[Path]:
        for wanted in self.wanted:
            path = Path(wanted).expanduser()
            try:
                if path.is_dir():
                    yield from _images_of(path)
                elif path.exists():
                    yield path
                else:
                    yield from _matching(str(path))
            except InputError as error:
                refused.append(str(error))


def _holds_labels_alone(path: Path) -> bool:
    if not is_zarr(path):
        return False
    try:
        inside = look_inside(path)
    except (InputError, OSError):
        return False  # whoever reads it says what is wrong
    return bool(inside.labels) and not inside.image


def _labels_alone(found: list[Path]) -> str:
    """Say that these are no images to work on, and what can be done with them."""
    more = len(found) - 1
    who = f"{found[0].name} and {more} more hold" if more else f"{found[0].name} holds"
    return (
        f"{who} labels and no image to work on. To see the labels, drop that on the "
        "window: they become a layer. To correct them, go to the image that they "
        "belong to, unless that is larger than memory, select their layer, and press "
        "'Use the labels of ...'."
    )


def _images_of(folder: Path, depth: int = _DEEPEST) -> list[Path]:
    """Return the images of a folder; where it holds none, those of folders in it.

    An InputError says that there are none at all.
    """
    try:
        return list_images(folder)
    except InputError:
        inner = _folders_in(folder) if depth else []
        if not inner:
            raise
    found: list[Path] = []
    for each in inner:
        with suppress(InputError):
            found += _images_of(each, depth - 1)
    if not found:
        raise InputError(
            f"The folder {str(folder)!r} holds no image (TIFF, PNG, JPEG, BMP), and "
            "neither do the folders in it; name the folder that does."
        )
    return found


def _folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder that may hold a person's images, by name."""
    with suppress(OSError):
        return sorted(
            each
            for each in islice(folder.iterdir(), MOST_IMAGES)
            if each.is_dir() and not each.name.startswith(".") and each.suffix != SUFFIX
        )
    return []


def _matching(pattern: str) -> list[Path]:
    """Return the files that a pattern matches; an InputError if there are none."""
    path = Path(pattern)
    plain = list(takewhile(lambda part: not _MAGIC.intersection(part), path.parts))
    rest = path.parts[len(plain) :]
    found = sorted(Path(*plain).glob(str(Path(*rest)))) if rest else []
    images = [each for each in found if each.is_file() and each.name[0] != "."]
    if not images:
        raise InputError(
            f"There is no file {pattern}; check the name and the folder. * stands for "
            "any letters, and ** for any folders."
        )
    return images


def listed_entries(project: ProjectState | None, schema: LabelSchema) -> list[Entry]:
    """Return the images of a project: those with work on them, and listed files."""
    if project is None:
        return []
    worked = (project_entry(each, schema) for each in project.images)
    known = {each.source: each for each in worked if each is not None}
    listed = [file_entry(path) for path in project.listed]
    order = {each.source: known.pop(each.source, each) for each in listed}
    return [*order.values(), *known.values()]


def work_beside(path: Path, schema: LabelSchema) -> Work:
    """Return how far the work on an image is whose project lies beside it.

    What could not be saved there is kept elsewhere, and is the newer work.
    """
    home = home_of(file_of(path.absolute()), path.name)
    kept = kept_folder(home)
    away = read_away(kept)
    work = _work_in(kept, path, schema) if away is not None else None
    return work or _work_in(home, path, schema) or NO_WORK


def _work_in(folder: Path, path: Path, schema: LabelSchema) -> Work | None:
    try:
        manifest, _ = ProjectFolder(folder).read_manifest()
    except (StorageError, OSError):
        return Work(counted=False)
    real = path.resolve()
    for entry in manifest.images:
        place = entry.path_from(folder)
        here = place is not None and place.resolve() == real
        if here and goes_with(entry.identity.schema, schema):
            return Work.of_save(entry.newest.done)
    return None
