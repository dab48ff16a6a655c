"""Look at an image that is larger than memory: is there anything, and of which size.

`napari_unet.inference.measure` looks at whole planes. Of large ones it gets windows:
those first in which grey values differ most. Whoever waits for a view has no time for
all pixels either; `sample_of` is what grey values are measured in then.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import mapped
from napari_unet.errors import UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.images.source import ArrayImage, CanonicalImage
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.predict import iter_nothing
from napari_unet.inference.sizes import Limits, iter_zoom
from napari_unet.weights.model import Model

R = TypeVar("R")

LARGE_PLANE = 2**24
"""Pixels of a plane that is still looked at as a whole."""

_WINDOW = 2048
_THUMBNAIL = 512
_SQUARE, _SQUARES = 256, 6
_CHOICE, _FEW = 4, 2
_GLANCE = 768


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen: whether there is anything, and by how much planes are zoomed."""

    blank: bool
    zoom: float


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A part of a plane (C, Y, X) of an image; an `ImageSource`."""

    image: CanonicalImage
    frame: int
    section: int
    box: Box
    axes: str = "CYX"
    pixel_size: MappingProxyType[str, float] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, rows, columns."""
        return self.image.shape[1], *self.box.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the image."""
        return self.image.source.dtype

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """The only one."""
        return (self.shape,)

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return a region of the window."""
        del level
        inside = Box(region.start[1:], region.stop[1:]).placed_in(self.box)
        plane = self.image.plane(self.frame, self.section, inside)
        return plane[region.start[0] : region.stop[0]]


def iter_look(
    image: CanonicalImage,
    model: Model,
    predictor: PlanePredictor,
    limits: Limits,
    *,
    diameter: float | None,
    pixel_size: float | None,
    raw: bool,
    first: CanonicalImage | None = None,
) -> Generator[PredictEvent, None, Looked]:
    """Look for a part in which there is something, and measure its objects.

    Where a person waits, only in the part that is to be seen `first`, and where grey
    values differ most.
    """
    told, held = diameter is not None, list[Notice]()
    parts = _parts(image) if first is None else [first, *_telling(image)[:_FEW]]
    for part in parts:
        try:
            if not raw:
                steps = iter_nothing(part, model, limits, told=told)
                if (yield from _iter_holding(held, steps)) is not None:
                    continue
            zoom = yield from iter_zoom(
                part, model, predictor, limits, diameter, pixel_size
            )
        except UnreadableRegion:
            continue  # told of when its block is predicted
        return Looked(blank=False, zoom=zoom)
    if first is not None:
        return Looked(blank=False, zoom=1.0)
    yield from held[:1]
    return Looked(blank=bool(held), zoom=1.0)


def sample_of(image: CanonicalImage, first: CanonicalImage) -> CanonicalImage:
    """Return pixels of a large image, with those of a part of it, in memory.

    Squares that are spread evenly over some planes: what is scaled by their grey values
    is scaled nearly as by those of all, and alike in every view. Where an image is
    empty there, the part has what a person looks at.
    """
    rows, columns = (_evenly(n) for n in image.shape[3:])
    planes = _some(image.shape[0]), _some(image.shape[2])
    parts = []
    for frame, section, row, column in product(*planes, rows, columns):
        box = Box((row, column), (row + _SQUARE, column + _SQUARE))
        box = box.intersect(Box.whole(image.shape[3:]))
        with suppress(UnreadableRegion):  # told of when it is predicted
            part = image.plane(frame, section, box)
            parts.append(part.reshape(part.shape[0], 1, -1))
    with suppress(UnreadableRegion):
        seen = first.read(Box.whole(first.shape))[0]
        parts.append(seen.reshape(seen.shape[0], 1, -1))
    if not parts:
        first.read(Box.whole(first.shape))  # which says what is wrong
    pixels = np.concatenate(parts, axis=2)
    return CanonicalImage(ArrayImage(array=pixels, axes="CYX"), "CYX")


def _evenly(extent: int) -> list[int]:
    last = max(0, extent - _SQUARE)
    return sorted({round(last * n / (_SQUARES - 1)) for n in range(_SQUARES)})


def _iter_holding(
    held: list[Notice], steps: Generator[PredictEvent, None, R]
) -> Generator[PredictEvent, None, R]:
    """Pass steps on, but keep what a person should only know if it is true of all."""

    def hold(event: PredictEvent) -> PredictEvent:
        if not isinstance(event, Notice):
            return event
        held.append(event)
        return TilesDone(0, 1)

    return (yield from mapped(hold, steps))


def _parts(image: CanonicalImage) -> Iterator[CanonicalImage]:
    """Yield the image, or else windows: some that tell most, and then all."""
    shape = image.shape[3:]
    if math.prod(shape) <= LARGE_PLANE:
        yield image
        return
    yield from _telling(image)
    every = (range(n) for n in (image.shape[0], image.shape[2]))
    tiles = (range(0, n, _WINDOW) for n in shape)
    yield from (_canonical(_window(image, *place)) for place in product(*every, *tiles))


def _telling(image: CanonicalImage) -> list[CanonicalImage]:
    """Return windows that are spread over the image, those that tell most first."""
    planes = _some(image.shape[0]), _some(image.shape[2])
    starts = [_spread(n) for n in image.shape[3:]]
    windows = [_window(image, *place) for place in product(*planes, *starts)]
    return [_canonical(each) for each in sorted(windows, key=_contrast, reverse=True)]


def glance_at(
    image: CanonicalImage, frame: int, section: int, box: Box
) -> CanonicalImage:
    """Return the middle of a box of a plane, as large as is looked at quickly."""
    start = tuple(
        max(a, (a + b - _GLANCE) // 2) for a, b in zip(box.start, box.stop, strict=True)
    )
    middle = Box(start, tuple(a + _GLANCE for a in start)).intersect(box)
    return _canonical(Window(image, frame, section, middle))


def _some(count: int) -> list[int]:
    return sorted({0, count // 2, count - 1})


def _spread(extent: int) -> list[int]:
    """Return where windows start that are spread along an axis."""
    last = max(0, extent - _WINDOW)
    return sorted({round(last * n / (_CHOICE - 1)) for n in range(_CHOICE)})


def _window(
    image: CanonicalImage, frame: int, section: int, row: int, column: int
) -> Window:
    box = Box((row, column), (row + _WINDOW, column + _WINDOW))
    return Window(image, frame, section, box.intersect(Box.whole(image.shape[3:])))


def _canonical(window: Window) -> CanonicalImage:
    return CanonicalImage(window, window.axes)


def _contrast(window: Window) -> float:
    """Return how much the grey values in the middle of a window differ."""
    shape = window.shape[1:]
    start = tuple(max(0, (n - _THUMBNAIL) // 2) for n in shape)
    stop = tuple(min(n, a + _THUMBNAIL) for n, a in zip(shape, start, strict=True))
    try:
        seen = window.read(Box((0, *start), (window.shape[0], *stop)))
    except UnreadableRegion:
        return 0.0
    if seen.dtype.kind == "f":
        seen = seen[np.isfinite(seen)]
    return float(seen.std()) if seen.size else 0.0
