"""When work cannot be saved where it belongs, it is kept in the user's data folder.

The disk may be full, unplugged or read-only, or another window may work there. Nothing
waits for an answer: with the first change that cannot be written the image moves to a
project of its own, and it moves back when its home can be written to again, in this
life of the program or in the next one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass

from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.project.away import is_kept, note_away
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project
from napari_unet.project.store import Found
from napari_unet.session.images.home import Home
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.moving import Move, copy_for
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner

_RETRY = 10.0


class Fallback:
    """Lets images leave homes that cannot be written to, and go back.

    Parameters
    ----------
    runner : Runner
        Looks at folders in the background.
    projects : Projects
        All of them.
    clock : callable
        Returns monotonic seconds.
    plan : callable
        Lets an image move.
    keys : callable
        Returns the keys that other images have in a project.
    """

    def __init__(
        self,
        runner: Runner,
        projects: Projects,
        clock: Callable[[], float],
        plan: Callable[[OpenImage, Move], None],
        keys: Callable[[Project], frozenset[str]],
    ) -> None:
        self._runner = runner
        self._projects = projects
        self._clock = clock
        self._plan = plan
        self._keys = keys
        self._again_at: dict[OpenImage, float] = {}

    def look(self, image: OpenImage) -> None:
        """Let an image leave or go back, if it is time; call it about once a second."""
        now = self._clock()
        if image.read_only or now < self._again_at.get(image, now):
            return
        if image.home is not None and image.home.may_return:
            self._again_at[image] = now + _RETRY
            home = image.home
            back = Move(home.project, home.key, back=True)
            self._start(LookHome(home, image.identity), image, lambda _: back)
        elif why := self._why_leave(image):
            self._again_at[image] = now + _RETRY
            kept = self._kept(image.project)
            look = FindRoom(kept, image.identity, self._keys(kept))
            self._start(look, image, lambda key: _leaving(image, kept, key, why))

    def keep_now(self, image: OpenImage) -> bool:
        """Keep an image whose changes are nowhere, before this returns.

        Raises
        ------
        StorageError
            If that cannot be done either.
        """
        why = self._why_leave(image)
        if not why:
            return False
        kept = self._kept(image.project)
        key = _room(kept, image.identity, self._keys(kept))
        move = _leaving(image, kept, key, why)
        kept.claim()
        leave_word(move)
        copy_for(image, move).save()
        image.project, image.key, image.home = kept, key, move.home
        return True

    def forget(self, image: OpenImage) -> None:
        """Think of an image no more."""
        self._again_at.pop(image, None)

    def _kept(self, home: Project) -> Project:
        return self._projects.kept_for(home)

    def _why_leave(self, image: OpenImage) -> str:
        """Return why changes of an image cannot be written at home, or nothing."""
        if image.journal is None or is_kept(image.project.folder):
            return ""
        status = image.journal.status
        return status.failure if status.unwritten else ""

    def _start(
        self,
        look: Job[None, str],
        image: OpenImage,
        move: Callable[[str], Move],
    ) -> None:
        self._runner.start(
            look,
            Handlers(
                result=lambda key: self._plan(image, move(key)),
                error=lambda error: self._stop_if_changed(image, error),
            ),
        )

    def _stop_if_changed(self, image: OpenImage, error: Exception) -> None:
        if isinstance(error, HomeChangedError) and image.home is not None:
            image.home = image.home.closed()


class HomeChangedError(StorageError):
    """Somebody worked on the image at home meanwhile."""


@dataclass(frozen=True, slots=True)
class LookHome(Job[None, str]):
    """Return the key of an image at home, if it can be saved there again."""

    home: Home
    identity: ImageIdentity

    def run(self) -> Generator[None, None, str]:
        """Look whether anybody may write there, and nobody did.

        Raises
        ------
        StorageError
            If not.
        """
        yield
        home = self.home
        if why_not := home.project.why_read_only():
            raise StorageError(why_not)
        folder = home.project.folder
        place = folder if folder.exists() else folder.parent
        if not os.access(place, os.W_OK):
            raise StorageError(f"{place} is read-only.")
        found = Found(home.key, known=True)
        stored = home.project.store.load_work(self.identity, found)
        if stored is not None and stored.last > home.last:
            raise HomeChangedError(f"{folder} was changed meanwhile.")
        return home.key


@dataclass(frozen=True, slots=True)
class FindRoom(Job[None, str]):
    """Return a free key for an image in the project in which it will be kept."""

    kept: Project
    identity: ImageIdentity
    taken: frozenset[str]

    def run(self) -> Generator[None, None, str]:
        """Look it up."""
        yield
        return _room(self.kept, self.identity, self.taken)


def _room(kept: Project, identity: ImageIdentity, taken: frozenset[str]) -> str:
    found = kept.store.look_up(identity, taken)
    if found.known:
        # Kept earlier, and not what this image was opened with: it stays as it is.
        found = kept.store.look_up(identity, {*taken, found.key})
    return found.key


def _leaving(image: OpenImage, kept: Project, key: str, why: str) -> Move:
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
