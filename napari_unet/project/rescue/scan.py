"""A journal line by line: what is whole, what is torn, and what can be saved of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from napari_unet.errors import StorageError
from napari_unet.project.fields import ImageFields
from napari_unet.project.record import Logged, decode_change, decode_line
from napari_unet.project.segments import Header, JournalRead, Segment
from napari_unet.tasks import task_of

_LARGEST_SEGMENT = 2**31
_BEGINNING = re.compile(rb'[0-9a-f]{8} \{"')


@dataclass(frozen=True, slots=True, eq=False)
class SegmentScan:
    """What one file of a journal holds.

    Parameters
    ----------
    segment : Segment
        The file.
    header : Header or None
        Its first line, if that is whole.
    lines : tuple of (bytes, Logged)
        Whole lines with what they say.
    damaged : int
        Lines that are not what was written, the first among them.
    rescued : int
        Whole lines in places where only the ends of lines are damaged.
    torn : bool
        Whether it ends in the middle of a line: the program was killed.
    problem : str
        Why it cannot be read at all, or nothing.
    """

    segment: Segment
    header: Header | None = None
    lines: tuple[tuple[bytes, Logged], ...] = ()
    damaged: int = 0
    rescued: int = 0
    torn: bool = False
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether it is what was written, but perhaps for its end."""
        return not (self.damaged or self.rescued or self.problem)


@dataclass(frozen=True, slots=True, eq=False)
class JournalScan:
    """The whole journal of one image."""

    segments: tuple[SegmentScan, ...] = ()

    @property
    def logged(self) -> tuple[Logged, ...]:
        """All changes that can be read, in the order of the files."""
        return tuple(each for scan in self.segments for _, each in scan.lines)

    @property
    def last(self) -> int:
        """The largest number of a change; 0 if there is none."""
        return max((each.sequence for each in self.logged), default=0)

    @property
    def torn(self) -> bool:
        """Whether the program was killed while it wrote the last line."""
        return bool(self.segments) and self.segments[-1].torn

    @property
    def ordered(self) -> bool:
        """Whether changes count up, from each file to the next one as well."""
        last = 0
        for scan in self.segments:
            if scan.header is not None and scan.header.first <= last:
                return False
            numbers = [last, *(each.sequence for _, each in scan.lines)]
            if any(a >= b for a, b in pairwise(numbers)):
                return False
            last = numbers[-1]
        return True

    @property
    def nameless(self) -> bool:
        """Whether nobody knows after which change some file of it was begun."""
        return any(
            scan.header is None and bool(scan.damaged or scan.problem)
            for scan in self.segments
        )

    @property
    def sound(self) -> bool:
        """Whether all of it is what was written."""
        return self.ordered and all(scan.sound for scan in self.segments)

    @property
    def damaged(self) -> int:
        """How many lines are not what was written."""
        return sum(scan.damaged for scan in self.segments)

    def missing(self, after: int, until: int | None = None) -> int:
        """Return how many changes are not there, of those after one up to another."""
        until = self.last if until is None else until
        there = {
            each.sequence for each in self.logged if after < each.sequence <= until
        }
        return max(0, until - after) - len(there)

    def read(self) -> JournalRead:
        """Return it as `read_journal` does."""
        return JournalRead(self.logged, self.torn, self.damaged)


def find_header(segments: Sequence[Segment]) -> Header | None:
    """Return the newest first line of a journal that is whole."""
    for segment in reversed(segments):
        header = _scan(segment, None).header
        if header is not None:
            return header
    return None


def scan_journal(segments: Sequence[Segment], image: ImageFields) -> JournalScan:
    """Read all that can be read of the journal of an image."""
    return JournalScan(tuple(_scan(segment, image) for segment in segments))


def _scan(segment: Segment, image: ImageFields | None) -> SegmentScan:
    try:
        if segment.path.stat().st_size > _LARGEST_SEGMENT:
            return SegmentScan(segment, problem="is larger than any journal")
        content = segment.path.read_bytes()
    except OSError as error:
        return SegmentScan(segment, problem=f"cannot be read: {error.strerror}")
    *whole, tail = content.split(b"\n")
    if not whole:
        return SegmentScan(segment, torn=True)
    first = whole[0] + b"\n"
    header = _header(first, segment)
    if image is None:
        return SegmentScan(segment, header or _cut_header(first, segment))
    reader = _Reader(segment.key, image)
    if header is None:
        header = _cut_header(first, segment)
        reader.rescue(first)
    for line in whole[1:]:
        reader.read(line + b"\n")
    torn = bool(tail) and not reader.rescues(tail)
    return SegmentScan(
        segment, header, tuple(reader.lines), reader.damaged, reader.rescued, torn
    )


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


class _Reader:
    """Collects whole lines, and counts the others."""

    def __init__(self, key: str, image: ImageFields) -> None:
        self._key = key
        self._shape = image.labels_shape
        self._variables = task_of(image).labels.variables(image.names)
        self.lines: list[tuple[bytes, Logged]] = []
        self.damaged = 0
        self.rescued = 0

    def read(self, line: bytes) -> None:
        logged = self._decode(line)
        if logged is None:
            self.rescue(line)
        else:
            self.lines.append((line, logged))

    def rescue(self, line: bytes) -> None:
        self.damaged += 1
        self.rescues(line)

    def rescues(self, line: bytes) -> bool:
        """Find whole lines in one that is not; return whether there are any."""
        found = [*self._whole_parts(line)]
        self.lines += found
        self.rescued += len(found)
        return bool(found)

    def _whole_parts(self, line: bytes) -> Iterator[tuple[bytes, Logged]]:
        starts = [match.start() for match in _BEGINNING.finditer(line)]
        for start, stop in pairwise([*starts, len(line)]):
            part = line[start:stop]
            for text in (part, part[:-1] + b"\n", part + b"\n"):
                if logged := self._decode(text):
                    yield text, logged
                    break

    def _decode(self, line: bytes) -> Logged | None:
        with suppress(StorageError):
            return decode_change(line, self._key, self._shape, self._variables)
        return None
