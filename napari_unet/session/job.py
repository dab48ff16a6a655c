"""Jobs: the engine's generators, driven step by step.

The engine's loops are generators of events. A runner drives one and tells the
session, always in the thread that owns the session, what comes out of it::

                 on_event(event)  once per yield, in order
                       |
    start ---> RUNNING ---------------------+--> DONE       on_return(value)
                  | cancel()                +--> FAILED     on_error(error)
                  v                         |
               CANCELLING ------------------+--> CANCELLED  on_closed()

* Exactly one of the three last callbacks is called, once, as the very last thing.
* `cancel` is a wish: it returns at once, and the generator is closed at its next
  yield. What was yielded or returned before is still delivered, so a model that was
  published in the last moment is not lost; a cancelled job may thus end as DONE.
* The state is final before the last callback is called.
* The generator is advanced and closed by one thread alone, since closing it from
  another one raises "generator already executing".

`advance` and `Callbacks` hold these rules; a runner (`napari_unet.session.runner`)
decides when, and in which thread, a step is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

E = TypeVar("E")
R = TypeVar("R")


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


class Job(Protocol):
    """A started generator."""

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        ...

    @property
    def running(self) -> bool:
        """Whether the last callback is still to come."""
        ...

    def cancel(self) -> None:
        """Ask the job to stop at its next yield; harmless when it is over."""
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
    """The generator, its closing, or a callback raised an error."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Closed:
    """The generator was closed because somebody cancelled the job."""


Outcome: TypeAlias = Returned[R] | Failed | Closed


def advance(
    generator: Generator[E, None, R], *, cancelled: bool
) -> Yielded[E] | Outcome[R]:
    """Take one step, or close the generator when the job was cancelled.

    Never raises an `Exception`; whatever the generator raises becomes `Failed`.
    """
    try:
        if cancelled:
            generator.close()
            return Closed()
        return Yielded(next(generator))
    except StopIteration as stop:
        return Returned(stop.value)
    except Exception as error:  # noqa: BLE001 - a job's border: any error is its end
        return Failed(error)


@dataclass(frozen=True, slots=True)
class Callbacks(Generic[E, R]):
    """The four callbacks of a job; called only in the thread that started it."""

    on_event: Callable[[E], object]
    on_return: Callable[[R], object]
    on_error: Callable[[Exception], object]
    on_closed: Callable[[], object]

    def finish(self, outcome: Outcome[R]) -> None:
        """Call the one last callback that belongs to the outcome."""
        if isinstance(outcome, Returned):
            self.on_return(outcome.value)
        elif isinstance(outcome, Failed):
            self.on_error(outcome.error)
        else:
            self.on_closed()


def final_state(outcome: Outcome[Any]) -> JobState:
    """Return the state in which a job with this outcome ends."""
    if isinstance(outcome, Returned):
        return JobState.DONE
    return JobState.FAILED if isinstance(outcome, Failed) else JobState.CANCELLED


class SteppedJob(Generic[E, R]):
    """A job that moves only when somebody calls `step`."""

    def __init__(
        self, generator: Generator[E, None, R], callbacks: Callbacks[E, R]
    ) -> None:
        self._generator = generator
        self._callbacks = callbacks
        self._state = JobState.RUNNING

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return self._state

    @property
    def running(self) -> bool:
        """Whether the last callback is still to come."""
        return not self._state.final

    def cancel(self) -> None:
        """Ask the job to stop; the next `step` closes the generator."""
        if self._state is JobState.RUNNING:
            self._state = JobState.CANCELLING

    def step(self) -> bool:
        """Deliver one event or the end; return whether the job is still running."""
        if self.running:
            cancelled = self._state is JobState.CANCELLING
            outcome = advance(self._generator, cancelled=cancelled)
            if isinstance(outcome, Yielded):
                self._deliver(outcome.event)
            else:
                self._finish(outcome)
        return self.running

    def _deliver(self, event: E) -> None:
        try:
            self._callbacks.on_event(event)
        except Exception as error:  # noqa: BLE001 - a job whose events are not
            # understood has failed, and its resources must not stay behind.
            closed = advance(self._generator, cancelled=True)
            if isinstance(closed, Failed):
                error.add_note(f"Closing the job failed, too: {closed.error!r}")
            self._finish(Failed(error))

    def _finish(self, outcome: Outcome[R]) -> None:
        self._state = final_state(outcome)
        self._callbacks.finish(outcome)
