"""Find out how large the objects of an image are, with the network that will find them.

A quick look at a part of the image measures objects that have a size the network knows.
Others are measured wrongly, but on the right side: so the part is zoomed by what was
measured, and looked at again. Very large objects are the exception, because the network
sees no more than their texture; so the first look is taken from afar, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.scale import (
    LEAST_ZOOM,
    MOST_ZOOM,
    Grey,
    Range,
    resize,
    zoom_for,
    zoomed_shape,
)
from napari_unet.instances.diameter import typical_diameter

Segment: TypeAlias = Callable[[Grey], Generator[PredictEvent, None, LabelMap]]

_SAMPLE = 512
_CHOICE = 4
_PLANES = 3
_ROUNDS = 3
_AFAR = 1 / 3
_NEAR = 2.0
_LEAST_EXPECTED = 2.0

_OUT_OF_SIGHT = 4.0
_OTHER_OBJECTS = 3.0
_SAME_COVER = 0.9
"""From afar objects may be seen that are so many times larger than any that the model
knows, and than those seen before, and cover as much: those are their texture. Smaller
ones are more likely to be some that merge from afar, as spread cells do."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen at some zoom: diameter in pixels of the plane, share of objects."""

    zoom: float
    diameter: float
    cover: float


def plausible(expected: float | None, shape: tuple[int, ...]) -> float | None:
    """Return a diameter in pixels that a pixel size makes likely, if it can be true.

    Objects that would be nothing, or more than the plane (Y, X), speak of a wrong pixel
    size, as many files have.
    """
    if expected is None or not _LEAST_EXPECTED <= expected <= max(shape):
        return None
    return expected


def telling_planes(
    image: npt.NDArray[Any], spread: Callable[[npt.NDArray[Any]], float]
) -> list[tuple[int, int]]:
    """Return frames and sections in which there is most to see, the best first.

    Parameters
    ----------
    image : ndarray, shape (T, C, Z, Y, X)
        Any dtype.
    spread : callable
        How much there is to see in some pixels (C, Y, X).

    Returns
    -------
    list of (int, int)
        (t, z) of a few planes out of nine, which are spread over the image.
    """
    frames, sections = ({0, n // 2, n - 1} for n in (image.shape[0], image.shape[2]))
    step = max(1, max(image.shape[3:]) // _SAMPLE)
    seen = {
        (t, z): spread(image[t, :, z, ::step, ::step])
        for t, z in product(frames, sections)
    }
    return sorted(seen, key=lambda place: -seen[place])[:_PLANES]


def estimate_diameter(
    plane: Grey, known: Range, segment: Segment, expected: float | None = None
) -> Generator[PredictEvent, None, float | None]:
    """Measure the objects in the part of a plane that shows most.

    Parameters
    ----------
    plane : ndarray of float32, shape (C, Y, X)
        Normalised.
    known : tuple of float
        The smallest and largest diameter that the model knows, in pixels.
    segment : callable
        Segments a plane step by step.
    expected : float, optional
        Diameter in pixels that the pixel size makes likely: looked at first.

    Returns
    -------
    float or None
        Typical diameter in pixels; None if no object is seen.
    """
    look = None
    if expected is not None:
        zoom = zoom_for(expected, known, plane.shape[1:])
        look = yield from _look(plane, zoom, segment)
    look = look or (yield from _first_look(plane, known, segment))
    for _ in range(_ROUNDS - 1):
        if look is None or known[0] <= look.diameter * look.zoom <= known[1]:
            break
        # Well inside what is known, so that the next look is a trustworthy one.
        wanted = math.sqrt(known[0] * known[1]) / look.diameter
        zoom = float(np.clip(wanted, LEAST_ZOOM, MOST_ZOOM))
        look = (yield from _look(plane, zoom, segment)) or look
    return look.diameter if look is not None else None


def _first_look(
    plane: Grey, known: Range, segment: Segment
) -> Generator[PredictEvent, None, _Look | None]:
    """Look at a plane as it is and from afar, or from near if there is nothing."""
    as_it_is = yield from _look(plane, 1.0, segment)
    afar = yield from _look(plane, _AFAR, segment)
    if as_it_is is None or afar is None:
        return as_it_is or afar or (yield from _look(plane, _NEAR, segment))
    larger = afar.diameter >= max(
        _OUT_OF_SIGHT * known[1], _OTHER_OBJECTS * as_it_is.diameter
    )
    return afar if larger and afar.cover >= _SAME_COVER * as_it_is.cover else as_it_is


def _look(
    plane: Grey, zoom: float, segment: Segment
) -> Generator[PredictEvent, None, _Look | None]:
    """Look at some pixels of the network's own grid, whatever part that is."""
    part = _telling_part(plane, round(_SAMPLE / zoom))
    labels = yield from segment(resize(part, zoomed_shape(part.shape[1:], zoom)))
    measured = typical_diameter(_whole_objects(labels))
    if measured is None:
        return None
    return _Look(zoom, measured / zoom, np.count_nonzero(labels) / labels.size)


def _telling_part(plane: Grey, size: int) -> Grey:
    """Return the square, among some, in which grey values differ most."""
    shares = np.linspace(0, 1, _CHOICE)
    starts = [[round(max(0, n - size) * s) for s in shares] for n in plane.shape[1:]]
    boxes = [
        Box((y, x), (y + size, x + size)).intersect(Box.whole(plane.shape[1:]))
        for y, x in product(*starts)
    ]
    spread = [float(plane[:, *box.slices].std()) for box in boxes]
    return plane[:, *boxes[int(np.argmax(spread))].slices]


def _whole_objects(labels: LabelMap) -> LabelMap:
    """Return labels without the objects that the border cuts, if others are left."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    cut = np.zeros(int(labels.max(initial=0)) + 1, bool)
    cut[edge] = True
    whole = np.where(cut[labels], 0, labels)
    return whole if whole.any() else labels
