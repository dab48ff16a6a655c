"""Annotations are saved by themselves: in the background, and once more at the end.

Every change is in the image's journal in the moment in which it happens. A save holds
everything at once; it is what other programs read, and the journal can be short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from napari_unet.annotation.change import Change
from napari_unet.errors import StorageError
from napari_unet.project.autosave import Autosave
from napari_unet.project.journal_reader import Files
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.project import Project
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.moving import Moving, SaveImage
from napari_unet.session.images.place import SaveState
from napari_unet.session.status import Problem

if TYPE_CHECKING:
    from napari_unet.session.images.images import Images


def _nothing() -> None:
    """Nobody waits."""


class ImageSaving:
    """How one image is saved, from its opening until all is saved after its closing.

    For `sequence` and `seen` see `Project.begin_journal`.

    Attributes
    ----------
    moving : Moving
        How it comes to another project.
    closing : bool
        Whether the image is forgotten once all of it is saved.
    """

    def __init__(
        self, image: OpenImage, images: Images, sequence: int, seen: Files
    ) -> None:
        self._image = image
        self._images = images
        self._projects = images.projects
        self._hub = images.hub
        self._policy = Autosave(image.project.name)
        if not image.read_only:
            image.begin_journal(sequence, seen)
        self._noticed = self._last_change
        self.moving = Moving(image, self, images)
        self.closing = False
        self._then = _nothing

    @property
    def why_lost(self) -> str:
        """Why something is nowhere but in memory, or nothing."""
        failure = self._policy.failure
        if not self._policy.unsaved or not failure:
            return ""
        return f"{self._image.name} is not saved. {failure}"

    @property
    def over(self) -> bool:
        """Whether all of it was saved, and the image is forgotten."""
        return self._image not in self._images.all

    @property
    def _last_change(self) -> int:
        journal = self._image.journal
        return journal.sequence if journal is not None else 0

    def keys(self, project: Project) -> set[str]:
        """Return the keys that the image has, or will have, in a project."""
        here = self._image.key if self._image.project is project else None
        return {key for key in (here, self.moving.key_in(project)) if key is not None}

    def describe(self) -> SaveState:
        """Return how it goes."""
        place, journal = self._image.place, self._image.journal
        folder = place.project.folder
        if place.read_only:
            return SaveState(place.read_only, folder, failed=True)
        written = journal.status if journal else None
        words = self._policy.describe(self._hub.clock(), written)
        failed = bool(self._policy.failure or (written and written.failure))
        if place.home is not None:
            told = f"{place.home.describe(folder)} {words}."
            return SaveState(told, folder, True, "" if failed else "Kept elsewhere")
        return SaveState(words, folder, failed)

    def note_change(self) -> None:
        """Note that the annotation changed."""
        self._noticed = self._last_change
        if not self._image.read_only:
            self._policy.changed(self._hub.clock())

    def tick(self) -> None:
        """Save if it is time; call it about once a second."""
        if self._image.journal is not None:
            self._image.journal.flush()
        self._look()
        self.moving.tick()
        if self._policy.due(self._hub.clock()):
            self.start()

    def start(self) -> None:
        """Save now, unless something of the project is being saved."""
        image, projects = self._image, self._projects
        if self._policy.saving or image.read_only:
            return
        if image.project in projects.busy or image.annotation.in_parts.under_way:
            return
        try:
            task = self._begin()
        except StorageError as error:
            self.fail(error)
            return
        projects.write(task.project, task, lambda outcome: self._end(task, outcome))

    def release(self, then: Callable[[], None] = _nothing) -> None:
        """Save what is unsaved, and forget the image after that.

        `then` is called once: when everything is saved, or could not be.
        """
        self.closing, self._then = True, then
        self._look()
        if self._policy.unsaved:
            self.start()
        else:
            self._forget()

    def keep(self) -> None:
        """Take care again of an image that was released and is not saved yet."""
        self.closing, self._then = False, _nothing

    def finish(self) -> None:
        """Save what is unsaved before this returns."""
        self._image.canvas.flush()
        self._look()
        if self._policy.saving or not self._policy.unsaved:
            return
        if self._image.read_only:
            return
        try:
            task = self._begin()
            entry = task.save()
        except StorageError as error:
            self._policy.failed(self._hub.clock(), str(error))
            self._save_elsewhere()
        else:
            self._end(task, entry)

    def note_moved(self, later: Sequence[Change]) -> None:
        """Go on in another project, that has all but some later changes."""
        self._policy.moved(self._image.project.name, self._hub.clock())
        for change in later:
            if self._image.journal is not None:
                self._image.journal.append(change)
            self._policy.changed(self._hub.clock())
        self._forget()

    def fail(self, error: Exception) -> None:
        """Note why nothing is saved, and tell who waits for it."""
        self._policy.failed(self._hub.clock(), Problem.of(error).text)
        self._go_on()

    def _look(self) -> None:
        """Notice what only the journal was told, such as objects that settled."""
        if self._last_change > self._noticed:
            self.note_change()

    def _save_elsewhere(self) -> None:
        try:
            if self.moving.move_now():
                self._policy.succeeded(self._hub.clock())
        except StorageError as error:
            failure = f"{self._policy.failure} {error}"
            self._policy.failed(self._hub.clock(), failure)

    def _begin(self) -> SaveImage:
        image = self._image
        image.canvas.flush()
        image.project.claim()
        self._policy.started()
        return SaveImage(
            image.project,
            image.identity,
            image.annotation.to_save(),
            image.key,
            self._last_change,
        )

    def _end(self, task: SaveImage, outcome: ImageEntry | Exception) -> None:
        if task.project is not self._image.project:
            # Meanwhile the person chose another folder, whose save is still due.
            return
        if isinstance(outcome, Exception):
            self.fail(outcome)
        else:
            self._policy.succeeded(self._hub.clock())
            self._image.note_saved(task.project, outcome, task.snapshot)
            if self._image.journal is not None:
                # A single save may be damaged: then the whole journal is needed.
                single = len(outcome.generations) == 1
                oldest = 0 if single else outcome.oldest.sequence
                self._image.journal.saved(task.sequence, oldest)
            self._forget()
        self._images.saved.emit()

    def _forget(self) -> None:
        """Let go of an image that was released, once all of it is saved."""
        if not self.closing or self.over or self.moving.under_way:
            return
        if self._policy.unsaved:
            self.start()  # it changed while an earlier save was under way
            return
        self._images.forget(self._image)
        self._image.end_journal()
        self._go_on()

    def _go_on(self) -> None:
        then, self._then = self._then, _nothing
        then()
