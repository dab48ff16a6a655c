"""A table of objects as a file of comma-separated values.

UTF-8, a header with units, points as decimal marks wherever the program runs; empty
where a number is not known, 1 and 0 for what is true and what is not.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.atomic import write_atomically
from napari_unet.measurements.table import Column, Measurements

_DIGITS = 8
"""So many digits of a fraction count: less than what rounding leaves of a sum."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these begins what a spreadsheet computes, or may even run."""


def write_csv(
    path: Path, columns: Sequence[Column], rows: npt.NDArray[np.intp]
) -> None:
    """Write the rows with these numbers, in this order; all of them or nothing.

    Raises a StorageError in words if that is impossible; what was there stays then.
    """
    _write(path, as_csv(columns, rows))


def write_csv_of_images(path: Path, tables: Mapping[str, Measurements]) -> None:
    """Write the objects of several images, whose names are the first column.

    What is measured in some of the images alone is empty for the others. Errors are
    those of `write_csv`.
    """
    texts = {
        name: {each.header: _texts(each.values) for each in table.columns}
        for name, table in tables.items()
    }
    headers = list(dict.fromkeys(h for each in texts.values() for h in each))
    lines: list[Sequence[str]] = []
    for name, table in tables.items():
        blank = [""] * len(table)
        columns = (texts[name].get(header, blank) for header in headers)
        lines += zip([harmless(name)] * len(table), *columns, strict=True)
    _write(path, _as_text(["image", *headers], lines))


def as_csv(columns: Sequence[Column], rows: npt.NDArray[np.intp]) -> str:
    """Return the text of a file with these rows."""
    texts = (_texts(each.values[rows]) for each in columns)
    return _as_text([each.header for each in columns], zip(*texts, strict=True))


def harmless(text: str) -> str:
    """Return a name so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text


def _as_text(headers: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([harmless(header) for header in headers])
    writer.writerows(lines)
    return written.getvalue()


def _write(path: Path, text: str) -> None:
    content = text.encode("utf-8")
    write_atomically(path, lambda file: file.write(content))


def _texts(values: npt.NDArray[Any]) -> list[str]:
    if values.dtype.kind in "biu":
        return [str(int(each)) for each in values.tolist()]
    numbers = values.tolist()
    return ["" if math.isnan(each) else f"{each:.{_DIGITS}g}" for each in numbers]
