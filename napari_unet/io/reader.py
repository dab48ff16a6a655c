"""What the readers of all formats share.

Images come as `napari_unet.images.source.ArrayImage`, what is known of them before a
pixel is read as `napari_unet.geometry.axes.ImageHeader`. Memory is asked for before
it is taken, and what libraries log is kept from the screen.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy.typing as npt
import psutil

from napari_unet.errors import InputError

NO_TRANSPARENCY = "transparency was left out, and the pixels were taken as stored"
TURNED = (
    "the file says that it is shown turned; its pixels were taken as they are stored"
)

_LONGEST_NAME = 100
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")

_MICROMETRES = MappingProxyType(
    {
        **dict.fromkeys(["nm", "nanometer"], 1e-3),
        # The micro sign, the Greek letter, and ImageJ, which writes the escape itself.
        **dict.fromkeys(["\u00b5m", "\u03bcm", r"\u00b5m", "um"], 1.0),
        **dict.fromkeys(["micron", "microns", "micrometer"], 1.0),
        **dict.fromkeys(["mm", "millimeter"], 1e3),
        "cm": 1e4,
        "m": 1e6,
    }
)
# Outside of them a number is no pixel's size, and cannot be written to a file.
_LEAST, _MOST = 1e-6, 1e9

_PIECE = 2**16
_GZIP_OR_ZLIB = 47


def damaged(path: Path, what: str) -> InputError:
    """Return an error that says what is wrong with an image file."""
    return InputError(
        f"The image {str(path)!r} is incomplete or damaged: {what}; copy or export it "
        "again."
    )


def refuse_beyond_memory(path: Path, nbytes: int) -> None:
    """Raise an InputError if so many bytes do not fit into the memory that is free."""
    free = available_memory()
    if nbytes > free:
        raise InputError(
            f"The image {str(path)!r} does not fit into memory: its pixels need "
            f"{in_words(nbytes)} and {in_words(free)} are free; crop it, close other "
            "programs, or use a machine with more."
        )


def refuse_more_than_held(path: Path, claimed: int, most: float, words: str) -> None:
    """Raise an InputError if a file claims more than `most` for each of its bytes."""
    size = path.stat().st_size
    if claimed > size * most:
        held = f"which a file of {in_words(size)} cannot hold"
        raise damaged(path, f"its header tells of {words}, {held}")


def available_memory() -> int:
    """Return the bytes that can be taken without pushing other programs out."""
    return int(psutil.virtual_memory().available)


def in_words(nbytes: int) -> str:
    """Return a number of bytes with a unit, such as "40 GB"; 1 kB is 1000 bytes."""
    size, unit = float(nbytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}" if size < 1000 else f"over 1000 {_UNITS[-1]}"


def inflated_size(file: BinaryIO, limit: int) -> int:
    """Return the size of packed data (zlib, gzip); above the limit, only that it is."""
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    size, data = 0, file.read(_PIECE)
    while data and not inflater.eof and size <= limit:
        size += len(inflater.decompress(data, _PIECE))
        data = inflater.unconsumed_tail or file.read(_PIECE)
    return size


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
    printable = ("".join(filter(str.isprintable, str(name))) for name in found)
    names = tuple(name.strip()[:_LONGEST_NAME] for name in printable)
    return names if len(names) == count > 1 and any(names) else ()


def in_micrometres(sizes: Iterable[tuple[str, Any, str]]) -> dict[str, float]:
    """Return pixel sizes by axis, of (axis, size, unit); nonsense is left out."""
    found = {a: float(n) * _MICROMETRES.get(unit, 0) for a, n, unit in sizes}
    return {axis: size for axis, size in found.items() if _LEAST < size < _MOST}


def without_single(
    array: npt.NDArray[Any], axes: str, which: str
) -> tuple[npt.NDArray[Any], str]:
    """Leave out those of some axes that have one plane."""
    single = [n for n, a in enumerate(axes) if a in which and array.shape[n] == 1]
    kept = "".join(axis for n, axis in enumerate(axes) if n not in single)
    return array.squeeze(tuple(single)), kept
