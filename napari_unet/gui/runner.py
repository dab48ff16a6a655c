"""Jobs in threads and processes: who starts them, and hears what comes out.

How it flows: every job has a thread of its own (`gui.thread_job`), which alone advances
and closes its generator, or waits for the process that does (`gui.process_job`). What
comes out is put into the job's outbox; a timer on the main thread empties the outboxes
and calls the handlers, for a few milliseconds at a time. The main thread never waits
for a job, except for a limited time when everything closes.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TypeVar

from qtpy.QtCore import QObject, QTimer

from napari_unet.core.apart import Processes
from napari_unet.core.jobs import Job
from napari_unet.gui.collector import Collector
from napari_unet.gui.process_job import ProcessJob
from napari_unet.gui.thread_job import TICK_MS, ThreadJob
from napari_unet.session.runner import NO_HANDLERS, Handlers

E = TypeVar("E")
R = TypeVar("R")

DRAIN_SECONDS = 0.008
_IDLE_MS = 120_000
"""So long a process waits for another job: who corrects trains again soon."""


class QtRunner(QObject):  # type: ignore[misc, unused-ignore]
    """Runs jobs in threads; handlers come on the thread of the Qt event loop.

    Implements `napari_unet.session.runner.Runner`.

    Attributes
    ----------
    collector : Collector
        Takes care of garbage while jobs run.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[ThreadJob] = []
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._drain)
        self.collector = Collector(self)
        self._processes = Processes()
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE_MS)
        self._idle.timeout.connect(self._processes.rest)

    def start(
        self, job: Job[E, R], handlers: Handlers[E, R] = NO_HANDLERS
    ) -> ThreadJob:
        """Start a job in a new thread; never calls a handler before it returns."""
        self.collector.take_over()
        self._idle.stop()
        if job.apart:
            running: ThreadJob = ProcessJob(job, handlers, self._processes)
        else:
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
                job.hurry()
                job.wait(0.01)
        ended = not self._jobs
        self._jobs.clear()
        self._rest()
        self._idle.stop()
        self.collector.close()
        self._processes.end()
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
        self._idle.start()
        self.collector.give_back()
