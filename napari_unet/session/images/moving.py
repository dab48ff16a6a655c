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
from napari_unet.annotation.large import ChunkedSnapshot
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.layout import is_kept
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.model_store import copy_models
from napari_unet.project.project import Project, note_away
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.place import (
    FindPlace,
    Home,
    HomeChangedError,
    LookHome,
    Place,
    free_key,
)
from napari_unet.session.runner import Handlers

if TYPE_CHECKING:
    from napari_unet.session.images.images import Images
    from napari_unet.session.images.saving import ImageSaving

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
    snapshot: AnnotationSnapshot | ChunkedSnapshot
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
            old, new = self.leaves.store, self.project.store
            # What cannot be copied stays where it is: nobody removes it there.
            with suppress(StorageError):
                named, there = (each.read()[0].models for each in (old, new))
                copy_models(old.files.models, new.files.models, named, there)
        return entry


@dataclass(slots=True, eq=False)
class Move:
    """An image on its way to another project.

    Until a save in the new one counts, changes go into the journal of the old one: a
    journal without the save before it would be worth nothing.

    `task` is the save that is under way, and `later` what happened since that was
    copied. `home` is where the work belongs, if it is kept elsewhere for a while.
    It may go `back` there.
    """

    project: Project
    key: str
    task: SaveImage | None = None
    later: list[Change] = field(default_factory=list)
    home: Home | None = None
    back: bool = False

    @classmethod
    def away(cls, image: OpenImage, kept: Project, key: str, why: str) -> Move:
        """Return the move of an image that cannot be saved at home."""
        written = image.journal.written if image.journal is not None else 0
        return cls(kept, key, home=Home(image.project, image.key, written, why))

    def claim(self) -> None:
        """Take the project, and write down where the work belongs."""
        self.project.claim()
        if self.home is not None:
            home = self.home.project.folder
            note_away(self.project.folder, home, self.key, self.home.last)

    def copy(self, image: OpenImage) -> SaveImage:
        """Return the save of all that there is of an image, in its new project."""
        # Not 0 even if nothing happened yet: the journal there does not tell all.
        sequence = max(1, image.journal.sequence if image.journal is not None else 1)
        leaves = image.project if image.place.home is not None else None
        work = image.annotation.to_save()
        return SaveImage(self.project, image.identity, work, self.key, sequence, leaves)


class Moving:
    """The way of one image to another project: where a person wants, or can save."""

    def __init__(self, image: OpenImage, saving: ImageSaving, images: Images) -> None:
        self._image = image
        self._saving = saving
        self._images = images
        self._projects = images.projects
        self._hub = images.hub
        self._move: Move | None = None
        self._look_at = 0.0

    @property
    def under_way(self) -> bool:
        """Whether the work is on its way."""
        return self._move is not None

    def key_in(self, project: Project) -> str | None:
        """Return the key that the image will have in a project, if it goes there."""
        move = self._move
        return move.key if move is not None and move.project is project else None

    def start(self, folder: Path) -> None:
        """Save in another folder from now on; the old one stays."""
        project = self._projects.at(folder)
        if project is self._image.project:
            self._saving.start()
            return

        def go(key: str) -> None:
            if key in self._images.keys(project):  # another one was quicker
                self.start(folder)
            elif not self._saving.over:
                self._move = Move(project, key)
                self._go_on()

        look = FindPlace(project, self._image.identity, self._images.keys(project))
        self._hub.start(look, go, "project")

    def tick(self) -> None:
        """Go on, or leave a project that cannot be written to, if it is time."""
        self._go_on()
        if self._move is None:
            self._look_for_room()

    def move_now(self) -> bool:
        """Save changes elsewhere that are nowhere, before this returns.

        Returns whether there were any; raises a StorageError if that cannot be done
        either.
        """
        image, why = self._image, self._why_leave
        if not why:
            return False
        kept = self._projects.kept_for(image.project)
        key = free_key(kept, image.identity, self._images.keys(kept))
        move = Move.away(image, kept, key, why)
        move.claim()
        move.copy(image).save()
        image.place = replace(image.place, project=kept, key=key, home=move.home)
        return True

    def _go_on(self) -> None:
        """Save in the new project, if there is one and nobody writes there."""
        move = self._move
        if move is None or move.task or move.project in self._projects.busy:
            return
        try:
            self._image.canvas.flush()
            move.claim()
        except StorageError as error:
            self._not_moved(error)
            return
        move.task = task = move.copy(self._image)
        self._listen(move)
        self._projects.write(
            task.project, task, lambda outcome: self._moved(task, move, outcome)
        )

    def _listen(self, move: Move) -> None:
        """Keep what happens from now on for the new journal, too."""
        annotation, write = self._image.annotation, self._image.annotation.listener

        def write_and_keep(change: Change) -> None:
            if write is not None:
                write(change)
            move.later.append(change)

        annotation.listener = write_and_keep
        if annotation.open_objects:
            # No save tells what is being worked on.
            move.later.append(
                Change("settle", (), annotation.next_id, annotation.open_objects)
            )

    def _moved(
        self, task: SaveImage, move: Move, outcome: ImageEntry | Exception
    ) -> None:
        if isinstance(outcome, Exception):
            self._not_moved(outcome)
            return
        image, self._move = self._image, None
        image.note_saved(task.project, outcome, task.snapshot)
        image.end_journal()
        if image.place.home is not None:
            with suppress(StorageError):
                image.project.forget(image.key)  # all of it was saved elsewhere
        image.place = Place(task.project, task.key, move.home)
        image.begin_journal(task.sequence)
        self._saving.note_moved(move.later)
        self._images.saved.emit()

    def _not_moved(self, error: Exception) -> None:
        move, self._move = self._move, None
        if move is not None and move.task is not None:
            image = self._image
            image.annotation.listener = image.write_down if image.journal else None
            move.project.leave()
        if not self._saving.over and not (move and move.back):
            self._saving.fail(error)
        self._images.saved.emit()

    def _look_for_room(self) -> None:
        """Leave a project that cannot be written to, or go back, if it is time."""
        image, home = self._image, self._image.place.home
        if image.read_only or self._hub.clock() < self._look_at:
            return
        if home is not None and home.may_return:
            back = Move(home.project, home.key, back=True)
            self._look(LookHome(home, image.identity), lambda _: back)
        elif why := self._why_leave:
            kept = self._projects.kept_for(image.project)
            keys = self._images.keys(kept)
            look = FindPlace(kept, image.identity, keys, kept=True)
            self._look(look, lambda key: Move.away(image, kept, key, why))

    def _look(self, look: Job[None, str], move: Callable[[str], Move]) -> None:
        def go(key: str) -> None:
            if not self._saving.over and self._move is None:
                self._move = move(key)
                self._go_on()

        def stay(error: Exception) -> None:
            place = self._image.place
            if isinstance(error, HomeChangedError) and place.home is not None:
                self._image.place = replace(place, home=place.home.closed())

        self._look_at = self._hub.clock() + _RETRY
        self._hub.runner.start(look, Handlers(result=go, error=stay))

    @property
    def _why_leave(self) -> str:
        """Why changes cannot be written where the image is, or nothing."""
        journal, folder = self._image.journal, self._image.project.folder
        if journal is None or is_kept(folder) or not journal.status.unwritten:
            return ""
        return journal.status.failure
