"""What a front end shows of projects, and of how saving goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_unet.annotation.schema import Task


@dataclass(frozen=True, slots=True)
class SaveState:
    """Where work is saved, and how that goes.

    Parameters
    ----------
    text : str
        A sentence or two.
    folder : Path or None
        The project folder.
    failed : bool
        Whether the last attempt failed; then `text` says why and what to do.
    """

    text: str = ""
    folder: Path | None = None
    failed: bool = False


NOT_SAVED = SaveState()


@dataclass(frozen=True, slots=True)
class ProjectImage:
    """An image of the chosen project.

    Parameters
    ----------
    key : str
        Its name in the project.
    name : str
        For people.
    task : str
        What its labels are.
    saved : str
        When its labels were saved last, in words.
    path : Path or None
        The image file; None if it is missing, or the image is no file.
    is_file : bool
        Whether the image is a file at all.
    """

    key: str
    name: str
    task: Task
    saved: str
    path: Path | None
    is_file: bool = True


@dataclass(frozen=True, slots=True)
class ProjectState:
    """What there is to know about the chosen project.

    Parameters
    ----------
    name : str
        Name of its folder.
    folder : Path
        Where it lies.
    images : tuple of ProjectImage
        What it holds.
    told : str
        What a person must know of it, or nothing.
    """

    name: str
    folder: Path
    images: tuple[ProjectImage, ...] = ()
    told: str = ""
