"""What is to be said of a project and of the list of images: frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_unet.project.manifest import Done
from napari_unet.session.status import Progress


@dataclass(frozen=True, slots=True)
class ProjectImage:
    """An image of the chosen project: its key there, a name for people.

    `saved` says when its labels were saved last, and `done` how far the work was then,
    where that was counted. Without a path, its file is missing, or it is no file.
    """

    key: str
    name: str
    task: str
    saved: str
    path: Path | None
    is_file: bool = True
    names: tuple[str, ...] = ()
    done: Done | None = None


@dataclass(frozen=True, slots=True)
class ProjectState:
    """The chosen project; `told` is what a person must know of it, or nothing.

    `listed` are files that a person put into its list.
    """

    name: str
    folder: Path
    images: tuple[ProjectImage, ...] = ()
    told: str = ""
    listed: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchState:
    """All images are being predicted: how many are, of how many, and seconds left.

    `failed` could not be predicted; what they are is said in their rows.
    """

    done: int
    total: int
    failed: int = 0
    seconds_left: float | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class WorklistState:
    """What is to be said of the list of images; its rows are in the `Worklist`.

    Parameters
    ----------
    total, files, done, unseen : int
        How many images there are, how many of them are files that can be read, are
        verified, and were not predicted yet.
    place : int
        The row that a person works on or goes to, -1 if it is none of them.
    opening : bool
        Whether the image of that row is being read.
    taught : int
        How many images that are not open teach a model.
    adding : bool
        Whether folders are being looked through.
    batch, bringing : BatchState, Progress, or None
        A prediction of all images, and work that comes along into a new project.
    """

    total: int = 0
    files: int = 0
    done: int = 0
    unseen: int = 0
    place: int = -1
    opening: bool = False
    taught: int = 0
    adding: bool = False
    batch: BatchState | None = None
    bringing: Progress | None = None


NO_LIST = WorklistState()
