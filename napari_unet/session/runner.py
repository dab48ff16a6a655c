"""Who drives the engine's generators: the Protocol, and two runners without threads.

The runner with threads belongs to the front end. What a job is, and what is called
when, is told in `napari_unet.session.job`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from napari_unet.session.job import Callbacks, Job, SteppedJob

E = TypeVar("E")
R = TypeVar("R")


class Runner(Protocol):
    """Starts generators as jobs."""

    def start(
        self,
        generator: Generator[E, None, R],
        *,
        on_event: Callable[[E], object],
        on_return: Callable[[R], object],
        on_error: Callable[[Exception], object],
        on_closed: Callable[[], object],
    ) -> Job:
        """Start a job; see `napari_unet.session.job` for what is called when.

        A runner may be done before this returns: ask ``job.running``, and do not
        rely on the job being stored anywhere when a callback is called.
        """
        ...


class InlineRunner:
    """Runs a job to its end inside `start`, in the calling thread."""

    def start(
        self,
        generator: Generator[E, None, R],
        *,
        on_event: Callable[[E], object],
        on_return: Callable[[R], object],
        on_error: Callable[[Exception], object],
        on_closed: Callable[[], object],
    ) -> SteppedJob[E, R]:
        """Run to the end and return the finished job."""
        callbacks = Callbacks(on_event, on_return, on_error, on_closed)
        job = SteppedJob(generator, callbacks)
        while job.step():
            pass
        return job


class ManualRunner:
    """Runs nothing by itself, so that tests can interleave jobs at will.

    >>> def count():
    ...     yield 1
    ...     return "end"
    >>> runner = ManualRunner()
    >>> job = runner.start(
    ...     count(), on_event=print, on_return=print, on_error=print, on_closed=print
    ... )
    >>> runner.step()
    1
    True
    >>> runner.step()
    end
    False
    """

    def __init__(self) -> None:
        self._jobs: list[SteppedJob[Any, Any]] = []

    def start(
        self,
        generator: Generator[E, None, R],
        *,
        on_event: Callable[[E], object],
        on_return: Callable[[R], object],
        on_error: Callable[[Exception], object],
        on_closed: Callable[[], object],
    ) -> SteppedJob[E, R]:
        """Return the job without taking a step."""
        callbacks = Callbacks(on_event, on_return, on_error, on_closed)
        job = SteppedJob(generator, callbacks)
        self._jobs.append(job)
        return job

    @property
    def jobs(self) -> tuple[SteppedJob[Any, Any], ...]:
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
