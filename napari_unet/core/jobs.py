"""Jobs: descriptions of work that takes a while, and generators that do it.

A `Job` is frozen and can be pickled, so the same one runs in the calling thread, in
another thread, in another process or on another machine. Its `run` is a generator: it
yields frozen events, closing it cancels the work, and it returns the result.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing
from functools import wraps
from itertools import islice
from typing import ClassVar, Generic, ParamSpec, TypeVar

from napari_unet.core.events import Notice

logger = logging.getLogger("napari_unet")

E = TypeVar("E")
F = TypeVar("F")
R = TypeVar("R")
P = ParamSpec("P")
E_co = TypeVar("E_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class Job(ABC, Generic[E_co, R_co]):
    """Work with its inputs; every kind of job is a frozen dataclass derived from it.

    Its fields are data: no callbacks, locks, open files or objects of a window, and
    copies of what might change.

    Attributes
    ----------
    apart : bool
        Whether it computes for so long that a runner with a window should give it a
        process of its own.
    inside : Notice, optional
        What a person is told where it wants such a process and none can be started.
        Who hears its events takes this one, too.
    """

    __slots__ = ()
    apart: ClassVar[bool] = False
    inside: ClassVar[Notice | None] = None

    @abstractmethod
    def run(self) -> Generator[E_co, None, R_co]:
        """Do the work: yield events, return the result."""


class _Steps(Generic[E, R]):
    """The events of a generator, and what it returned when there are no more."""

    result: R

    def __init__(self, steps: Generator[E, None, R]) -> None:
        self._steps = steps

    def __iter__(self) -> Generator[E, None, None]:
        self.result = yield from self._steps


def drain(
    steps: Generator[E, None, R], hear: Callable[[E], object] = lambda _: None
) -> R:
    """Run a generator to its end, pass its events to `hear`, return its result.

    >>> def count():
    ...     yield 1
    ...     return "end"
    >>> drain(count())
    'end'
    """
    events = _Steps(steps)
    for event in events:
        hear(event)
    return events.result


def drained(steps: Callable[P, Generator[object, None, R]]) -> Callable[P, R]:
    """Return what does the work of a generator at once, given the same."""

    @wraps(steps)
    def at_once(*args: P.args, **options: P.kwargs) -> R:
        return drain(steps(*args, **options))

    return at_once


def drain_logged(steps: Generator[object, None, R]) -> R:
    """Run a generator to its end, and log the notices: callers in Python see none."""
    return drain(steps, _log)


def _log(event: object) -> None:
    if isinstance(event, Notice):
        logger.warning(event.message)


def mapped(
    change: Callable[[E], F], steps: Generator[E, None, R]
) -> Generator[F, None, R]:
    """Pass a generator on, with other events in the place of its own.

    Closing it closes the other.
    """
    events = _Steps(steps)
    with closing(steps):
        for event in events:
            yield change(event)
    return events.result


def told_as(event: F, steps: Generator[object, None, R]) -> Generator[F, None, R]:
    """Pass a generator on, with the same event for each of its steps."""
    return mapped(lambda _: event, steps)


def within(
    context: Callable[[], AbstractContextManager[object]], steps: Generator[E, None, R]
) -> Generator[E, None, R]:
    """Pass a generator on whose steps run inside a context that ends between them.

    Closing it closes the other.
    """
    events = _Steps(steps)
    waiting = iter(events)
    with closing(steps):
        while True:
            with context():
                found = list(islice(waiting, 1))
            if not found:
                return events.result
            yield from found
