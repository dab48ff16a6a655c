"""Where the work on an image belongs that is kept elsewhere for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.project.away import read_away
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project
from napari_unet.project.store import Found, StoredAnnotation


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
class Kept:
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


def look_for_kept(kept: Project, home: Home, identity: ImageIdentity) -> Kept | None:
    """Return the work on an image that was kept away from home; only reads."""
    away = read_away(kept.folder)
    if away is None:
        return None
    found = kept.store.look_up(identity)
    stored = kept.store.load_work(identity, found)
    if stored is None or found.key not in away.images:
        return None
    unchanged = home.last <= away.images[found.key]
    return Kept(kept, found, stored, home if unchanged else home.closed())
