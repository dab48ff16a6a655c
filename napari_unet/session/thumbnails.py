"""Small pictures of image files, made one by one for those that somebody sees."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_unet.core.jobs import Job
from napari_unet.geometry.axes import CANONICAL, resolve_axes, to_canonical
from napari_unet.io.read import read_image
from napari_unet.session.hub import Hub
from napari_unet.session.runner import Handlers

SIDE = 56
"""Pixels of the longer side."""
MOST_KEPT = 2000
"""About 10 kB each."""

_MOST_ASKED = 60
"""Who scrolls past many rows wants to see those where they stop."""
_MOST_BYTES = 2**28
_SAMPLED = 2**19
_DARK, _BRIGHT = 1, 99.7

Thumbnail: TypeAlias = npt.NDArray[np.uint8]
"""Grey (Y, X), or colours (Y, X, 3)."""


class Thumbnails:
    """Pictures by file and by when that was changed.

    Attributes
    ----------
    made : Signal(Path)
        There is one that was asked for.
    """

    made = Signal(object)

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._made: OrderedDict[tuple[Path, float], Thumbnail | None] = OrderedDict()
        self._asked: OrderedDict[tuple[Path, float], None] = OrderedDict()
        self._busy = False

    def get(self, path: Path, modified: float) -> Thumbnail | None:
        """Return one that is there; one that is not is made, and told of."""
        key = path, modified
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        self._asked[key] = None
        self._asked.move_to_end(key)
        while len(self._asked) > _MOST_ASKED:
            self._asked.popitem(last=False)
        return None

    @property
    def asked(self) -> int:
        """How many are still to be made."""
        return len(self._asked)

    def tick(self) -> None:
        """Begin the next one, the last that was asked for first."""
        if self._busy or not self._asked:
            return
        key, _ = self._asked.popitem()
        self._busy = True

        def keep(made: Thumbnail | None) -> None:
            self._busy = False
            self._made[key] = made
            while len(self._made) > MOST_KEPT:
                self._made.popitem(last=False)
            self.made.emit(key[0])
            self.tick()

        self._hub.runner.start(
            MakeThumbnail(key[0]),
            Handlers(result=keep, error=lambda _: keep(None), closed=self._on_closed),
        )

    def _on_closed(self) -> None:
        self._busy = False


@dataclass(frozen=True, slots=True)
class MakeThumbnail(Job[None, Thumbnail | None]):
    """Make a small picture of a file; None of one that is too large for that."""

    path: Path

    def run(self) -> Generator[None, None, Thumbnail | None]:
        """Read it, and make it small."""
        yield
        if self.path.is_file() and self.path.stat().st_size > _MOST_BYTES:
            return None
        found = read_image(self.path)
        pixels = found.array
        axes = found.axes or resolve_axes(pixels.shape, pixels.dtype).letters
        yield
        return thumbnail_of(pixels, axes)


def thumbnail_of(pixels: npt.NDArray[Any], axes: str) -> Thumbnail:
    """Return a small picture of the middle of an image; channels lie on each other."""
    whole = to_canonical(pixels, axes)
    times, sections = (whole.shape[CANONICAL.index(axis)] for axis in "TZ")
    planes = whole[times // 2, :, sections // 2]
    step = max(1, int((planes[0].size / _SAMPLED) ** 0.5))
    planes = np.asarray(planes[:, ::step, ::step]).astype(np.float32)
    small = np.stack([_shrunk(plane) for plane in planes])
    if axes.endswith("C") and len(small) in (3, 4):
        top = 255 if pixels.dtype == np.uint8 else max(float(small[:3].max()), 1e-9)
        return _bytes(np.moveaxis(small[:3], 0, -1) / top)
    grey: Thumbnail = np.max([_bytes(_stretched(each)) for each in small], axis=0)
    return grey


def _shrunk(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return means of squares, so that the longer side has so many pixels."""
    plane = np.nan_to_num(plane, posinf=0, neginf=0)
    side = max(1, -(-max(plane.shape) // SIDE))
    height, width = (n // side * side or n for n in plane.shape)
    tall, wide = (min(side, n) for n in (height, width))
    blocks = plane[:height, :width].reshape(height // tall, tall, width // wide, wide)
    means: npt.NDArray[np.float32] = blocks.mean((1, 3))
    return means


def _stretched(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    low, high = np.percentile(plane, (_DARK, _BRIGHT))
    spread: npt.NDArray[np.float32] = (plane - low) / max(float(high - low), 1e-9)
    return spread


def _bytes(shares: npt.NDArray[np.floating[Any]]) -> Thumbnail:
    return np.ascontiguousarray(np.clip(shares, 0, 1) * 255).astype(np.uint8)
