"""Reads the journal of an image: one line for every change, in one or more files.

::

    journal/cells-1f2e3d.000001.jsonl      a segment: a line that says whose it is,
    journal/cells-1f2e3d.000002.jsonl      then one line for every change

A segment is only ever appended to, by the program that began it. After a crash its last
line may be incomplete; a later run of the program begins a new one.

There is one reader, `scan_journal`. It goes on after anything that is damaged, and
tells what is whole, torn or missing. Opening an image believes only lines that are as
they were written (`read_journal`); repairing a project also takes those of which only
the end is damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal_line import Logged, decode_change, decode_line
from napari_unet.project.layout import parse_segment_name

_BEGINNING = re.compile(rb'[0-9a-f]{8} \{"')
_LONGEST_LINE = 2**29
_LARGEST_SEGMENT = 2**31

Files: TypeAlias = tuple[tuple[str, int], ...]
"""Names and sizes of the files of a journal."""


class Header(BaseModel):
    """The first line of a segment; with it a journal can be understood alone.

    Parameters
    ----------
    journal : int
        Version of the format.
    key : str
        Of the image.
    first : int
        Sequence number of the first change.
    image : ImageFields
        What the image is.
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
class Line:
    """A change and the line that tells it; `restored` if its end was damaged."""

    text: bytes
    logged: Logged
    restored: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SegmentScan:
    """What one file of a journal holds.

    Parameters
    ----------
    header : Header or None
        Its first line, if that is whole.
    lines : tuple of Line
        Changes that can be read.
    damaged : int
        Lines that are not what was written, the first among them.
    rescued : int
        Changes among `lines` that were found in damaged lines.
    unread : int
        Damaged lines in which no change is as it was written.
    trailing : int
        Those of them that no change as it was written follows.
    torn : bool
        Whether it ends in a line that is cut short and tells no change: the program
        was killed while it wrote.
    cut : bool
        Whether a line that tells a change has no end.
    problem : str
        Why it cannot be read, or not to its end.
    """

    segment: Segment
    header: Header | None = None
    lines: tuple[Line, ...] = ()
    damaged: int = 0
    rescued: int = 0
    unread: int = 0
    trailing: int = 0
    torn: bool = False
    cut: bool = False
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether it is what was written, but perhaps for its end."""
        return not (self.damaged or self.rescued or self.problem)

    @property
    def written(self) -> tuple[Logged, ...]:
        """Changes whose lines are as they were written."""
        return tuple(line.logged for line in self.lines if not line.restored)


@dataclass(frozen=True, slots=True, eq=False)
class JournalRead:
    """The changes of an image, in the order of the files.

    Parameters
    ----------
    torn : bool
        Whether the very last line has no end: a stroke was under way when the program
        was killed.
    damaged : int
        Other lines that are not what was written; when an image is opened, those that
        tell no change.
    trailing : int
        Those of the damaged lines that no change follows, so that no gap tells them.
    segments : tuple of SegmentScan
        What `scan_journal` found, file by file.
    files : tuple of (str, int)
        What `read_journal` read, with sizes; see `files_of`.
    """

    logged: tuple[Logged, ...] = ()
    torn: bool = False
    damaged: int = 0
    trailing: int = 0
    segments: tuple[SegmentScan, ...] = ()
    files: Files = ()

    @property
    def last(self) -> int:
        """The largest number of a change; 0 if there is none."""
        return max((each.sequence for each in self.logged), default=0)

    @property
    def ordered(self) -> bool:
        """Whether changes count up: they do unless two windows wrote at a time."""
        last = 0
        for scan in self.segments:
            if scan.header is not None and scan.header.first <= last:
                return False
            last = max([last, *(line.logged.sequence for line in scan.lines)])
        return all(a.sequence < b.sequence for a, b in pairwise(self.logged))

    @property
    def nameless(self) -> bool:
        """Whether nobody knows after which change some file was begun."""
        return any(
            scan.header is None and bool(scan.damaged or scan.problem)
            for scan in self.segments
        )

    @property
    def sound(self) -> bool:
        """Whether all of it is what was written."""
        return self.ordered and all(scan.sound for scan in self.segments)

    def missing(self, after: int, until: int | None = None) -> int:
        """Return how many changes are not there, of those after one up to another."""
        until = self.last if until is None else until
        there = {
            each.sequence for each in self.logged if after < each.sequence <= until
        }
        return max(0, until - after) - len(there)

    def tells_all(self, sequence: int) -> bool:
        """Whether every change is there, from the very first up to one of them."""
        return not self.missing(0, max(sequence, self.last))

    def after(self, sequence: int) -> tuple[Logged, ...]:
        """Return the changes after one of them."""
        return tuple(each for each in self.logged if each.sequence > sequence)


def list_segments(folder: Path, key: str | None = None) -> list[Segment]:
    """Return the segments of an image, or of all; links are none."""
    found = []
    for path in folder.glob("*.jsonl") if folder.is_dir() else ():
        name = parse_segment_name(path.name)
        if name and not path.is_symlink() and path.is_file():
            found.append(Segment(path, *name))
    ours = [segment for segment in found if key in (None, segment.key)]
    return sorted(ours, key=lambda segment: (segment.key, segment.number))


def files_of(folder: Path, key: str) -> Files:
    """Return names and sizes of the files of a journal; they tell whether it grew."""
    found = []
    for segment in list_segments(folder, key):
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


def find_header(segments: Sequence[Segment]) -> Header | None:
    """Return the newest first line of a journal that can be read."""
    for segment in reversed(segments):
        with suppress(OSError), segment.path.open("rb") as file:
            first = file.readline(_LONGEST_LINE)
            if header := _header(first, segment) or _cut_header(first, segment):
                return header
    return None


def scan_journal(segments: Sequence[Segment], image: ImageFields) -> JournalRead:
    """Read all that can be read of the journal of an image."""
    scans = tuple(_Reader(each, image).scan() for each in segments)
    return JournalRead(
        tuple(line.logged for scan in scans for line in scan.lines),
        torn=any(scan.torn for scan in scans[-1:]),
        damaged=sum(scan.damaged for scan in scans),
        segments=scans,
    )


def read_journal(folder: Path, key: str, image: ImageFields) -> JournalRead:
    """Read what is as it was written in the journal of an image."""
    files = files_of(folder, key)
    scans = scan_journal(list_segments(folder, key), image).segments
    trailing = 0
    for scan in scans:
        trailing = scan.trailing + (0 if scan.written else trailing)
    return JournalRead(
        tuple(each for scan in scans for each in scan.written),
        # A stroke that an earlier crash tore was known when the next segment began.
        torn=any(scan.cut or scan.problem for scan in scans[-1:]),
        damaged=sum(scan.unread for scan in scans),
        trailing=trailing,
        files=files,
    )


class _Reader:
    """Reads one file, and counts lines that are not what was written."""

    def __init__(self, segment: Segment, image: ImageFields) -> None:
        self._segment = segment
        self._shape, self._variables = image.labels_shape, image.variables
        self._lines: list[Line] = []
        self._damaged = self._rescued = self._unread = self._trailing = 0

    def scan(self) -> SegmentScan:
        header, problem, torn, cut = None, "", False, False
        try:
            if self._segment.path.stat().st_size > _LARGEST_SEGMENT:
                raise StorageError("is larger than any journal")
            with self._segment.path.open("rb") as file:
                first = file.readline(_LONGEST_LINE)
                torn = not first.endswith(b"\n")
                cut = torn and len(_parts(first)) > 1
                if not torn:
                    header = self._first(first)
                    torn, cut = self._others(file)
        except StorageError as error:
            problem = str(error)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        counts = self._damaged, self._rescued, self._unread, self._trailing
        lines = tuple(self._lines)
        return SegmentScan(self._segment, header, lines, *counts, torn, cut, problem)

    def _first(self, line: bytes) -> Header | None:
        """Read the first line; a damaged one may hold the next one, too."""
        if header := _header(line, self._segment):
            return header
        self._damaged += 1
        found = self._rescue(line)
        if len(_parts(line)) > 1:
            self._note(found)
        return _cut_header(line, self._segment)

    def _others(self, file: BinaryIO) -> tuple[bool, bool]:
        """Read all other lines; return whether the last one is torn, and cut."""
        while line := file.readline(_LONGEST_LINE):
            if logged := self._decode(line):
                self._lines.append(Line(line, logged))
                self._trailing = 0
                continue
            found = self._rescue(line)
            if not line.endswith(b"\n"):
                return not found, True
            self._damaged += 1
            self._note(found)
        return False, False

    def _rescue(self, line: bytes) -> list[Line]:
        """Find changes in a line that is not as it was written."""
        found = [each for part in _parts(line) for each in self._whole(part)]
        self._lines += found
        self._rescued += len(found)
        return found

    def _whole(self, part: bytes) -> Iterator[Line]:
        for text in (part, part[:-1] + b"\n", part + b"\n"):
            if logged := self._decode(text):
                yield Line(text, logged, restored=text is not part)
                return

    def _note(self, found: list[Line]) -> None:
        """Count a damaged line that holds no change as it was written."""
        if any(not each.restored for each in found):
            self._trailing = 0
        else:
            self._unread, self._trailing = self._unread + 1, self._trailing + 1

    def _decode(self, line: bytes) -> Logged | None:
        with suppress(StorageError):
            return decode_change(line, self._segment.key, self._shape, self._variables)
        return None


def _header(line: bytes, segment: Segment) -> Header | None:
    with suppress(StorageError):
        header = decode_line(line, Header)
        return header if header.key == segment.key else None
    return None


def _cut_header(line: bytes, segment: Segment) -> Header | None:
    """Return a header whose line lost its end, so that the next one follows it."""
    starts = [match.start() for match in _BEGINNING.finditer(line)]
    found = (_header(line[: start - 1] + b"\n", segment) for start in starts[:3])
    return next((header for header in found if header), None)


def _parts(line: bytes) -> list[bytes]:
    """Return the lines in one: several where the ends of some are damaged."""
    starts = [match.start() for match in _BEGINNING.finditer(line)]
    return [line[start:stop] for start, stop in pairwise([*starts, len(line)])]
