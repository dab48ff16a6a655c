"""An image in the list of those to work on, and how far the work on it is."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.schema import LabelSchema
from napari_unet.annotation.stage import Stage
from napari_unet.project.manifest import Done
from napari_unet.session.worklist.status import ProjectImage
from napari_unet.tasks import goes_with, task_of

_ALMOST_ALL = 0.95
"""Who verified so much of an image is through with it; a rim may be left."""

_LOOK_SECONDS = 0.005
"""So long planes are looked at in one go: a person works meanwhile."""


@dataclass(frozen=True, slots=True)
class Work:
    """How much of an image is verified.

    Older versions have not counted what is in a save; then it is not `counted`. How
    many planes of a stack are finished is known of images that are, or were, open.
    """

    objects: int = 0
    verified_objects: int = 0
    share: float = 0.0
    predicted: bool = False
    counted: bool = True
    planes: int = 1
    finished_planes: int | None = None

    @classmethod
    def of(cls, annotation: Annotation, *, predicted: bool) -> Work:
        """Return the work on an image that is open."""
        counts, planes = annotation.counts(), annotation.planes
        several = len(planes) > 1
        return cls(
            counts.objects,
            counts.verified_objects,
            counts.verified_pixels / counts.pixels,
            predicted or counts.objects > counts.verified_objects,
            planes=len(planes),
            finished_planes=planes.count_finished(_LOOK_SECONDS) if several else None,
        )

    @classmethod
    def of_save(cls, done: Done | None) -> Work:
        """Return the work that was saved."""
        if done is None:
            return cls(counted=False)
        return cls(
            done.objects,
            done.verified_objects,
            done.verified_pixels / done.pixels,
            done.predicted,
        )

    @property
    def stage(self) -> Stage:
        """How far it is."""
        if not self.counted:
            return Stage.BEGUN
        if not (self.predicted or self.objects or self.share):
            return Stage.UNSEEN
        all_right = self.predicted and 0 < self.objects == self.verified_objects
        if all_right or self.share >= _ALMOST_ALL:
            return Stage.DONE
        return Stage.BEGUN if self.share else Stage.PREDICTED

    def in_words(self, schema: LabelSchema) -> str:
        """Say it in some words."""
        if not self.counted:
            return "worked on"
        if self.stage is Stage.UNSEEN:
            return Stage.UNSEEN.value
        if not task_of(schema).labels.objects:
            share = "verified" if self.stage is Stage.DONE else f"{self.share:.0%} "
            return share if self.stage is Stage.DONE else f"{share}verified"
        objects = f"{self.objects:,} object{'' if self.objects == 1 else 's'}"
        if self.stage is Stage.DONE and self.verified_objects == self.objects:
            return f"{objects}, all verified"
        if self.planes > 1 and self.finished_planes:
            return f"{objects}, {self.finished_planes:,} of {self.planes:,} planes done"
        return f"{objects}, {self.verified_objects:,} verified"


NO_WORK = Work()


@dataclass(frozen=True, slots=True)
class OpenLayer:
    """A layer of pixels in a front end: what tells it from others, name, and file."""

    token: Hashable
    name: str
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An image in the list.

    Parameters
    ----------
    source : Hashable
        What tells it from all others: where its file really lies, or what stands for
        an image that is no file.
    path : Path or None
        Its file, as it was named; None if it is none, or is missing.
    modified : float
        When the file was changed last, in seconds since 1970.
    work : Work
        How far it is.
    kept : bool
        Whether the chosen project has work on it, so that it stays in the list.
    loose : bool
        Whether it is in the list only as long as a layer shows it.
    why_not : str
        Why it cannot be opened, or nothing.
    problem : str
        What was wrong when it was read or predicted last, or nothing.
    """

    source: Hashable
    name: str
    path: Path | None = None
    modified: float = 0.0
    work: Work = NO_WORK
    kept: bool = False
    loose: bool = False
    why_not: str = ""
    problem: str = ""

    @property
    def told(self) -> str:
        """Why something is wrong with it, or nothing."""
        return self.why_not or self.problem

    @property
    def told_in_row(self) -> str:
        """The same without the path: the row has the name, and little room."""
        text = self.told
        for shown in (repr(str(self.path)), str(self.path)) if self.path else ():
            text = text.replace(f"The file {shown}", "The file")
            text = text.removeprefix(f"{shown}: ")
            if text.startswith(f"{shown} "):
                text = f"It{text.removeprefix(shown)}"
            text = text.replace(shown, self.name)
        return text


def file_entry(path: Path, work: Work = NO_WORK, *, kept: bool = False) -> Entry:
    """Return the entry of a file; looks at the disk."""
    path = path.absolute()
    try:
        modified, why_not = path.stat().st_mtime, ""
    except OSError:
        modified = 0.0
        why_not = f"The file {path} is not there any more; put it back."
    real = path.resolve()
    return Entry(real, path.name, path, modified, work, kept, why_not=why_not)


def project_entry(image: ProjectImage, schema: LabelSchema) -> Entry | None:
    """Return the entry of an image of a project; None for another task's work."""
    if not goes_with(LabelSchema(image.task, image.names), schema):
        return None
    work = Work.of_save(image.done)
    if image.path is not None:
        return file_entry(image.path, work, kept=True)
    why_not = "It was no file; open it as before, and its labels are here."
    if image.is_file:
        why_not = (
            "The file was not found: put it back, or below the folder of the project. "
            "Its labels are safe."
        )
    key = ("key", image.key)
    return Entry(key, image.name, work=work, kept=True, why_not=why_not)
