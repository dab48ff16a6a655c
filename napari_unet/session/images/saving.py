"""Annotations are saved by themselves: in the background, and once more at the end.

Every change is in the image's journal in the moment in which it happens. A save holds
everything at once; it is what other programs read, and the journal can be short.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from psygnal import Signal

from napari_unet.errors import StorageError
from napari_unet.project.autosave import Autosave
from napari_unet.project.journal import JournalStatus
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.project import Project
from napari_unet.session.images.fallback import Fallback, forget_kept, leave_word
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.moving import (
    FindPlace,
    Move,
    SaveTask,
    copy_for,
    listen,
)
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.status import Problem, SaveState


class Saving:
    """Saves every open image soon after it changed.

    Parameters
    ----------
    runner : Runner
        Saves in the background.
    projects : Projects
        Where to.
    clock : callable
        Returns monotonic seconds.

    Attributes
    ----------
    ended : Signal()
        A save in the background is over, however it ended.
    """

    ended = Signal()

    def __init__(
        self, runner: Runner, projects: Projects, clock: Callable[[], float]
    ) -> None:
        self._runner = runner
        self._projects = projects
        self._clock = clock
        self._policies: dict[OpenImage, Autosave] = {}
        self._released: dict[OpenImage, Callable[[], None]] = {}
        self._moves: dict[OpenImage, Move] = {}
        self._noticed: dict[OpenImage, int] = {}
        self._fallback = Fallback(
            runner, projects, clock, self._plan_fallback, self.keys
        )

    @property
    def images(self) -> tuple[OpenImage, ...]:
        """Those it takes care of, also what is released and not saved yet."""
        return tuple(self._policies)

    def keys(self, project: Project) -> frozenset[str]:
        """Return the keys that these have, or will have, in a project."""
        there = [each.key for each in self._policies if each.project is project]
        moves = self._moves.values()
        return frozenset(there + [m.key for m in moves if m.project is project])

    def is_moving(self, image: OpenImage) -> bool:
        """Return whether the work on an image is on its way to another project."""
        return image in self._moves

    def keep(self, image: OpenImage) -> None:
        """Take care of an image again that was released and is not saved yet."""
        self._released.pop(image, None)

    def add(self, image: OpenImage) -> None:
        """Take care of an image from now on."""
        self._policies[image] = Autosave(image.project.name)
        self._noticed[image] = _last_change(image)

    def note_change(self, image: OpenImage) -> None:
        """Note that the annotation of an image changed."""
        self._noticed[image] = _last_change(image)
        if not image.read_only:
            self._policies[image].changed(self._clock())

    def _look(self, image: OpenImage) -> None:
        """Notice what only the journal was told, such as objects that settled."""
        if _last_change(image) > self._noticed[image]:
            self.note_change(image)

    def describe(self, image: OpenImage) -> SaveState:
        """Return how saving of an image goes."""
        folder = image.project.folder
        if image.read_only:
            return SaveState(image.read_only, folder, failed=True)
        status, journal = self._policies[image].status, _status(image)
        words = status.describe(self._clock(), journal)
        failed = bool(status.failure or (journal and journal.failure))
        if image.home is not None:
            return SaveState(f"{image.home.describe(folder)} {words}.", folder, True)
        return SaveState(words, folder, failed)

    def tick(self) -> None:
        """Start the saves that are due; call it about once a second."""
        now = self._clock()
        for image, policy in tuple(self._policies.items()):
            if image.journal is not None:
                image.journal.flush()
            self._look(image)
            self._start_move(image)
            if image not in self._moves:
                self._fallback.look(image)
            if policy.due(now):
                self.start(image)

    def start(self, image: OpenImage) -> None:
        """Save an image now, unless something of its project is being saved."""
        policy = self._policies[image]
        if (
            policy.status.saving
            or image.project in self._projects.busy
            or image.read_only
        ):
            return
        try:
            task = self._begin(image)
        except StorageError as error:
            policy.failed(self._clock(), str(error))
            self._let_go(image)
            return
        self._projects.busy.add(task.project)
        self._runner.start(
            task,
            Handlers(
                result=lambda entry: self._end(image, task, entry),
                error=lambda error: self._end(image, task, error),
                closed=lambda: self._end(image, task, _interrupted()),
            ),
        )

    def release(
        self, image: OpenImage, then: Callable[[], None] = lambda: None
    ) -> None:
        """Save what is unsaved of an image, and forget it after that.

        Parameters
        ----------
        then : callable
            Called once: when everything is saved, or could not be.
        """
        self._released[image] = then
        self._look(image)
        if self._policies[image].unsaved:
            self.start(image)
        else:
            self._forget(image)

    def move(
        self,
        image: OpenImage,
        folder: Path,
        on_error: Callable[[Exception], object],
    ) -> None:
        """Save an image in another folder from now on; the old one stays."""
        project = self._projects.at(folder)
        if project is image.project:
            self.start(image)
            return
        self._runner.start(
            FindPlace(project, image.identity, self.keys(project)),
            Handlers(
                result=lambda key: self._plan_move(image, Move(project, key), on_error),
                error=on_error,
            ),
        )

    def finish(self, image: OpenImage) -> None:
        """Save what is unsaved of an image before this returns."""
        policy = self._policies[image]
        image.canvas.flush()
        self._look(image)
        if policy.status.saving or not policy.unsaved or image.read_only:
            return
        try:
            task = self._begin(image)
            entry = task.save()
        except StorageError as error:
            policy.failed(self._clock(), str(error))
            self._keep_now(image)
        else:
            self._end(image, task, entry)

    def _keep_now(self, image: OpenImage) -> None:
        policy = self._policies[image]
        try:
            if self._fallback.keep_now(image):
                policy.succeeded(self._clock())
        except StorageError as error:
            policy.failed(self._clock(), f"{policy.status.failure} {error}")

    def finish_all(self) -> list[str]:
        """Save everything that is unsaved.

        Returns
        -------
        list of str
            What could not be saved where it belongs, in words.
        """
        policies = tuple(self._policies.items())
        for image, _ in policies:
            self.finish(image)
        lost = [
            f"{image.name} is not saved. {policy.status.failure}"
            for image, policy in policies
            if policy.unsaved and policy.status.failure
        ]
        away = [
            f"{image.name}: {image.home.describe(image.project.folder)}"
            for image, _ in policies
            if image.home is not None
        ]
        return lost + away

    def _begin(self, image: OpenImage) -> SaveTask:
        image.canvas.flush()
        image.project.claim()
        self._policies[image].started()
        return SaveTask(
            image.project,
            image.identity,
            image.annotation.snapshot(),
            image.key,
            image.journal.sequence if image.journal is not None else 0,
        )

    def _end(
        self, image: OpenImage, task: SaveTask, outcome: ImageEntry | Exception
    ) -> None:
        self._projects.busy.discard(task.project)
        policy = self._policies[image]
        if task.project is not image.project:
            # Meanwhile the person chose another folder, whose save is still due.
            return
        if isinstance(outcome, Exception):
            policy.failed(self._clock(), Problem.of(outcome).text)
            self._let_go(image)
        else:
            policy.succeeded(self._clock())
            if image.journal is not None:
                # A single save may be damaged: then the whole journal is needed.
                single = len(outcome.generations) == 1
                oldest = 0 if single else outcome.oldest.sequence
                image.journal.saved(task.sequence, oldest)
            self._forget(image)
        self.ended.emit()

    def _let_go(self, image: OpenImage) -> None:
        """Tell who waits for an image to be saved that it could not be."""
        if image in self._released:
            then, self._released[image] = self._released[image], lambda: None
            then()

    def _forget(self, image: OpenImage) -> None:
        """Let go of an image that was released, once all of it is saved."""
        if image not in self._released:
            return
        if image in self._moves:
            return
        if self._policies[image].unsaved:
            self.start(image)  # it changed while an earlier save was under way
            return
        then = self._released.pop(image)
        del self._policies[image], self._noticed[image]
        self._fallback.forget(image)
        image.end_journal()
        then()

    def _plan_move(
        self, image: OpenImage, move: Move, on_error: Callable[[Exception], object]
    ) -> None:
        if move.key in self.keys(move.project):  # another one was quicker
            self.move(image, move.project.folder, on_error)
        elif image in self._policies:
            self._moves[image] = move
            self._start_move(image)

    def _plan_fallback(self, image: OpenImage, move: Move) -> None:
        if image in self._policies and image not in self._moves:
            self._moves[image] = move
            self._start_move(image)

    def _start_move(self, image: OpenImage) -> None:
        """Save an image in its new project, if it has one and nobody writes there."""
        move = self._moves.get(image)
        if move is None or move.task or move.project in self._projects.busy:
            return
        try:
            image.canvas.flush()
            move.project.claim()
            leave_word(move)
        except StorageError as error:
            self._not_moved(image, error)
            return
        move.task = task = copy_for(image, move)
        listen(image, move)
        self._projects.busy.add(task.project)
        self._runner.start(
            task,
            Handlers(
                result=lambda _: self._moved(image, task, move),
                error=lambda error: self._not_moved(image, error),
                closed=lambda: self._not_moved(image, _interrupted()),
            ),
        )

    def _moved(self, image: OpenImage, task: SaveTask, move: Move) -> None:
        del self._moves[image]
        self._projects.busy.discard(task.project)
        image.end_journal()
        if image.home is not None:
            forget_kept(image)
        image.project, image.key, image.home = task.project, task.key, move.home
        image.read_only, image.waiting = "", False
        image.begin_journal(task.sequence)
        policy = self._policies[image]
        policy.moved(task.project.name, self._clock())
        for change in move.later:
            if image.journal is not None:
                image.journal.append(change)
            policy.changed(self._clock())
        self._forget(image)
        self.ended.emit()

    def _not_moved(self, image: OpenImage, error: Exception) -> None:
        move = self._moves.pop(image, None)
        if move is not None and move.task is not None:
            self._projects.busy.discard(move.project)
            listen(image, None)
            move.project.leave()
        if image in self._policies and not (move and move.back):
            self._policies[image].failed(self._clock(), Problem.of(error).text)
            self._let_go(image)
        self.ended.emit()


def _last_change(image: OpenImage) -> int:
    return image.journal.sequence if image.journal is not None else 0


def _status(image: OpenImage) -> JournalStatus | None:
    return image.journal.status if image.journal is not None else None


def _interrupted() -> StorageError:
    return StorageError("Saving was interrupted.")
