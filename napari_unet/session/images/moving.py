"""Saves of an image, and the way of its work from one project to another.

When work cannot be saved where it belongs, it is kept in the user's data folder. The
disk may be full, unplugged or read-only, or another window may work there. Nothing
waits for an answer: with the first change that cannot be written the image moves to a
project of its own, and it moves back when its home can be written to again, in this
life of the program or in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.annotation.change import Change
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.project.away import note_away
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.layout import is_kept
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.model_store import copy_models
from napari_unet.project.project import Project
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.place import (
    Home,
    HomeChangedError,
    LookHome,
    Place,
)
from napari_unet.session.runner import Handlers

if TYPE_CHECKING:
    from napari_unet.session.images.saving import ImageSaving, Saving

_RETRY = 10.0
"""Seconds between two looks whether an image can leave its project, or go back."""


@dataclass(frozen=True, slots=True, eq=False)
class SaveImage(Job[None, ImageEntry]):
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
    task : SaveImage or None
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
    task: SaveImage | None = None
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


@dataclass(frozen=True, slots=True)
class FindRoom(Job[None, str]):
    """Return a free key for an image in the project in which it will be kept."""

    kept: Project
    identity: ImageIdentity
    taken: frozenset[str]

    def run(self) -> Generator[None, None, str]:
        """Look it up."""
        yield
        return free_key(self.kept, self.identity, self.taken)


def copy_for(image: OpenImage, move: Move) -> SaveImage:
    """Return the save of all that there is of an image, in its new project."""
    # Not 0 even if nothing happened yet: the journal there does not tell everything.
    sequence = max(1, image.journal.sequence if image.journal is not None else 1)
    snapshot = image.annotation.snapshot()
    leaves = image.project if image.place.home is not None else None
    return SaveImage(move.project, image.identity, snapshot, move.key, sequence, leaves)


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


def free_key(kept: Project, identity: ImageIdentity, taken: frozenset[str]) -> str:
    """Return a key for an image in the project in which it will be kept."""
    found = kept.store.look_up(identity, taken)
    if found.known:
        # Kept earlier, and not what this image was opened with: it stays as it is.
        found = kept.store.look_up(identity, {*taken, found.key})
    return found.key


def leaving(image: OpenImage, kept: Project, key: str, why: str) -> Move:
    """Return the move of an image that cannot be saved at home."""
    written = image.journal.written if image.journal is not None else 0
    return Move(kept, key, home=Home(image.project, image.key, written, why))


def leave_word(move: Move) -> None:
    """Write down where the work belongs that moves into a project."""
    if move.home is not None:
        home = move.home.project.folder
        note_away(move.project.folder, home, move.key, move.home.last)


def forget_kept(image: OpenImage) -> None:
    """Remove what was kept of an image, after all of it was saved elsewhere."""
    with suppress(StorageError):
        image.project.forget(image.key)


def interrupted() -> StorageError:
    """Return what is told where a save did not come to its end."""
    return StorageError("Saving was interrupted.")


class Moving:
    """The way of one image to another project: where a person wants, or can save."""

    def __init__(self, image: OpenImage, saving: ImageSaving, everyone: Saving) -> None:
        self._image = image
        self._saving = saving
        self._everyone = everyone
        self._projects = everyone.projects
        self._move: Move | None = None
        self._look_at = 0.0

    @property
    def under_way(self) -> bool:
        """Whether the work is on its way."""
        return self._move is not None

    def keys(self, project: Project) -> frozenset[str]:
        """Return the key that the image will have in a project, if it goes there."""
        move = self._move
        there = move is not None and move.project is project
        return frozenset({move.key}) if move is not None and there else frozenset()

    def start(self, folder: Path, on_error: Callable[[Exception], object]) -> None:
        """Save in another folder from now on; the old one stays."""
        project = self._projects.at(folder)
        if project is self._image.project:
            self._saving.start()
            return

        def go(key: str) -> None:
            if key in self._everyone.keys(project):  # another one was quicker
                self.start(folder, on_error)
            elif not self._saving.over:
                self._move = Move(project, key)
                self._go_on()

        look = FindPlace(project, self._image.identity, self._everyone.keys(project))
        self._everyone.runner.start(look, Handlers(result=go, error=on_error))

    def tick(self) -> None:
        """Go on, or leave a project that cannot be written to, if it is time."""
        self._go_on()
        if self._move is None:
            self._look_for_room()

    def move_now(self) -> bool:
        """Save changes elsewhere that are nowhere, before this returns.

        Returns
        -------
        bool
            Whether there were any.

        Raises
        ------
        StorageError
            If that cannot be done either.
        """
        image, why = self._image, self._why_leave
        if not why:
            return False
        kept = self._projects.kept_for(image.project)
        key = free_key(kept, image.identity, self._everyone.keys(kept))
        move = leaving(image, kept, key, why)
        kept.claim()
        leave_word(move)
        copy_for(image, move).save()
        image.place = replace(image.place, project=kept, key=key, home=move.home)
        return True

    def _go_on(self) -> None:
        """Save in the new project, if there is one and nobody writes there."""
        move = self._move
        if move is None or move.task or move.project in self._projects.busy:
            return
        try:
            self._image.canvas.flush()
            move.project.claim()
            leave_word(move)
        except StorageError as error:
            self._not_moved(error)
            return
        move.task = task = copy_for(self._image, move)
        listen(self._image, move)
        self._projects.busy.add(task.project)
        self._everyone.runner.start(
            task,
            Handlers(
                result=lambda entry: self._moved(task, move, entry),
                error=self._not_moved,
                closed=lambda: self._not_moved(interrupted()),
            ),
        )

    def _moved(self, task: SaveImage, move: Move, entry: ImageEntry) -> None:
        image, self._move = self._image, None
        self._projects.busy.discard(task.project)
        task.project.store.note_saved(entry)
        image.end_journal()
        if image.place.home is not None:
            forget_kept(image)
        image.place = Place(task.project, task.key, move.home)
        image.begin_journal(task.sequence)
        self._saving.note_moved(move.later)
        self._everyone.ended.emit()

    def _not_moved(self, error: Exception) -> None:
        move, self._move = self._move, None
        if move is not None and move.task is not None:
            self._projects.busy.discard(move.project)
            listen(self._image, None)
            move.project.leave()
        if not self._saving.over and not (move and move.back):
            self._saving.fail(error)
        self._everyone.ended.emit()

    def _look_for_room(self) -> None:
        """Leave a project that cannot be written to, or go back, if it is time."""
        image, home = self._image, self._image.place.home
        if image.read_only or self._everyone.clock() < self._look_at:
            return
        if home is not None and home.may_return:
            back = Move(home.project, home.key, back=True)
            self._look(LookHome(home, image.identity), lambda _: back)
        elif why := self._why_leave:
            kept = self._projects.kept_for(image.project)
            look = FindRoom(kept, image.identity, self._everyone.keys(kept))
            self._look(look, lambda key: leaving(image, kept, key, why))

    def _look(self, look: Job[None, str], move: Callable[[str], Move]) -> None:
        def go(key: str) -> None:
            if not self._saving.over and self._move is None:
                self._move = move(key)
                self._go_on()

        def stay(error: Exception) -> None:
            place = self._image.place
            if isinstance(error, HomeChangedError) and place.home is not None:
                self._image.place = replace(place, home=place.home.closed())

        self._look_at = self._everyone.clock() + _RETRY
        self._everyone.runner.start(look, Handlers(result=go, error=stay))

    @property
    def _why_leave(self) -> str:
        """Why changes cannot be written where the image is, or nothing."""
        journal, folder = self._image.journal, self._image.project.folder
        if journal is None or is_kept(folder) or not journal.status.unwritten:
            return ""
        return journal.status.failure
