"""Who runs jobs: the Protocol, and two runners without threads.

A runner takes a `Job`, drives the generator that it makes, and tells the session,
always in the thread that owns the session, what comes out of it::

                 event(event)  once per yield, in order
                       |
    start ---> RUNNING ---------------------+--> DONE       result(value)
                  | cancel()                +--> FAILED     error(error)
                  v                         |
               CANCELLING ------------------+--> CANCELLED  closed()

* Exactly one of the three last handlers is called, once, as the very last thing.
* `cancel` returns at once, and the generator is closed at its next yield. What was
  yielded or returned before is still delivered, so a model that was published in the
  last moment is not lost; a cancelled job may thus end as DONE.
* The state is final before the last handler is called.
* The generator is advanced and closed by one thread alone, since closing it from
  another one raises "generator already executing".

`Steps` and `Handlers` hold these rules; a runner decides when, and in which thread, a
step is taken. The runner with threads belongs to the front end (`gui.runner`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from napari_unet.core.jobs import Job

logger = logging.getLogger(__name__)

E = TypeVar("E")
R = TypeVar("R")
E_contra = TypeVar("E_contra", contravariant=True)
R_contra = TypeVar("R_contra", contravariant=True)


def _ignore(*_: object) -> None:
    """Do nothing with what a job tells."""


def _log(error: Exception) -> None:
    logger.error("A job failed.", exc_info=error)


@dataclass(frozen=True, slots=True)
class Handlers(Generic[E_contra, R_contra]):
    """What is called for a job, in the thread that started it; nothing is required.

    Parameters
    ----------
    event : callable
        Called with everything that the job yields.
    result : callable
        Called with what it returns, if it comes to its end.
    error : callable
        Called with what it raises; errors that nobody takes are logged.
    closed : callable
        Called when it was cancelled.
    """

    event: Callable[[E_contra], object] = _ignore
    result: Callable[[R_contra], object] = _ignore
    error: Callable[[Exception], object] = _log
    closed: Callable[[], object] = _ignore

    def finish(self, outcome: Outcome[R_contra]) -> None:
        """Call the one last handler that belongs to the outcome."""
        if isinstance(outcome, Returned):
            self.result(outcome.value)
        elif isinstance(outcome, Failed):
            self.error(outcome.error)
        else:
            self.closed()


NO_HANDLERS: Handlers[object, object] = Handlers()


class JobState(Enum):
    """Where a job stands; see the drawing at the top of the module."""

    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (JobState.RUNNING, JobState.CANCELLING)


class Running(Protocol):
    """A job that was started."""

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        ...

    @property
    def running(self) -> bool:
        """Whether the last handler is still to be called."""
        ...

    def cancel(self) -> None:
        """Ask the job to stop at its next yield; harmless when it is over."""
        ...


class Runner(Protocol):
    """Starts jobs."""

    def start(self, job: Job[E, R], handlers: Handlers[E, R] = NO_HANDLERS) -> Running:
        """Start a job.

        It may be over before this returns: ask ``running`` of what is returned, and
        do not rely on it being stored anywhere when a handler is called.
        """
        ...


@dataclass(frozen=True, slots=True)
class Yielded(Generic[E]):
    """The generator yielded an event and can go on."""

    event: E


@dataclass(frozen=True, slots=True)
class Returned(Generic[R]):
    """The generator came to its end."""

    value: R


@dataclass(frozen=True, slots=True)
class Failed:
    """The generator, its closing, or a handler raised an error."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Closed:
    """The generator was closed because somebody cancelled the job."""


Outcome: TypeAlias = Returned[R] | Failed | Closed


class Steps(Generic[E, R]):
    """The steps of a job; the first one calls its `run`, which may import for long."""

    def __init__(self, job: Job[E, R]) -> None:
        self._job = job
        self._generator: Generator[E, None, R] | None = None

    def advance(self, *, cancelled: bool) -> Yielded[E] | Outcome[R]:
        """Take one step, or close the generator when the job was cancelled.

        Never raises an `Exception`; whatever the generator raises becomes `Failed`.
        """
        try:
            if cancelled:
                if self._generator is not None:
                    self._generator.close()
                return Closed()
            if self._generator is None:
                self._generator = self._job.run()
            return Yielded(next(self._generator))
        except StopIteration as stop:
            return Returned(stop.value)
        except Exception as error:  # noqa: BLE001 - a job's border: any error ends it
            return Failed(error)


def final_state(outcome: Outcome[Any]) -> JobState:
    """Return the state in which a job with this outcome ends."""
    if isinstance(outcome, Returned):
        return JobState.DONE
    return JobState.FAILED if isinstance(outcome, Failed) else JobState.CANCELLED


class SteppedJob(Generic[E, R]):
    """A job that moves only when somebody calls `step`."""

    def __init__(self, job: Job[E, R], handlers: Handlers[E, R]) -> None:
        self._steps = Steps(job)
        self._handlers = handlers
        self._state = JobState.RUNNING

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return self._state

    @property
    def running(self) -> bool:
        """Whether the last handler is still to be called."""
        return not self._state.final

    def cancel(self) -> None:
        """Ask the job to stop; the next `step` closes the generator."""
        if self._state is JobState.RUNNING:
            self._state = JobState.CANCELLING

    def step(self) -> bool:
        """Deliver one event or the end; return whether the job is still running."""
        if self.running:
            cancelled = self._state is JobState.CANCELLING
            outcome = self._steps.advance(cancelled=cancelled)
            if isinstance(outcome, Yielded):
                self._deliver(outcome.event)
            else:
                self._finish(outcome)
        return self.running

    def _deliver(self, event: E) -> None:
        try:
            self._handlers.event(event)
        except Exception as error:  # noqa: BLE001 - a job whose events are not
            # understood has failed, and its resources must not stay behind.
            closed = self._steps.advance(cancelled=True)
            if isinstance(closed, Failed):
                error.add_note(f"Closing the job failed, too: {closed.error!r}")
            self._finish(Failed(error))

    def _finish(self, outcome: Outcome[R]) -> None:
        self._state = final_state(outcome)
        self._handlers.finish(outcome)


class InlineRunner:
    """Runs a job to its end inside `start`, in the calling thread."""

    def start(
        self, job: Job[E, R], handlers: Handlers[E, R] = NO_HANDLERS
    ) -> SteppedJob[E, R]:
        """Run to the end and return the finished job."""
        running = SteppedJob(job, handlers)
        while running.step():
            pass
        return running


class ManualRunner:
    """Runs nothing by itself, so that tests can interleave jobs at will."""

    def __init__(self) -> None:
        self._jobs: list[SteppedJob[Any, Any]] = []

    def start(
        self, job: Job[E, R], handlers: Handlers[E, R] = NO_HANDLERS
    ) -> SteppedJob[E, R]:
        """Return the job without taking a step."""
        running = SteppedJob(job, handlers)
        self._jobs.append(running)
        return running

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
