"""Runners without threads: one that is done at once, and one that a test steps."""

from __future__ import annotations

from typing import Any

from napari_unet.core.jobs import Job
from napari_unet.session.runner import NO_HANDLERS, Handlers, Running


class SteppedJob(Running):
    """A job that moves only when somebody calls `step`."""

    def does(self, kind: type[Job[Any, Any]]) -> bool:
        """Return whether this is a job of a kind."""
        return isinstance(self._job, kind)

    def step(self) -> bool:
        """Deliver one event or the end; return whether the job is still running."""
        if self.running:
            self.deliver(self.advance())
        return self.running


class InlineRunner:
    """Runs a job to its end inside `start`, in the calling thread."""

    def start(
        self, job: Job[Any, Any], handlers: Handlers[Any, Any] = NO_HANDLERS
    ) -> SteppedJob:
        """Run to the end and return the finished job."""
        running = SteppedJob(job, handlers)
        while running.step():
            pass
        return running


class ManualRunner:
    """Runs nothing by itself, so that tests can interleave jobs at will."""

    def __init__(self) -> None:
        self._jobs: list[SteppedJob] = []

    def start(
        self, job: Job[Any, Any], handlers: Handlers[Any, Any] = NO_HANDLERS
    ) -> SteppedJob:
        """Return the job without taking a step."""
        running = SteppedJob(job, handlers)
        self._jobs.append(running)
        return running

    @property
    def jobs(self) -> tuple[SteppedJob, ...]:
        """The running jobs, oldest first; each can be stepped alone."""
        return tuple(job for job in self._jobs if job.running)

    def step(self) -> bool:
        """Take one step of the oldest running job; return whether any is running."""
        for job in self.jobs[:1]:
            job.step()
        return bool(self.jobs)

    def run(self) -> None:
        """Step until no job is running, those included that jobs start."""
        while self.step():
            pass
