"""Whether pixels fit into memory, asked before memory is taken."""

from __future__ import annotations

from pathlib import Path

import psutil

from napari_unet.errors import InputError

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


def refuse_beyond_memory(path: Path, nbytes: int) -> None:
    """Refuse an image that is larger than the memory that is free now.

    Parameters
    ----------
    nbytes : int
        What its pixels take when they are read.

    Raises
    ------
    InputError
        If there is less.
    """
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
