"""What the readers of all formats share.

Images come as `napari_unet.images.source.ArrayImage`, what is known of them before a
pixel is read as `ImageHeader`. Memory is asked for before it is taken, and what
libraries log is kept from the screen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from napari_unet.errors import InputError
from napari_unet.images.known_axes import StatedAxes

NO_TRANSPARENCY = "transparency was left out, and the pixels were taken as stored"
TURNED = (
    "the file says that it is shown turned; its pixels were taken as they are stored"
)

_LONGEST_NAME = 100
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file states; what it does not is missing.

    Parameters
    ----------
    channels : tuple of str
        Names of the channels; empty, or as many as there are.
    pixel_size : dict of str to float
        Micrometres per pixel along "Z", "Y" and "X".
    """

    axes: StatedAxes | None = None
    channels: tuple[str, ...] = ()
    pixel_size: dict[str, float] = field(default_factory=dict)


def refuse_beyond_memory(path: Path, nbytes: int) -> None:
    """Raise an InputError if so many bytes do not fit into the memory that is free."""
    free = available_memory()
    if nbytes > free:
        raise InputError(
            f"The image {str(path)!r} does not fit into memory: its pixels need "
            f"{in_words(nbytes)} and {in_words(free)} are free; crop it, close other "
            "programs, or use a machine with more."
        )


def available_memory() -> int:
    """Return the bytes that can be taken without pushing other programs out."""
    return int(psutil.virtual_memory().available)


def in_words(nbytes: int) -> str:
    """Return a number of bytes with a unit, such as "40 GB"; 1 kB is 1000 bytes."""
    size, unit = float(nbytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}" if size < 1000 else f"over 1000 {_UNITS[-1]}"


@contextmanager
def collect_log(name: str) -> Iterator[list[str]]:
    """Collect the warnings and errors that a library logs; none of them is printed."""
    messages: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


def as_names(found: Iterable[Any], count: int) -> tuple[str, ...]:
    """Return names that can be shown; nothing where they are not one a channel."""
    names = tuple(_printable(str(name)) for name in found)
    return names if len(names) == count > 1 and any(names) else ()


def _printable(name: str) -> str:
    return "".join(c for c in name if c.isprintable()).strip()[:_LONGEST_NAME]
