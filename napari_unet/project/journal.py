"""Writes down every change of an annotation in the moment in which it happens.

How it flows: the annotation tells a change; its line is written to the journal's
segment in the same event, which is enough to survive a killed program. That it also
survives a power cut needs `fsync`, which may take long on a slow or a network disk: the
syncer, the one thread that waits for the disk, does that within a second for everything
that was written. When a line cannot be written it is kept and written as soon as that
is possible.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from napari_unet.annotation.change import Change
from napari_unet.core.atomic import storage_error, sync_folder
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal_line import Logged, encode_change, encode_line
from napari_unet.project.journal_reader import (
    Files,
    Header,
    files_of,
    list_segments,
    read_header,
)
from napari_unet.project.layout import segment_path

_GROUP_SECONDS = 0.25
_IDLE_SECONDS = 15.0
_CLOSING_SECONDS = 5.0


class Syncer:
    """Runs functions that sync, and never raise, in a thread of its own when needed."""

    def __init__(self) -> None:
        self._items: tuple[Callable[[], None], ...] = ()
        self._wake = threading.Event()
        self._working = threading.Lock()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def add(self, item: Callable[[], None]) -> None:
        """Take care of something from now on; harmless when that is so already."""
        if item not in self._items:
            self._items = (*self._items, item)

    def remove(self, item: Callable[[], None]) -> None:
        """Stop calling it, also after a call that is running now.

        A lock that was released must not be written once more.
        """
        waited = self._working.acquire(timeout=_CLOSING_SECONDS)
        self._items = tuple(each for each in self._items if each != item)
        if waited:
            self._working.release()

    def wake(self) -> None:
        """Note that something was written: it is on the disk within a second."""
        self._wake.set()
        if self._thread is None and not self._stopping:
            # A daemon: a dead network disk must not keep the program from ending.
            self._thread = threading.Thread(
                target=self._run, name="napari-unet syncer", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Push what is left, and end the thread; waits for a limited time."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while not self._stopping:
            if self._wake.wait(_IDLE_SECONDS) and not self._stopping:
                time.sleep(_GROUP_SECONDS)
            self._wake.clear()
            for item in self._items:
                with self._working:
                    if item in self._items:
                        item()


_LARGEST_SEGMENT = 2**20
_KEPT_FOR_UNDO = 2**24


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """Changes only in memory, changes that a power cut would take, and the failure."""

    unwritten: int = 0
    unsynced: int = 0
    failure: str = ""


class Journal:
    """The journal of one image; all methods but `sync` belong to the main thread.

    Numbering goes on after `sequence`. `prepare` is called before anything is written;
    it makes the folder or raises a StorageError. `seen` are the journal's files as they
    were read: if another window has written since, nothing is appended.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        image: ImageFields,
        sequence: int,
        syncer: Syncer,
        prepare: Callable[[], None] = lambda: None,
        *,
        seen: Files | None = None,
    ) -> None:
        self._seen = seen
        self._folder = folder
        self.key = key
        self._image = image
        # Numbers of the last changes that happened, are written down, and are pushed.
        self.sequence = self.written = self._synced = sequence
        self._syncer = syncer
        self._prepare = prepare
        self._pending: deque[tuple[int, bytes]] = deque()
        self._failure = ""
        self._push_failure = ""
        self._push_failed_at = 0
        self._segment: _OpenSegment | None = None
        # Guards `_segment` and `written` between the main thread and the syncer.
        self._guard = threading.Lock()
        syncer.add(self.sync)

    @property
    def status(self) -> JournalStatus:
        """Where the changes are."""
        failure = self._failure or self._push_failure
        unsynced = self.sequence - self._synced
        return JournalStatus(len(self._pending), unsynced, failure)

    def refuse_if_outdated(self) -> None:
        """Raise a StorageError where somebody else went on since it was read."""
        if self._seen not in (None, files_of(self._folder, self.key)):
            raise StorageError(
                f"{self._folder.parent} was changed by another window since "
                f"{self._image.name} was opened; open the image again."
            )

    def append(self, change: Change) -> None:
        """Write a change down; never raises, `status` tells what is wrong."""
        self.sequence += 1
        logged = Logged(self.sequence, datetime.now(UTC), change)
        self._pending.append((self.sequence, encode_change(self.key, logged)))
        self.flush()

    def flush(self) -> None:
        """Write what could not be written before; harmless when there is nothing."""
        if not self._pending:
            return
        try:
            while self._pending:
                self._write(*self._pending[0])
                self._pending.popleft()
            self._failure = ""
        except StorageError as error:
            self._failure = str(error)
        except OSError as error:
            self._failure = str(storage_error(self._folder, error))
        self._syncer.wake()

    def saved(self, sequence: int, oldest: int) -> None:
        """Note the last change that a save holds, and remove superfluous segments.

        `oldest` is the last change of the oldest save that is kept. Some older segments
        stay, so that strokes can be undone.
        """
        # Also what the save holds already: an older save may be needed once more.
        self.flush()
        while self._pending and self._pending[0][0] <= sequence:
            self._pending.popleft()
        if not self._pending:
            self._failure = ""
        self._synced = max(self._synced, sequence)
        if sequence >= self._push_failed_at:
            self._push_failure = ""
        with suppress(OSError):
            self._remove_old(oldest)

    def sync(self) -> None:
        """Push everything to the disk that was written so far; any thread."""
        with self._guard:
            segment, written = self._segment, self.written
            if segment is None or written <= self._synced:
                return
            descriptor, is_new = os.dup(segment.descriptor), segment.is_new
        try:
            os.fsync(descriptor)
            if is_new:
                for folder in (self._folder, self._folder.parent):
                    sync_folder(folder)
                segment.is_new = False
            # Linux forgets what it could not push, so that to push once more proves
            # nothing: only a save makes up for it.
            if not self._push_failure:
                self._synced = max(self._synced, written)
        except OSError as error:
            self._push_failed_at = written
            self._push_failure = str(storage_error(segment.path, error))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Write and push what is left, and let go of the file."""
        self.flush()
        self.sync()
        self._syncer.remove(self.sync)
        self._end_segment()

    def _write(self, sequence: int, line: bytes) -> None:
        self._prepare()
        if self._segment is not None and self._segment.done:
            self._end_segment()
        segment = self._segment or self._begin_segment(sequence)
        segment.write(line)
        with self._guard:
            self.written = sequence

    def _begin_segment(self, first: int) -> _OpenSegment:
        self.refuse_if_outdated()
        ours = [s.number for s in list_segments(self._folder, self.key)]
        path = segment_path(self._folder, self.key, max(ours, default=0) + 1)
        header = Header(journal=1, key=self.key, first=first, image=self._image)
        segment = _OpenSegment(path)
        try:
            segment.write(encode_line(header.model_dump(mode="json")))
        except OSError:
            segment.close()
            with suppress(OSError):
                path.unlink()
            raise
        self._seen = None
        with self._guard:
            self._segment = segment
        return segment

    def _end_segment(self) -> None:
        self.sync()
        with self._guard:
            segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _remove_old(self, oldest: int) -> None:
        """Remove segments from the first on, while nothing of them is needed."""
        ours = list_segments(self._folder, self.key)
        spare = sum(s.path.stat().st_size for s in ours) - _KEPT_FOR_UNDO
        if spare <= 0:
            return
        firsts: list[int] = []
        with suppress(StorageError):  # what cannot be understood is not removed
            firsts.extend(read_header(segment.path).first for segment in ours)
        if any(a >= b for a, b in pairwise(firsts)):
            return  # two windows wrote here: what no save holds is not told by numbers
        for segment, first in zip(ours, firsts[1:], strict=False):
            if spare <= 0 or first > oldest + 1:
                return
            spare -= segment.path.stat().st_size
            segment.path.unlink()


class _OpenSegment:
    """A file that is appended to, whole lines at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.is_new = True
        self._torn = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self.descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)

    @property
    def done(self) -> bool:
        """Whether it is full, torn, or not there any more."""
        try:
            there = self.path.stat()
        except OSError:
            return True
        same = os.path.samestat(there, os.fstat(self.descriptor))
        return not same or self._torn or self.size > _LARGEST_SEGMENT

    def write(self, line: bytes) -> None:
        """Append a line; where that fails, leave no part of it."""
        self._torn = True
        try:
            written = 0
            while written < len(line):
                written += os.write(self.descriptor, line[written:])
        except OSError:
            os.ftruncate(self.descriptor, self.size)
            self._torn = False
            raise
        self.size += len(line)
        self._torn = False

    def close(self) -> None:
        # What matters was pushed before; what was not is told already.
        with suppress(OSError):
            os.close(self.descriptor)
