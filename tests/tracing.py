"""Which files pixels pass while something runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

import napari_unet

PACKAGE = Path(napari_unet.__file__).parent
# Regions, axes, ids and loops: what any array needs, whatever it shows.
BELOW = {"core", "geometry", "errors.py"}
# A network is one stop, whatever its layers, and so is what finds objects in its maps,
# whatever its steps; which ones these are, a model says.
AS_ONE = {"nets", "instances"}


def stops_of(
    run: Callable[[], object], besides: frozenset[str] = frozenset(), depth: int = 3
) -> list[str]:
    """Return the files in which a function is given pixels, in their order.

    Those of the rooms `besides` do not count; values are looked into so deep.
    """
    found: dict[str, None] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or not path.is_relative_to(PACKAGE):
            return
        room, *_ = path.relative_to(PACKAGE).parts
        stop = room if room in AS_ONE else path.relative_to(PACKAGE).as_posix()
        if room in BELOW | besides or stop in found:
            return
        if any(carries_pixels(each, depth) for each in frame.f_locals.values()):
            found[stop] = None

    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(None)
    return list(found)


def carries_pixels(value: Any, depth: int) -> bool:
    """Whether a value is an image, labels or maps, or holds some."""
    if isinstance(value, np.ndarray | torch.Tensor):
        return value.ndim > 1
    if not depth:
        return False
    if is_dataclass(value):
        held = [getattr(value, field.name, None) for field in fields(value)]
    else:
        held = list(value) if isinstance(value, list | tuple) else []
    return any(carries_pixels(each, depth - 1) for each in held)
