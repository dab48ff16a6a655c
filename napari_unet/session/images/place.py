"""Where the work on an image is saved, and where it belongs if that is elsewhere."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.project.away import read_away
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project
from napari_unet.project.store import Found
from napari_unet.project.stored import StoredAnnotation


@dataclass(frozen=True, slots=True)
class Home:
    """Where work belongs that could not be saved there.

    Parameters
    ----------
    project : Project
        The project.
    key : str
        Of the image in it.
    last : int
        The last change that was written there.
    why : str
        Why no more was, if that is known.
    may_return : bool
        Whether the work may still go back: nobody changed what is there.
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

    Parameters
    ----------
    project : Project
        The project.
    key : str
        Of the image in it.
    home : Home or None
        Where the work belongs, while it is kept elsewhere.
    read_only : str
        Why nothing can be saved, or nothing.
    waiting : bool
        Whether that is because somebody else works in the project.
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
class KeptAway:
    """Work on an image that could not be saved at home.

    Parameters
    ----------
    project : Project
        Where it is.
    found : Found
        What it is called there.
    stored : StoredAnnotation
        The work.
    home : Home
        Where it belongs.
    """

    project: Project
    found: Found
    stored: StoredAnnotation
    home: Home


def look_for_kept(
    kept: Project, home: Home, identity: ImageIdentity
) -> KeptAway | None:
    """Return the work on an image that was kept away from home; only reads."""
    away = read_away(kept.folder)
    if away is None:
        return None
    found = kept.store.look_up(identity)
    stored = kept.store.load_work(identity, found)
    if stored is None or found.key not in away.images:
        return None
    unchanged = home.last <= away.images[found.key]
    return KeptAway(kept, found, stored, home if unchanged else home.closed())


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
