"""A table of objects as a file of comma-separated values.

UTF-8, a header with units, points as decimal marks wherever the program runs; empty
where a number is not known, 1 and 0 for what is true and what is not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.atomic import write_atomically
from napari_unet.measurements.table import Column

_DIGITS = 8
"""So many digits of a fraction count: less than what rounding leaves of a sum."""


def write_csv(
    path: Path, columns: Sequence[Column], rows: npt.NDArray[np.intp]
) -> None:
    """Write the rows with these numbers, in this order; all of them or nothing.

    Raises a StorageError in words if that is impossible; what was there stays then.
    """
    text = as_csv(columns, rows).encode("utf-8")
    write_atomically(path, lambda file: file.write(text))


def as_csv(columns: Sequence[Column], rows: npt.NDArray[np.intp]) -> str:
    """Return the text of a file with these rows."""
    written = io.StringIO(newline="")
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow([each.header for each in columns])
    lines.writerows(zip(*(_texts(each.values[rows]) for each in columns), strict=True))
    return written.getvalue()


def _texts(values: npt.NDArray[Any]) -> list[str]:
    if values.dtype.kind in "biu":
        return [str(int(each)) for each in values.tolist()]
    return ["" if each != each else f"{each:.{_DIGITS}g}" for each in values.tolist()]
