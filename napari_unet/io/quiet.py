"""What libraries log, kept from the screen and given to whoever asked for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collect_log(name: str) -> Iterator[list[str]]:
    """Collect what a library logs; with a handler of our own none of it is printed.

    Parameters
    ----------
    name : str
        Of its logger.

    Yields
    ------
    list of str
        Warnings and errors so far.
    """
    messages: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
