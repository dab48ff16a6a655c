"""The files of a journal: their names, their first lines, and what is read of them.

::

    journal/cells-1f2e3d.000001.jsonl      a segment: a line that says whose it is,
    journal/cells-1f2e3d.000002.jsonl      then one line for every change

A segment is only ever appended to, by the program that began it. After a crash its last
line may be incomplete; a later run of the program begins a new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.errors import StorageError
from napari_unet.project.fields import ImageFields
from napari_unet.project.record import Logged, decode_change, decode_line

_NAME = re.compile(r"(?P<key>[a-z0-9][a-z0-9-]{0,99})\.(?P<number>[0-9]{6,12})\.jsonl")
_BEGINNING = re.compile(rb'[0-9a-f]{8} \{"')
_LONGEST_LINE = 2**29

Files: TypeAlias = tuple[tuple[str, int], ...]
"""Names and sizes of the files of a journal."""


class Header(BaseModel):
    """The first line of a segment.

    Parameters
    ----------
    journal : int
        Version of the format.
    key : str
        Of the image.
    first : int
        Sequence number of the first change.
    image : ImageFields
        What the image is, so that the journal can be understood alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    journal: Literal[1]
    key: str = Field(max_length=100)
    first: int = Field(ge=1, le=2**53)
    image: ImageFields


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a journal."""

    path: Path
    key: str
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class JournalRead:
    """What was read of the journal of one image.

    Parameters
    ----------
    logged : tuple of Logged
        Changes in their order.
    torn : bool
        Whether the very last line has no end: a stroke was under way when the program
        was killed.
    damaged : int
        Other lines that are not what was written.
    missing : int
        Changes that should lie between others and are not there.
    trailing : int
        Those of the damaged lines that no change follows, so that no gap tells them.
    files : tuple of (str, int)
        What was read, with sizes; see `files_of`.
    """

    logged: tuple[Logged, ...] = ()
    torn: bool = False
    damaged: int = 0
    missing: int = 0
    trailing: int = 0
    files: Files = ()

    @property
    def last(self) -> int:
        """The largest number of a change; 0 if there is none."""
        return max((each.sequence for each in self.logged), default=0)

    @property
    def ordered(self) -> bool:
        """Whether changes count up: they do unless two windows wrote at a time."""
        return all(a.sequence < b.sequence for a, b in pairwise(self.logged))

    def tells_all(self, sequence: int) -> bool:
        """Whether every change is there, from the very first up to one of them."""
        first = self.logged[0].sequence if self.logged else 1
        return first == 1 and not self.missing and self.last >= sequence

    def after(self, sequence: int) -> tuple[Logged, ...]:
        """Return the changes after one of them."""
        return tuple(each for each in self.logged if each.sequence > sequence)


def segment_path(folder: Path, key: str, number: int) -> Path:
    """Return where a segment lies in the folder of journals."""
    return folder / f"{key}.{number:06d}.jsonl"


def list_segments(folder: Path) -> list[Segment]:
    """Return the segments of all images by key and number; links are none."""
    found = []
    for path in folder.glob("*.jsonl") if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name and not path.is_symlink() and path.is_file():
            found.append(Segment(path, name["key"], int(name["number"])))
    return sorted(found, key=lambda segment: (segment.key, segment.number))


def files_of(folder: Path, key: str) -> Files:
    """Return names and sizes of the files of a journal; they tell whether it grew."""
    found = []
    for segment in list_segments(folder):
        if segment.key == key:
            with suppress(OSError):
                found.append((segment.path.name, segment.path.stat().st_size))
    return tuple(found)


def read_header(path: Path) -> Header:
    """Read the first line of a segment.

    Raises
    ------
    StorageError
        If it cannot be read, or is not what was written.
    """
    try:
        with path.open("rb") as file:
            return decode_line(file.readline(_LONGEST_LINE), Header)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error


def read_journal(
    folder: Path, key: str, shape: tuple[int, ...], variables: int = 0
) -> JournalRead:
    """Read all that can be read of the journal of an image.

    Parameters
    ----------
    folder : Path
        The folder of journals.
    key : str
        Of the image.
    shape : tuple of int
        Of its provenance.
    variables : int
        How many there are, where values are regressed.
    """
    files = files_of(folder, key)
    logged: list[Logged] = []
    torn, damaged, trailing = False, 0, 0

    def decode(line: bytes) -> list[Logged]:
        with suppress(StorageError):
            return [decode_change(line, key, shape, variables)]
        return []

    for segment in list_segments(folder):
        if segment.key != key:
            continue
        # A stroke that an earlier crash tore was known when the next segment began.
        torn = False
        for line in _lines(segment.path):
            found = decode(line)
            if not found:
                found = [each for part in _parts(line) for each in decode(part)]
                torn = not (found or line.endswith(b"\n"))
                damaged, trailing = damaged + (not torn), trailing + (not torn)
            logged += found
            trailing = 0 if found else trailing
    missing = sum(max(0, b.sequence - a.sequence - 1) for a, b in pairwise(logged))
    return JournalRead(tuple(logged), torn, damaged, missing, trailing, files)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines after the first; none after one without an end."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
            if len(_parts(line)) > 1:
                # The end of the first one is damaged, and the next one follows in it.
                yield line
            while line.endswith(b"\n"):
                line = file.readline(_LONGEST_LINE)
                if line:
                    yield line
    except OSError:
        # What is unreadable from here on is as good as cut off.
        yield b""


def _parts(line: bytes) -> list[bytes]:
    """Return the lines in one: several where the ends of some are damaged."""
    starts = [match.start() for match in _BEGINNING.finditer(line)]
    return [line[start:stop] for start, stop in pairwise([*starts, len(line)])]
