"""Jobs in threads: the only file that has any.

How it flows: every job has a thread of its own, which alone advances and closes its
generator. What comes out is put into the job's outbox; a timer on the main thread
empties the outboxes and calls the handlers, for a few milliseconds at a time. The
main thread never waits for a job, except for a limited time when everything closes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TypeVar

from qtpy.QtCore import QObject, QTimer

from napari_unet.core.events import MicroBatch, Preparing, TilesDone
from napari_unet.core.jobs import Job
from napari_unet.gui.collector import Collector
from napari_unet.session.runner import (
    NO_HANDLERS,
    Handlers,
    Outcome,
    Running,
    Yielded,
)

E = TypeVar("E")
R = TypeVar("R")

TICK_MS = 15
DRAIN_SECONDS = 0.008
# A job this far ahead of the main thread waits for it.
_MOST_UNREAD = 256
_NICENESS = 10
# Of several in a row, only the newest says anything.
_LATEST_COUNTS = (MicroBatch, Preparing, TilesDone)


class ThreadJob(Running):
    """A generator that runs in its own thread.

    Made by `QtRunner.start`. Everything but `_run` belongs to the main thread.
    """

    def __init__(self, job: Job[E, R], handlers: Handlers[E, R]) -> None:
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
        while True:
            outcome = self.advance()
            self._outbox.append(outcome)
            if not isinstance(outcome, Yielded):
                return
            while len(self._outbox) > _MOST_UNREAD and not self.cancelled:
                time.sleep(TICK_MS / 1000)


class QtRunner(QObject):  # type: ignore[misc, unused-ignore]
    """Runs jobs in threads; handlers come on the thread of the Qt event loop.

    Implements `napari_unet.session.runner.Runner`.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[ThreadJob] = []
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._drain)
        self._collector = Collector(self)

    def start(
        self, job: Job[E, R], handlers: Handlers[E, R] = NO_HANDLERS
    ) -> ThreadJob:
        """Start a job in a new thread; never calls a handler before it returns."""
        self._collector.take_over()
        running = ThreadJob(job, handlers)
        self._jobs.append(running)
        self._timer.start()
        return running

    @property
    def busy(self) -> bool:
        """Whether any job is running."""
        return bool(self._jobs)

    def close(self, seconds: float = 5.0) -> bool:
        """Cancel all jobs and wait for them, but not longer than `seconds`.

        Returns
        -------
        bool
            False if a job has not come to its next yield. Its thread still closes the
            generator when it does; its handlers are not called any more.
        """
        deadline = time.monotonic() + seconds
        for job in self._jobs:
            job.cancel()
        while self._jobs and time.monotonic() < deadline:
            self._drain()
            for job in self._jobs:
                job.wait(0.01)
        ended = not self._jobs
        self._jobs.clear()
        self._rest()
        return ended

    def _drain(self) -> None:
        """Deliver from all jobs in turn until nothing is left or time is up."""
        deadline = time.monotonic() + DRAIN_SECONDS
        waiting = deque(self._jobs)
        while waiting and time.monotonic() < deadline:
            job = waiting.popleft()
            try:
                if job.deliver_next():
                    waiting.append(job)
            finally:
                self._forget_finished()

    def _forget_finished(self) -> None:
        # A handler may start jobs, or run the event loop and so come here again.
        self._jobs[:] = [job for job in self._jobs if job.running]
        if not self._jobs:
            self._rest()

    def _rest(self) -> None:
        self._timer.stop()
        self._collector.give_back()


def _lower_priority() -> None:
    """Let the person's strokes go first; torch's own threads inherit this."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
