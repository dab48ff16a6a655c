"""Reads the journal of an image, which lies in one or more files, its segments.

A segment is a line that says whose it is, then one line for every change. It is only
ever appended to, by the program that began it. After a crash its last line may be
incomplete; a later run of the program begins a new one.

There is one reader, `scan_journal`. It goes on after anything that is damaged, and
tells what is whole, torn or missing. Opening an image believes only lines that are as
they were written (`read_journal`); repairing a project also takes those of which only
the end is damaged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
    """The first line of a segment: format version, image, first change's number."""

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


@dataclass(slots=True, eq=False)
class SegmentScan:
    """What one file of a journal holds; `problem` says why reading stopped.

    `damaged` lines are not as written, the header included; `rescued` changes were
    found in such lines. `unread` are damaged lines without any change as written;
    `trailing` are those of them after which no change follows. `cut`: the last line has
    no end. `torn`: it has no end and holds no change, because the program was killed.
    """

    segment: Segment
    header: Header | None = None
    lines: list[Line] = field(default_factory=list)
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

    `torn`: the very last line has no end, because the program was killed in a stroke.
    `damaged` counts other lines that are not as written (`scan_journal`), or that hold
    no change (`read_journal`); no change follows the `trailing` ones, so no gap shows
    them.
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
    """Read the first line of a segment; a StorageError tells why it cannot be read."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    return decode_line(line, Header)


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
    scans = tuple(_scan(each, image) for each in segments)
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


def _scan(segment: Segment, image: ImageFields) -> SegmentScan:
    scan = SegmentScan(segment)
    try:
        if segment.path.stat().st_size > _LARGEST_SEGMENT:
            raise StorageError("is larger than any journal")
        with segment.path.open("rb") as file:
            _read_lines(file, scan, image)
    except StorageError as error:
        scan.problem = str(error)
    except OSError as error:
        scan.problem = f"cannot be read: {error.strerror}"
    return scan


def _read_lines(file: BinaryIO, scan: SegmentScan, image: ImageFields) -> None:
    """Read the first line, of which a damaged one may hold the next one, and others."""
    first = file.readline(_LONGEST_LINE)
    several = len(_parts(first)) > 1
    if not first.endswith(b"\n"):
        scan.torn, scan.cut = True, several
        return
    scan.header = _header(first, scan.segment)
    if scan.header is None:
        scan.header = _cut_header(first, scan.segment)
        scan.damaged += 1
        found = _rescue(first, scan, image)
        if several:
            _note(scan, found)
    while line := file.readline(_LONGEST_LINE):
        if logged := _decode(line, scan.segment, image):
            scan.lines.append(Line(line, logged))
            scan.trailing = 0
            continue
        found = _rescue(line, scan, image)
        if not line.endswith(b"\n"):
            scan.torn, scan.cut = not found, True
            return
        scan.damaged += 1
        _note(scan, found)


def _rescue(line: bytes, scan: SegmentScan, image: ImageFields) -> list[Line]:
    """Find changes in a line that is not as it was written."""
    found = []
    for part in _parts(line):
        for text in (part, part[:-1] + b"\n", part + b"\n"):
            if logged := _decode(text, scan.segment, image):
                found.append(Line(text, logged, restored=text is not part))
                break
    scan.lines += found
    scan.rescued += len(found)
    return found


def _note(scan: SegmentScan, found: list[Line]) -> None:
    """Count a damaged line that holds no change as it was written."""
    if any(not each.restored for each in found):
        scan.trailing = 0
    else:
        scan.unread += 1
        scan.trailing += 1


def _decode(line: bytes, segment: Segment, image: ImageFields) -> Logged | None:
    with suppress(StorageError):
        return decode_change(line, segment.key, image.labels_shape, image.variables)
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
