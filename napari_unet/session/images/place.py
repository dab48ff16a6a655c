"""Where the work on an image is saved, and where it belongs if that is elsewhere."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project, read_away
from napari_unet.project.store import Found
from napari_unet.project.stored import StoredAnnotation


@dataclass(frozen=True, slots=True)
class Home:
    """Where work belongs that could not be saved there.

    `last` is the last change that was written there, and `why` says why no more was, if
    that is known. The work `may_return` as long as nobody else changed what is there.
    """

    project: Project
    key: str
    last: int
    why: str = ""
    may_return: bool = True

    def describe(self, folder: Path) -> str:
        """Return what a person must know while the work is in another folder."""
        told = f"{self.why} Your work is kept in {folder}".strip()
        if self.may_return:
            return f"{told} and goes back to {self.project.name} when that is possible."
        return f"{told}; {self.project.name} has other work by now."

    def closed(self) -> Home:
        """Return it as one that has other work by now."""
        return replace(self, may_return=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work on an image is saved.

    `home` is where it belongs, while it is kept elsewhere. `read_only` says why nothing
    can be saved; it is `waiting` if that is because somebody else works in the project.
    """

    project: Project
    key: str
    home: Home | None = None
    read_only: str = ""
    waiting: bool = False

    @property
    def belongs_to(self) -> Project:
        """The project that the work belongs to, though it may be kept elsewhere."""
        return self.home.project if self.home else self.project


@dataclass(frozen=True, slots=True)
class SaveState:
    """Where work is saved and how that goes.

    Parameters
    ----------
    text : str
        All that is to be said of it.
    folder : Path or None
        The project in which it is.
    failed : bool
        Whether a person should do something; `text` says what.
    brief : str
        The same in two words, where these are others than "Not saved" of a failure.
    """

    text: str = ""
    folder: Path | None = None
    failed: bool = False
    brief: str = ""

    @property
    def line(self) -> str:
        """What fits into a line."""
        return self.brief or ("Not saved" if self.failed else self.text)


NOT_SAVED = SaveState()


@dataclass(frozen=True, slots=True)
class KeptAway:
    """Work on an image that could not be saved at home, and what it is called there."""

    project: Project
    found: Found
    stored: StoredAnnotation
    home: Home


def look_for_kept(
    kept: Project | None, home: Home, identity: ImageIdentity, *, large: bool = False
) -> KeptAway | None:
    """Return the work on an image that was kept away from home; only reads."""
    if kept is None or kept.why_read_only():
        return None
    away = read_away(kept.folder)
    if away is None:
        return None
    found = kept.store.look_up(identity)
    stored = kept.store.load_work(identity, found, large=large)
    if stored is None or found.key not in away.images:
        return None
    unchanged = home.last <= away.images[found.key]
    return KeptAway(kept, found, stored, home if unchanged else home.closed())


def free_key(kept: Project, identity: ImageIdentity, taken: frozenset[str]) -> str:
    """Return a key for an image in the project in which it will be kept."""
    found = kept.store.look_up(identity, taken)
    if found.known:
        # Kept earlier, and not what this image was opened with: it stays as it is.
        found = kept.store.look_up(identity, {*taken, found.key})
    return found.key


class HomeChangedError(StorageError):
    """Somebody worked on the image at home meanwhile."""


@dataclass(frozen=True, slots=True)
class LookHome(Job[None, str]):
    """Return the key of an image at home, if it can be saved there again."""

    home: Home
    identity: ImageIdentity

    def run(self) -> Generator[None, None, str]:
        """Look whether one may write there, and nobody else did; else StorageError."""
        yield
        home = self.home
        if why_not := home.project.why_read_only():
            raise StorageError(why_not)
        folder = home.project.folder
        place = folder if folder.exists() else folder.parent
        if not os.access(place, os.W_OK):
            raise StorageError(f"{place} is read-only.")
        found = Found(home.key, known=True)
        stored = home.project.store.load_work(self.identity, found, large=True)
        if stored is not None and stored.last > home.last:
            raise HomeChangedError(f"{folder} was changed meanwhile.")
        return home.key


@dataclass(frozen=True, slots=True)
class FindPlace(Job[None, str]):
    """Return the key of an image in a project to which its work shall go.

    There must be no work on it, unless that was `kept` there for a while, too.
    """

    project: Project
    identity: ImageIdentity
    taken: frozenset[str]
    kept: bool = False

    def run(self) -> Generator[None, None, str]:
        """Look it up; a StorageError if there is work already, or none may be saved."""
        yield
        project, identity = self.project, self.identity
        if self.kept:
            return free_key(project, identity, self.taken)
        if why_not := project.why_read_only():
            raise StorageError(why_not)
        found = project.store.look_up(identity, self.taken)
        if project.store.load_work(identity, found, large=True) is not None:
            raise StorageError(
                f"{project.folder} holds work on {identity.name} already, which was "
                "not loaded here; choose another folder, or open that project."
            )
        return found.key
