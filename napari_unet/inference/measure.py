"""Of which size the objects of an image are, measured with the network that finds them.

A network finds objects of the sizes that it knows. At another zoom it finds something
too: grains, the texture of large objects, or crowds that merge. But what it finds
differs from zoom to zoom, while true objects are found at several zooms alike, as the
blobs of a scale space are (Lindeberg 1998). So a part of the image is looked at from
near and from afar, and most of the looks, weighed by how sure the network is, agree on
one size. Where a person's objects tell what is usual, other sizes need more agreement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from skimage.segmentation import clear_border

from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.model_input import (
    LEAST_ZOOM,
    MOST_ZOOM,
    Grey,
    Range,
    resize,
    zoomed_shape,
)
from napari_unet.instances.diameter import UsualSize, typical_of

Scale: TypeAlias = Callable[[npt.NDArray[Any]], Grey]
"""Normalises pixels (C, Y, X) with the statistics of the whole image."""

Seen: TypeAlias = tuple[LabelMap, npt.NDArray[np.float32]]
"""Objects, and how sure the network is of each pixel that it is of one; (Y, X)."""

Segment: TypeAlias = Callable[[Grey], Generator[PredictEvent, None, Seen]]

_SAMPLE = 512
_CHOICE = 4
_PLANES = 3

_STEP = math.sqrt(2)
"""From one zoom to the next."""

_ALIKE, _APART = 0.2, 3.0
"""Sizes count as one that differ by less: the width of a kernel, of logarithms. So many
widths apart nothing counts for both."""

_SURENESS = 4
"""Power of the mean foreground in objects: what a network only guesses is grey."""

_FEW = 2
"""Objects that make half of a look's weight: one or two may be anything."""

_LEAST_WEIGHT = 0.5
"""What looks that agree must weigh together: of an empty image one look from afar may
see something, and is not sure of it. True objects weigh 0.9 and more."""

_WITHIN = 2.0
"""Standard deviations around what is usual that are looked at."""

_LEAST_SEEN = 4.0
"""Pixels across: what is smaller is grain, and would be found everywhere if it were
enlarged."""

_LEAST_EXPECTED = 2.0


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen at some zoom: diameter in pixels of the plane, and its weight."""

    diameter: float
    weight: float


@dataclass(frozen=True, slots=True)
class _Agreement:
    """What most looks agree on, their weight, and by how much that leads.

    A look weighs 1 at most.
    """

    diameter: float | None
    weight: float
    lead: float


def plausible(expected: UsualSize | None, shape: tuple[int, ...]) -> UsualSize | None:
    """Return a size that something makes likely, if the plane can hold such objects."""
    if expected is None:
        return None
    believed = _LEAST_EXPECTED <= expected.diameter <= max(shape)
    return expected if believed else None


def telling_planes(image: CanonicalImage, scale: Scale) -> list[tuple[int, int]]:
    """Return a few planes, of nine, in which there is most to see, the best first."""
    frames, sections = ({0, n // 2, n - 1} for n in (image.shape[0], image.shape[2]))
    step = max(1, max(image.shape[3:]) // _SAMPLE)
    seen = {
        (t, z): float(scale(image.plane(t, z)[:, ::step, ::step]).std())
        for t, z in product(frames, sections)
    }
    return sorted(seen, key=lambda place: -seen[place])[:_PLANES]


def measure_objects(
    image: CanonicalImage,
    scale: Scale,
    known: Range,
    segment: Segment,
    usual: UsualSize | None,
) -> Generator[PredictEvent, None, float | None]:
    """Measure the objects where there is most to see, once for all planes."""
    for t, z in telling_planes(image, scale):
        plane = scale(image.plane(t, z))
        found = yield from estimate_diameter(plane, known, segment, usual)
        if found is not None:
            return found
    return None


def estimate_diameter(
    plane: Grey, known: Range, segment: Segment, usual: UsualSize | None = None
) -> Generator[PredictEvent, None, float | None]:
    """Measure the objects in the part of a normalised plane that shows most.

    Diameters are in pixels: the smallest and largest that the model knows, and the
    result.
    """
    zooms = _zooms(known, usual)
    looks: list[_Look] = []
    agreement = _Agreement(None, 0.0, 0.0)
    for done, zoom in enumerate(zooms):
        # All that are left could not outvote it; those from near take longest.
        if agreement.lead >= len(zooms) - done:
            break
        look = yield from _look(plane, zoom, segment)
        if look is not None and look.diameter >= _LEAST_SEEN:
            looks.append(look)
            agreement = _most_agreed(looks, usual)
    return agreement.diameter if agreement.weight >= _LEAST_WEIGHT else None


def _zooms(known: Range, usual: UsualSize | None) -> list[float]:
    """Return zooms from afar to near, at which what is likely would be found."""
    farthest, nearest = LEAST_ZOOM, MOST_ZOOM
    if usual is not None:
        well_known = math.sqrt(known[0] * known[1])
        reach = math.exp(_WITHIN * usual.spread)
        around = float(np.clip(well_known / usual.diameter, farthest, nearest))
        nearest = min(nearest, around * reach)
        farthest = max(farthest, around / reach)
    steps = 1 + round(math.log(nearest / farthest, _STEP))
    return [float(zoom) for zoom in np.geomspace(farthest, nearest, steps)]


def _most_agreed(looks: Sequence[_Look], usual: UsualSize | None) -> _Agreement:
    """Return the size around which most of the looks agree."""
    sizes = np.log([look.diameter for look in looks])
    weights = np.array([look.weight for look in looks])
    if usual is not None:
        weights = weights * usual.likelihood(sizes)
    alike = np.exp(-(((sizes[:, None] - sizes) / _ALIKE) ** 2) / 2)
    together = alike @ weights
    best = int(np.argmax(together))
    others = together[np.abs(sizes - sizes[best]) > _APART * _ALIKE]
    near = alike[best] * weights
    return _Agreement(
        float(np.exp(near @ sizes / near.sum())),
        float(together[best]),
        float(together[best] - others.max(initial=0.0)),
    )


def _look(
    plane: Grey, zoom: float, segment: Segment
) -> Generator[PredictEvent, None, _Look | None]:
    """Look at some pixels of the network's own grid, whatever part that is."""
    part = _telling_part(plane, round(_SAMPLE / zoom))
    shape = zoomed_shape(part.shape[1:], zoom)
    labels, foreground = yield from segment(resize(part, shape))
    measured = typical_diameter(_whole_objects(labels))
    if measured is None:
        return None
    objects = len(compact(labels)[1]) - 1
    sureness = float(foreground[labels > 0].mean()) ** _SURENESS
    return _Look(measured / zoom, sureness * objects / (objects + _FEW))


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
    whole: LabelMap = clear_border(labels)
    return whole if whole.any() else labels


def typical_diameter(labels: npt.NDArray[np.integer[Any]]) -> float | None:
    """Return the diameter of the typical object in pixels; None where there is none.

    In a volume that of the largest section of each object counts, along Y and X: how
    far apart its planes are nobody needs to know.
    """
    dense, ids = compact(labels)
    planes = dense.reshape(-1, *dense.shape[-2:])
    areas = [np.bincount(plane.ravel(), minlength=len(ids)) for plane in planes]
    return typical_of(np.max(areas, axis=0)[ids > 0])
