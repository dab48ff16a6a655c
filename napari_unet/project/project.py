"""A project folder that somebody works in: saves, journals and the lock.

Work that could not be saved where it belongs is kept in a project like any other, in
the user's data folder. `home.json` in it says where it belongs, and what was written
there; it goes back by itself as soon as somebody may write there again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from napari_unet.annotation.large import ChunkedSnapshot
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.core.atomic import write_atomically
from napari_unet.core.validation import read_description
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageFields, ImageIdentity, Key, Record
from napari_unet.project.journal import Journal, Syncer
from napari_unet.project.journal_reader import Files
from napari_unet.project.layout import HOME
from napari_unet.project.lock import ProjectLock
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.store import ProjectStore

_LARGEST_NOTE = 2**24


class Project:
    """One project folder in one window; nothing is written before the first change."""

    def __init__(self, folder: Path, syncer: Syncer) -> None:
        self.store = ProjectStore(folder)
        self._syncer = syncer
        self._lock = ProjectLock(folder)
        self._journals: list[Journal] = []

    def __getstate__(self) -> dict[str, Any]:
        """Return what a job in another process needs: no journals and no thread."""
        return {"store": self.store, "lock": self._lock}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.store, self._lock = state["store"], state["lock"]
        self._syncer, self._journals = Syncer(), []

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.store.folder

    @property
    def name(self) -> str:
        """Name of the folder, for people."""
        return self.folder.name

    @property
    def working(self) -> bool:
        """Whether something was changed here, so that others must wait."""
        return self._lock.held

    def why_read_only(self) -> str:
        """Return who else works in it, in a sentence; or nothing. Only reads."""
        if self._lock.held:
            return ""
        other = self._lock.holder()
        if other is None:
            return ""
        return (
            f"Read-only: {self.name} is open elsewhere ({other.describe()}). Close it "
            "there, or save a copy in another folder."
        )

    def claim(self) -> None:
        """Make the folder if needed and take the lock; a StorageError says why not."""
        if self._lock.still_ours():
            return
        self.store.files.make()
        self._lock.acquire()
        self._syncer.add(self._lock.sync)

    def begin_journal(
        self, image: ImageIdentity, key: str, sequence: int, seen: Files | None = None
    ) -> Journal:
        """Return the journal of an image; its file is made with the first change.

        Numbering goes on after `sequence`; `seen` are the files as they were read.
        """
        fields = ImageFields.of(image, self.folder)
        folder = self.store.files.journal
        journal = Journal(
            folder, key, fields, sequence, self._syncer, self.claim, seen=seen
        )
        self._journals.append(journal)
        return journal

    def end_journal(self, journal: Journal) -> None:
        """Let go of a journal, after everything is written."""
        journal.close()
        self._journals.remove(journal)
        self.leave()

    def leave(self) -> None:
        """Let others work in it, unless something is being worked on here."""
        if not self._journals:
            self.release()

    def save(
        self,
        image: ImageIdentity,
        snapshot: AnnotationSnapshot | ChunkedSnapshot,
        key: str,
        sequence: int,
    ) -> ImageEntry:
        """Save an annotation; see `ProjectStore.save`. `claim` comes before."""
        if not self._lock.held:
            raise StorageError(
                f"{self.folder} was opened elsewhere meanwhile; save in another folder."
            )
        for journal in self._journals:
            if journal.key == key:
                journal.refuse_if_outdated()
        return self.store.save(image, snapshot, key=key, sequence=sequence)

    def forget(self, key: str) -> None:
        """Remove the work on an image that was saved elsewhere; nobody works on it."""
        self.claim()
        try:
            self.store.forget(key)
        finally:
            self.leave()

    def close(self) -> None:
        """Write what is left, and let others work in it."""
        for journal in tuple(self._journals):
            self.end_journal(journal)
        self.release()

    def release(self) -> None:
        """Let others work in it."""
        self._syncer.remove(self._lock.sync)
        self._lock.release()


class Away(Record):
    """The home of work that is kept elsewhere, and the last change written there.

    `images` holds the numbers of these changes, by the keys of images here.
    """

    home: str = Field(max_length=4096)
    images: dict[Key, int] = Field(default_factory=dict)


def read_away(folder: Path) -> Away | None:
    """Return what is written of a home, None if nothing can be read."""
    return read_description(folder / HOME, Away, most_bytes=_LARGEST_NOTE)


def note_away(folder: Path, home: Path, key: str, sequence: int) -> None:
    """Write down that work on an image is kept in a folder."""
    known = read_away(folder)
    images = {**(known.images if known else {}), key: sequence}
    text = Away(home=repr(str(home))[1:-1][:4096], images=images)
    content = (text.model_dump_json(indent=1) + "\n").encode()
    write_atomically(folder / HOME, lambda file: file.write(content))
