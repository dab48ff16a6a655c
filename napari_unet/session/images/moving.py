"""One save of one image, to the project that it has or to another one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field

from napari_unet.annotation.change import Change
from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.model_store import copy_models
from napari_unet.project.project import Project
from napari_unet.session.images.home import Home
from napari_unet.session.images.image import OpenImage


@dataclass(frozen=True, slots=True, eq=False)
class SaveTask(Job[None, ImageEntry]):
    """One save of one image, to the project that was its own when the save began.

    Where it `leaves` a project in which it was kept for a while, the models that were
    trained there come along.
    """

    project: Project
    identity: ImageIdentity
    snapshot: AnnotationSnapshot
    key: str
    sequence: int
    leaves: Project | None = None

    def save(self) -> ImageEntry:
        """Save; a save that was begun is never left half done."""
        return self.project.save(self.identity, self.snapshot, self.key, self.sequence)

    def run(self) -> Generator[None, None, ImageEntry]:
        """Save, and bring models along."""
        entry = self.save()
        yield
        if self.leaves is not None:
            # What cannot be copied stays where it is: nobody removes it there.
            with suppress(StorageError):
                bring_models(self.leaves, self.project)
        return entry


@dataclass(slots=True, eq=False)
class Move:
    """An image on its way to another project.

    Until a save in the new one counts, changes go into the journal of the old one: a
    journal without the save before it would be worth nothing.

    Parameters
    ----------
    project : Project
        Where to.
    key : str
        What the image is called there.
    task : SaveTask or None
        The save that is under way.
    later : list of Change
        What happened since that save was copied.
    home : Home or None
        Where the work belongs, if it is kept elsewhere for a while.
    back : bool
        Whether it goes back there.
    """

    project: Project
    key: str
    task: SaveTask | None = None
    later: list[Change] = field(default_factory=list)
    home: Home | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class FindPlace(Job[None, str]):
    """Return the key of an image in a project where there is no work on it."""

    project: Project
    identity: ImageIdentity
    taken: frozenset[str]

    def run(self) -> Generator[None, None, str]:
        """Look it up.

        Raises
        ------
        StorageError
            If nobody may write there, or there is work on the image already.
        """
        yield
        project, identity = self.project, self.identity
        if why_not := project.why_read_only():
            raise StorageError(why_not)
        found = project.store.look_up(identity, self.taken)
        if project.store.load_work(identity, found) is not None:
            raise StorageError(
                f"{project.folder} holds work on {identity.name} already, which was "
                "not loaded here; choose another folder, or open that project."
            )
        return found.key


def copy_for(image: OpenImage, move: Move) -> SaveTask:
    """Return the save of all that there is of an image, in its new project."""
    # Not 0 even if nothing happened yet: the journal there does not tell everything.
    sequence = max(1, image.journal.sequence if image.journal is not None else 1)
    snapshot = image.annotation.snapshot()
    leaves = image.project if image.home is not None else None
    return SaveTask(move.project, image.identity, snapshot, move.key, sequence, leaves)


def bring_models(kept: Project, home: Project) -> None:
    """Copy models home that were trained while the work was kept elsewhere.

    Raises
    ------
    StorageError
        If they cannot be written there.
    """
    named, there = (each.store.read()[0].models for each in (kept, home))
    copy_models(kept.store.files.models, home.store.files.models, named, there)


def listen(image: OpenImage, move: Move | None) -> None:
    """Let the image's journal know of changes, and a move that is under way too."""
    write = image.journal.append if image.journal is not None else None

    def write_and_keep(change: Change) -> None:
        if write is not None:
            write(change)
        if move is not None:
            move.later.append(change)

    annotation = image.annotation
    annotation.listener = write_and_keep if move is not None else write
    if move is not None and annotation.open_objects:
        # No save tells what is being worked on.
        move.later.append(
            Change("settle", (), annotation.next_id, annotation.open_objects)
        )
