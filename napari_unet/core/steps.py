"""Loops that are generators: to run one to its end, and to pass one on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TypeVar

from napari_unet.core.events import Notice

logger = logging.getLogger("napari_unet")

E = TypeVar("E")
R = TypeVar("R")


def drain(
    steps: Generator[E, None, R], hear: Callable[[E], object] = lambda _: None
) -> R:
    """Run a generator to its end, let its events be heard, return what it returns.

    >>> def count():
    ...     yield 1
    ...     return "end"
    >>> drain(count())
    'end'
    """
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            result: R = end.value
            return result
        hear(event)


def drain_logged(steps: Generator[object, None, R]) -> R:
    """Run a generator to its end as `drain` does, and log what a person should read.

    For callers in Python, who see no events.
    """
    return drain(steps, _log)


def _log(event: object) -> None:
    if isinstance(event, Notice):
        logger.warning(event.message)


def told_as(event: E, steps: Generator[object, None, R]) -> Generator[E, None, R]:
    """Pass a generator on, with the same event for each of its steps.

    Closing it closes the other.
    """
    try:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            yield event
    finally:
        steps.close()
