"""A job that runs in a thread of its own."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from napari_unet.core.events import MicroBatch, Preparing, TilesDone
from napari_unet.core.jobs import Job
from napari_unet.core.memory import give_back
from napari_unet.session.runner import Handlers, Outcome, Running, Yielded

TICK_MS = 15
# A job this far ahead of the main thread waits for it.
_MOST_UNREAD = 256
_NICENESS = 10
# What took less has taken little memory.
_LONG_SECONDS = 0.1
# Of several in a row, only the newest says anything.
_LATEST_COUNTS = (MicroBatch, Preparing, TilesDone)


class ThreadJob(Running):
    """A generator that runs in its own thread.

    Made by `QtRunner.start`. Everything but `_run` belongs to the main thread.
    """

    def __init__(self, job: Job[Any, Any], handlers: Handlers[Any, Any]) -> None:
        super().__init__(job, handlers)
        # Appending to a deque, taking from it and setting a flag are atomic.
        self._outbox: deque[Yielded | Outcome] = deque()
        # Not a daemon: torch must not be torn down under a running thread.
        self._thread = threading.Thread(target=self._run, name="napari-unet job")
        self._thread.start()

    def deliver_next(self) -> bool:
        """Call the handler of one event, or the last one; False if nothing is there.

        Raises
        ------
        Exception
            Whatever the last handler raises.
        """
        if not self._outbox:
            return False
        item = self._outbox.popleft()
        if not self._outdated(item):
            self.deliver(item)
        return True

    def hurry(self) -> None:
        """Do not finish what nobody misses, once the job is cancelled."""

    def wait(self, seconds: float) -> None:
        """Wait for something to be delivered, or for the end of the thread."""
        if not self._outbox:
            self._thread.join(seconds)

    def _outdated(self, item: Yielded | Outcome) -> bool:
        following = self._outbox[0] if self._outbox else None
        return (
            isinstance(item, Yielded)
            and isinstance(item.event, _LATEST_COUNTS)
            and isinstance(following, Yielded)
            and type(following.event) is type(item.event)
        )

    def _run(self) -> None:
        _lower_priority()
        began = time.monotonic()
        while True:
            outcome = self.advance()
            if not isinstance(outcome, Yielded):
                if time.monotonic() - began > _LONG_SECONDS:
                    give_back()
                self._outbox.append(outcome)
                return
            self._outbox.append(outcome)
            while len(self._outbox) > _MOST_UNREAD and not self.cancelled:
                time.sleep(TICK_MS / 1000)


def _lower_priority() -> None:
    """Let the person's strokes go first; torch's own threads inherit this."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
