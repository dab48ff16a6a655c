"""The report of a prediction: a line a file, in a CSV file that grows line by line.

Whatever ends the program, the lines of what was done are there. A prediction that goes
on adds to the report; of a file that has several lines, the last one counts.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from napari_unet.core.atomic import told_in_words
from napari_unet.errors import InputError

Status: TypeAlias = Literal["written", "kept", "failed"]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a file; `kept` is a result that was there already."""

    file: str
    result: str
    status: Status
    objects: int | None = None
    seconds: float | None = None
    message: str = ""


COLUMNS = [field.name for field in fields(Line)]


class RunReport:
    """A report that is open, or none; in that case nothing is written.

    It has told already of the files in `known` how they were made.
    """

    def __init__(
        self,
        path: Path | None = None,
        file: TextIO | None = None,
        known: Collection[str] = (),
    ) -> None:
        self._path, self._file, self._known = path, file, known

    def add(self, line: Line) -> None:
        """Write a line, and push it out of this program."""
        if self._path is None or self._file is None:
            return
        if line.status == "kept" and line.file in self._known:
            return
        with told_in_words(self._path):
            csv.DictWriter(self._file, COLUMNS).writerow(asdict(line))
            self._file.flush()


@contextmanager
def opened_report(path: Path | None, *, go_on: bool) -> Iterator[RunReport]:
    """Open a report: a new one, or to `go_on` with one that may be there.

    Raises
    ------
    InputError
        If it should go on, and another file is there.
    StorageError
        If it cannot be written.
    """
    if path is None:
        yield RunReport()
        return
    with told_in_words(path):
        there = go_on and path.is_file() and path.stat().st_size > 0
        known = _read(path) if there else set()
        file = path.open("a" if there else "w", encoding="utf-8", newline="")
    with file:
        if not there:
            with told_in_words(path):
                csv.DictWriter(file, COLUMNS).writeheader()
                file.flush()
        yield RunReport(path, file, known)


def _read(path: Path) -> set[str]:
    """Return the files whose last line says that their result was there.

    A last line that has no end is taken away: the machine went down in the middle.
    """
    with path.open("r+b") as file:
        whole = file.read()
        if whole.partition(b"\n")[0].strip() != ",".join(COLUMNS).encode():
            raise InputError(
                f"{path} is no report of a prediction, whose first line is "
                f"{','.join(COLUMNS)}; choose another place for --report."
            )
        file.truncate(whole.rindex(b"\n") + 1)
    with path.open(encoding="utf-8", newline="") as text:
        last = {row["file"]: row["status"] for row in csv.DictReader(text)}
    return {name for name, status in last.items() if status in ("written", "kept")}
