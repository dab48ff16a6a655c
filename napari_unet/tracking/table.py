"""Tracks as a table of comma-separated values: id, first, last, parent."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_unet import measurements
from napari_unet.errors import InputError
from napari_unet.measurements.table import Column
from napari_unet.tracking.tracks import Track

_NAMES = ("id", "first", "last", "parent")
_MOST_BYTES = 2**28


def write_tracks(path: Path, tracks: Sequence[Track]) -> None:
    """Write a row for each track, whole or not at all.

    Frames count from 0, and a parent of 0 is none.
    """
    columns = [
        Column(name, "", "", np.array([getattr(each, name) for each in tracks], int))
        for name in _NAMES
    ]
    measurements.write_csv(path, columns, np.arange(len(tracks)))


def read_tracks(path: Path) -> tuple[Track, ...]:
    """Read what `write_tracks` wrote, or another program with the same columns.

    Raises an InputError if it is no such table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file.read(_MOST_BYTES).splitlines())
        places = [header.index(name) for name in _NAMES]
        return tuple(Track(*(int(row[place]) for place in places)) for row in rows)
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise InputError(
            f"Expected a table of tracks in {str(path)!r}, with whole numbers in the "
            f"columns {', '.join(_NAMES)}, found none; take the file that "
            "predict --track or track --tracks wrote."
        ) from error
