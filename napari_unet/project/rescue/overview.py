"""What a project holds, image by image, as far as it can be read; only reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from napari_unet.annotation.objects import ObjectCounts
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageFields
from napari_unet.project.lock import read_holder
from napari_unet.project.manifest import FORMAT_VERSION, Manifest
from napari_unet.project.rescue.recover import RecoveredWork, recover_work
from napari_unet.project.rescue.survey import (
    Survey,
    blocked_words,
    no_images,
    survey,
)


@dataclass(frozen=True, slots=True)
class ImageOverview:
    """The work on one image.

    Parameters
    ----------
    image : ImageFields or None
        What it is; None if nobody knows.
    path : Path or None
        Where the image file was, if it is one; `found` if it is there.
    saved_at : datetime or None
        Time of the last save that can be read; `changes` came after it.
    counts : ObjectCounts or None
        How much is verified; None if the work cannot be read.
    problems : tuple of str
        What cannot be read, and what is lost by that, in sentences.
    """

    key: str
    image: ImageFields | None = None
    path: Path | None = None
    found: bool = False
    saved_at: datetime | None = None
    changes: int = 0
    counts: ObjectCounts | None = None
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the image."""
        return self.image.name if self.image else self.key


@dataclass(frozen=True, slots=True)
class Overview:
    """A project.

    Parameters
    ----------
    format : int
        Of its newest manifest.
    holder : str
        Who has it open, or nothing.
    problems : tuple of str
        What is wrong with the project itself, in sentences.
    """

    folder: Path
    format: int
    manifest: Manifest
    holder: str
    images: tuple[ImageOverview, ...]
    problems: tuple[str, ...]


def look_into(folder: Path) -> Overview:
    """Return what a project holds.

    Raises
    ------
    InputError
        If it is no project, or no manifest of it can be read.
    NewerFormatError
        If a newer version of the program wrote in it.
    """
    found = survey(folder)
    holder = read_holder(folder)
    return Overview(
        folder,
        found.current.version or FORMAT_VERSION,
        found.manifest,
        holder.describe() if holder else "",
        tuple(_look_at(found, key) for key in found.keys),
        tuple(_problems(found)),
    )


def _problems(found: Survey) -> Iterator[str]:
    files = (found.current, found.previous)
    yield from (file.problem for file in files if file.problem)
    if not found.current.present and (found.previous.present or found.saves):
        yield f"{found.current.name} is missing."
    yield from (f"{link} is a link, which is never followed." for link in found.links)
    yield from (f"{name} {blocked_words(name)}." for name in found.blocked)


def _look_at(found: Survey, key: str) -> ImageOverview:
    try:
        left = recover_work(found, key, no_images)
    except StorageError as error:
        return ImageOverview(key, found.manifest.get(key), problems=(str(error),))
    if left is None:
        words = "Nobody knows which image its labels belong to."
        problems = (words,) if found.saves.get(key) else ()
        return ImageOverview(key, problems=problems)
    path = left.image.path_from(found.folder)
    return ImageOverview(
        key,
        left.image,
        path,
        path is not None and path.is_file(),
        left.saves.good[0].saved_at if left.saves.good else None,
        _changes(left),
        left.annotation.counts() if left.annotation else None,
        tuple(_image_problems(left)),
    )


def _image_problems(left: RecoveredWork) -> Iterator[str]:
    yield from left.saves.problems
    if left.annotation is not None:
        yield from (f"Lost: {words}" for words in left.lost)


def _changes(left: RecoveredWork) -> int:
    after = left.saves.good[0].sequence if left.saves.good else 0
    return len(left.journal.after(after))
