"""Opening a TIFF by tifffile, which is told to look at nothing but the file itself."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tifffile

from napari_unet.io.reader import collect_log
from napari_unet.io.tiff import checks, photometric

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# tifffile reads what is left of a damaged file and only logs what it missed.
_DAMAGE = re.compile(
    r"invalid page offset|invalid offset to first|corrupted (tag list|IFD|tile|strip)"
    r"|ImageJ series metadata invalid|zeroed|failed to reshape|incompletely written"
)
_LOST_TAG = re.compile(r"TiffTag (\d+) .*invalid value offset")
# Those without which pixels or axes are others; a photographer's name may be lost.
_NEEDED_TAGS = frozenset(
    {*range(254, 260), 262, 266, 270, 273, *range(277, 280), 284, 292, 317}
    | {*range(320, 326), 330, 338, 339, 347, *range(512, 522), *range(529, 533)}
    | {*range(33628, 33632), 34412, 50838, 50839}
)

# Metadata lead to no other file. Those of Micro-Manager stand in OME and ImageJ's, too.
_ONE_FILE = MappingProxyType(
    {"_multifile": False, "is_mmstack": False, "is_ndtiff": False}
)


class _Alone(io.BufferedReader):
    """A file that tifffile cannot find others beside: it has no descriptor."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


def is_tiff(path: Path) -> bool:
    """Return whether the file begins like a TIFF or BigTIFF."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def is_damaged_tiff(path: Path) -> bool:
    """Return whether a file holds less than it says; its pixels are not looked at."""
    try:
        with opened(path) as (file, messages):
            list(file.series)
            return any(map(tells_of_damage, messages))
    except Exception:  # noqa: BLE001 - tifffile raises anything on damaged files
        return True


def is_shown_otherwise(path: Path) -> bool:
    """Return whether other values are shown than are stored; False if it is damaged."""
    try:
        with opened(path) as (file, _):
            return int(file.pages.first.photometric) in photometric.SHOWN_OTHERWISE
    except Exception:  # noqa: BLE001 - tifffile raises anything on damaged files
        return False


def tells_of_damage(message: str) -> bool:
    """Return whether what tifffile logged means that pixels or axes are lost."""
    lost = _LOST_TAG.search(message)
    return (int(lost[1]) in _NEEDED_TAGS) if lost else bool(_DAMAGE.search(message))


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, list[str]]]:
    """Open a file, and collect what tifffile logs of it."""
    checks.check_pages(path)
    with (
        collect_log("tifffile") as messages,
        _Alone(path.open("rb", buffering=0)) as stream,
        tifffile.TiffFile(stream, name=path.name, **_ONE_FILE) as file,
    ):
        yield file, messages
