"""Loops that are generators: to run one to its end, and to pass one on."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

E = TypeVar("E")
R = TypeVar("R")


def drain(steps: Generator[object, None, R]) -> R:
    """Run a generator to its end and return what it returns.

    >>> def count():
    ...     yield 1
    ...     return "end"
    >>> drain(count())
    'end'
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: R = end.value
            return result


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
