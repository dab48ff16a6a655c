"""A job that asks for a process of its own, driven by a thread as any other."""

from __future__ import annotations

import logging
from typing import Any

from napari_unet.core.apart import Process, Processes
from napari_unet.core.jobs import Job
from napari_unet.gui.thread_job import ThreadJob
from napari_unet.session.runner import (
    Closed,
    Failed,
    Handlers,
    Outcome,
    Returned,
    Yielded,
)

logger = logging.getLogger(__name__)


class ProcessJob(ThreadJob):
    """A generator that runs in another process; a thread waits for what it yields.

    Where no process can be started it runs in the thread, and says so if it is to.
    """

    def __init__(
        self, job: Job[Any, Any], handlers: Handlers[Any, Any], processes: Processes
    ) -> None:
        self._processes = processes
        self._process: Process | None = None
        self._asked_to_stop = False
        self._inside = False
        self._heard = False
        super().__init__(job, handlers)

    def advance(self) -> Yielded | Outcome:
        """Wait for an event or the end; what came before a cancel is not lost."""
        if self._inside:
            return super().advance()
        try:
            return self._hear()
        except Exception as error:  # noqa: BLE001 - a job's border: any error ends it
            # Who is told to leave before the first word dies without one.
            unheard = self.cancelled and not self._heard
            return Closed() if unheard else Failed(error)

    def hurry(self) -> None:
        """Do not wait for a process that has told nothing yet.

        It still imports what the job needs, which takes seconds, and there is nothing
        that it could leave half done.
        """
        if self._process is not None and not self._heard:
            self._process.leave()

    def _hear(self) -> Yielded | Outcome:
        if self._process is None:
            if self.cancelled:
                return Closed()
            try:
                self._process = self._processes.take()
            except OSError as error:
                name = type(self._job).__name__
                logger.warning("%s gets no process of its own: %s", name, error)
                self._inside = True
                said = self._job.inside
                return super().advance() if said is None else Yielded(said)
            self._process.begin(self._job)
        if self.cancelled and not self._asked_to_stop:
            self._asked_to_stop = True
            self._process.stop()
        told = self._process.hear()
        self._heard = True
        if told.kind == "event":
            return Yielded(told.value)
        self._processes.give_back(self._process)
        if told.kind == "error":
            return Failed(told.value)
        return Returned(told.value) if told.kind == "result" else Closed()
