"""The one thread that waits for the disk, so that nobody else has to.

A stroke is written in its own event, which survives a killed program; that it also
survives a power cut needs `fsync`, which may take long on a slow or a network disk.
This thread does that, for everything that was written within a moment at once.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

_GROUP_SECONDS = 0.25
_IDLE_SECONDS = 15.0
_CLOSING_SECONDS = 5.0


class Synced(Protocol):
    """Something that is written by one thread and pushed to the disk by another."""

    def sync(self) -> None:
        """Push everything to the disk that was written so far; never raises."""
        ...


class Syncer:
    """Pushes to the disk in the background; the thread starts when it is needed."""

    def __init__(self) -> None:
        self._items: tuple[Synced, ...] = ()
        self._wake = threading.Event()
        self._working = threading.Lock()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def add(self, item: Synced) -> None:
        """Take care of something from now on; harmless when that is so already."""
        if not self._takes_care_of(item):
            self._items = (*self._items, item)

    def remove(self, item: Synced) -> None:
        """Take care of it no longer, once what is under way is over.

        Otherwise a lock that is given back could be written once more, for nobody.
        """
        waited = self._working.acquire(timeout=_CLOSING_SECONDS)
        self._items = tuple(each for each in self._items if each is not item)
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
                    if self._takes_care_of(item):
                        item.sync()

    def _takes_care_of(self, item: Synced) -> bool:
        return any(each is item for each in self._items)
