"""Annotations are saved by themselves: in the background, and once more at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from psygnal import Signal

from napari_unet.core.snapshot import AnnotationSnapshot
from napari_unet.errors import StorageError
from napari_unet.project.autosave import Autosave
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.store import ProjectStore
from napari_unet.session.image import OpenImage
from napari_unet.session.runner import Runner
from napari_unet.session.state import Problem, SaveState


@dataclass(frozen=True, slots=True)
class _Task:
    """One save of one image, to the store that was its own when the save began."""

    store: ProjectStore
    identity: ImageIdentity
    snapshot: AnnotationSnapshot

    def iter_save(self) -> Generator[None, None, None]:
        """Save; a save that was begun is never left half done."""
        self.store.save(self.identity, self.snapshot)
        yield


class Saving:
    """Saves every open image soon after it changed.

    Parameters
    ----------
    runner : Runner
        Saves in the background.
    clock : callable
        Returns monotonic seconds.

    Attributes
    ----------
    ended : Signal()
        A save in the background is over, however it ended.
    """

    ended = Signal()

    def __init__(self, runner: Runner, clock: Callable[[], float]) -> None:
        self._runner = runner
        self._clock = clock
        self._policies: dict[OpenImage, Autosave] = {}
        self._released: dict[OpenImage, Callable[[], None]] = {}

    def add(self, image: OpenImage) -> None:
        """Take care of an image from now on."""
        self._policies[image] = Autosave(image.store.folder.name)

    def note_change(self, image: OpenImage) -> None:
        """Note that the annotation of an image changed."""
        self._policies[image].changed(self._clock())

    def describe(self, image: OpenImage) -> SaveState:
        """Return how saving of an image goes."""
        status = self._policies[image].status
        return SaveState(
            status.describe(self._clock()), image.store.folder, bool(status.failure)
        )

    def tick(self) -> None:
        """Start the saves that are due; call it about once a second."""
        now = self._clock()
        for image, policy in tuple(self._policies.items()):
            if policy.due(now):
                self.start(image)

    def start(self, image: OpenImage) -> None:
        """Save an image now, unless it is being saved."""
        policy = self._policies[image]
        if policy.status.saving:
            return
        task = self._begin(image)
        self._runner.start(
            task.iter_save(),
            on_event=lambda _: None,
            on_return=lambda _: self._end(image, task, None),
            on_error=lambda error: self._end(image, task, error),
            on_closed=lambda: self._end(image, task, _interrupted()),
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
        if self._policies[image].unsaved:
            self.start(image)
        else:
            self._forget(image)

    def move(self, image: OpenImage, folder: Path) -> None:
        """Save an image in another folder from now on; the old one stays."""
        image.store = ProjectStore(folder)
        self._policies[image].moved(folder.name, self._clock())
        self.start(image)

    def finish(self, image: OpenImage) -> None:
        """Save what is unsaved of an image before this returns."""
        policy = self._policies[image]
        image.canvas.flush()
        if policy.status.saving or not policy.unsaved:
            return
        task = self._begin(image)
        try:
            task.store.save(task.identity, task.snapshot)
        except StorageError as error:
            self._end(image, task, error)
        else:
            self._end(image, task, None)

    def finish_all(self) -> list[str]:
        """Save everything that is unsaved; return what could not be, in words."""
        policies = tuple(self._policies.items())
        for image, _ in policies:
            self.finish(image)
        return [p.status.failure for _, p in policies if p.status.failure]

    def _begin(self, image: OpenImage) -> _Task:
        image.canvas.flush()
        self._policies[image].started()
        return _Task(image.store, image.identity, image.annotation.snapshot())

    def _end(self, image: OpenImage, task: _Task, error: Exception | None) -> None:
        policy = self._policies[image]
        if task.store is not image.store:
            # Meanwhile the person chose another folder, whose save is still due.
            return
        if error is None:
            policy.succeeded(self._clock())
            self._forget(image)
        else:
            policy.failed(self._clock(), Problem.of(error).text)
            if image in self._released:
                then, self._released[image] = self._released[image], lambda: None
                then()
        self.ended.emit()

    def _forget(self, image: OpenImage) -> None:
        """Let go of an image that was released, once all of it is saved."""
        if image not in self._released:
            return
        if self._policies[image].unsaved:
            self.start(image)  # it changed while an earlier save was under way
            return
        then = self._released.pop(image)
        del self._policies[image]
        then()


def _interrupted() -> StorageError:
    return StorageError("Saving was interrupted.")
