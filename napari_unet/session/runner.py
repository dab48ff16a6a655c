"""Who runs jobs: what a runner promises, and what all of them have in common.

A runner takes a `Job`, drives the generator that it makes, and tells the session,
always in the thread that owns the session, what comes out of it::

                 event(event)  once per yield, in order
                       |
    start ---> running ---------------------+--> Returned  result(value)
                  | cancel()                +--> Failed    error(error)
                  v                         |
               cancelled -------------------+--> Closed    closed()

* Exactly one of the three last handlers is called, once, as the very last thing.
* `cancel` returns at once, and the generator is closed at its next yield. What was
  yielded or returned before is still delivered, so a model that was published in the
  last moment is not lost; a cancelled job may thus end as returned.
* The outcome is known before the last handler is called.
* The generator is advanced and closed by one thread alone, since closing it from
  another one raises "generator already executing".

`Running` and `Handlers` hold these rules; a runner decides when, and in which thread, a
step is taken. The one with threads belongs to the front end (`gui.runner`); tests have
two without.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
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

    That is `event` with everything that the job yields, then `result` with what it
    returns, `error` with what it raises, or `closed` when it was cancelled. Errors that
    nobody takes are logged.
    """

    event: Callable[[E_contra], object] = _ignore
    result: Callable[[R_contra], object] = _ignore
    error: Callable[[Exception], object] = _log
    closed: Callable[[], object] = _ignore


NO_HANDLERS: Handlers[object, object] = Handlers()


@dataclass(frozen=True, slots=True)
class Yielded:
    """The generator yielded an event and can go on."""

    event: Any


@dataclass(frozen=True, slots=True)
class Returned:
    """The generator came to its end."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The generator, its closing, or a handler raised an error."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Closed:
    """The generator was closed because somebody cancelled the job."""


Outcome: TypeAlias = Returned | Failed | Closed


class Running:
    """A job that was started.

    A runner calls `advance` in the thread of the job and `deliver` in the session's.

    Attributes
    ----------
    outcome : Returned, Failed, Closed or None
        How it ended; None until its last handler is called.
    """

    def __init__(self, job: Job[Any, Any], handlers: Handlers[Any, Any]) -> None:
        self._job = job
        self._handlers = handlers
        self._generator: Generator[Any, None, Any] | None = None
        self._broken: Exception | None = None
        self.cancelled = False
        self.outcome: Outcome | None = None

    @property
    def running(self) -> bool:
        """Whether the last handler is still to be called."""
        return self.outcome is None

    def cancel(self) -> None:
        """Ask the job to stop at its next yield; harmless when it is over."""
        self.cancelled = True

    def advance(self) -> Yielded | Outcome:
        """Take one step, or close the generator when the job was cancelled.

        The first step calls the job's `run`, which may import for long. Never raises an
        `Exception`; whatever the generator raises becomes `Failed`.
        """
        try:
            if self.cancelled:
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

    def deliver(self, item: Yielded | Outcome) -> None:
        """Call the handler of what a step gave."""
        if not isinstance(item, Yielded):
            self._finish(item)
        elif self._broken is None:
            try:
                self._handlers.event(item.event)
            except Exception as error:  # noqa: BLE001 - a job whose events are not
                # understood has failed; its next step closes the generator.
                self._broken = error
                self.cancel()

    def _finish(self, outcome: Outcome) -> None:
        if self._broken is not None:
            if isinstance(outcome, Failed):
                self._broken.add_note(f"Closing the job failed: {outcome.error!r}")
            outcome = Failed(self._broken)
        self.outcome = outcome
        if isinstance(outcome, Returned):
            self._handlers.result(outcome.value)
        elif isinstance(outcome, Failed):
            self._handlers.error(outcome.error)
        else:
            self._handlers.closed()


class Runner(Protocol):
    """Starts jobs."""

    def start(self, job: Job[E, R], handlers: Handlers[E, R] = NO_HANDLERS) -> Running:
        """Start a job.

        It may be over before this returns: ask ``running`` of what is returned, and
        do not rely on it being stored anywhere when a handler is called.
        """
        ...
