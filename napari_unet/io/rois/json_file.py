"""What files of regions in JSON have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.errors import InputError
from napari_unet.io.rois.outlines import Loop

_LARGEST_FILE = 2**29
_FEWEST_CORNERS = 3


def read_json(path: Path, what: str) -> Any:
    """Return what a file says; an InputError if it is none of JSON.

    QuPath writes NaN for what it did not measure, which JSON does not know.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{str(path)!r} is too large for {what}; check it.")
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{str(path)!r} is incomplete or damaged, and no {what}; export it again."
        ) from error
    except OSError as error:
        raise InputError(
            f"Cannot read {str(path)!r}: {error.strerror or error}."
        ) from error


def loop_of(points: Any) -> Loop:
    """Return corners (Y, X) of pairs X, Y; a ValueError if they are no outline."""
    loop = np.asarray(points, np.float64)
    if loop.ndim != 2 or loop.shape[1] < 2 or len(loop) < _FEWEST_CORNERS:
        raise ValueError("no outline")
    if not np.isfinite(loop).all():
        raise ValueError("an outline that goes nowhere")
    return loop[:, 1::-1]


def whole(number: Any) -> int:
    """Return a number, 0 where it is none or has a fraction."""
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number[:20])
    if isinstance(number, bool) or not isinstance(number, int | float):
        return 0
    return int(number) if number == number // 1 else 0
