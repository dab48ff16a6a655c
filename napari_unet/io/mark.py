"""Marks in results: whether a file is the whole of what was written, and made of what.

The mark is in the file itself, so it goes with it, and is gone where another program
has saved the file anew.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import tifffile

_CLASSIC = b"II*\0\x08\0\0\0"
_BIG = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"
"""How a TIFF begins whose directory follows at once, of 4 GB at most or of any size."""

_FRONT = 2**12

MARK = "napari_unet_mark"
"""Its name among what a TIFF says of its axes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What `napari_unet.io.write_image` was told of a file, and if all of it is there.

    Attributes
    ----------
    text : str or None
        None where the file has no mark, or is no TIFF.
    blank : bool
        Whether it ends before the first pixel, so that nothing is lost with it.
    """

    text: str | None
    whole: bool
    blank: bool = False


def read_mark(path: str | Path) -> Mark:
    """Read the mark of a file, but no pixel."""
    try:
        with tifffile.TiffFile(path) as file:
            told: dict[str, object] = (file.shaped_metadata or ({},))[0]
            pieces = [
                (start, start + count)
                for page in file.pages
                if isinstance(page, tifffile.TiffPage)
                for start, count in zip(
                    page.dataoffsets, page.databytecounts, strict=True
                )
            ]
            text, size = told.get(MARK), file.filehandle.size
            whole = max(end for _, end in pieces) <= size
            blank = min(start for start, _ in pieces) >= size
    # A damaged file fails in as many ways as it can be damaged; it is no result.
    except Exception:  # noqa: BLE001
        return Mark(None, whole=False, blank=_ends_in_front(Path(path)))
    return Mark(text if isinstance(text, str) else None, whole, blank)


def _ends_in_front(path: Path) -> bool:
    """Whether a file ends in what a TIFF of ours says before its pixels.

    Its directory follows the header at once. Others have it behind the pixels, and
    where these are, somebody could still find them.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_FRONT)
    except OSError:
        return False
    if len(head) < len(_CLASSIC):
        return any(one.startswith(head) for one in (_CLASSIC, _BIG))
    if not head.startswith((_CLASSIC, _BIG)):
        return False
    number, entry = ("<H", 12) if head.startswith(_CLASSIC) else ("<Q", 20)
    start = len(_CLASSIC if number == "<H" else _BIG) + struct.calcsize(number)
    if len(head) < start:
        return True
    (entries,) = struct.unpack_from(number, head, start - struct.calcsize(number))
    return len(head) < min(_FRONT, start + entry * int(entries))
