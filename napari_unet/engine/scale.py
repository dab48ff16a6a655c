"""Bring objects to the size that a model knows best, and find out how large they are.

A U-Net sees a fixed number of pixels around each one, so it knows objects of some sizes
and no others. Where the typical object is smaller or larger than any it was trained on,
the image is zoomed (Cellpose always does, Stringer et al., Nature Methods 2021); where
nobody says how large the objects are, the model itself measures a part of the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from itertools import product
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from napari_unet.core.box import Box
from napari_unet.core.diameter import typical_diameter
from napari_unet.core.events import Notice
from napari_unet.core.instances import Decoding, decode_instances
from napari_unet.core.provenance import LabelMap
from napari_unet.core.targets import Maps

S = TypeVar("S", bound=np.generic)
Grey: TypeAlias = npt.NDArray[np.float32]
Range: TypeAlias = tuple[float, float]

LEAST_ZOOM, MOST_ZOOM = 1 / 8, 4.0
NEAR_ENOUGH = 1.2
"""Zooming by less than this factor is not worth its cost."""

_LARGEST_PLANE = 2**27
_SAMPLE = 512
_CHOICE = 4
_ROUNDS = 3
_FIRST_ZOOMS = (1.0, 1 / 3, 2.0)
_LEAST_EXPECTED = 2.0


def zoom_for(diameter: float, known: Range, shape: tuple[int, ...]) -> float:
    """Return by how much a plane is zoomed before the network sees it.

    Parameters
    ----------
    diameter : float
        Typical diameter of the objects, in pixels.
    known : tuple of float
        The smallest and largest diameter that the model knows, in pixels.
    shape : tuple of int
        (Y, X) of the plane; very large ones are zoomed in less, to fit into memory.
    """
    zoom = float(np.clip(diameter, *known)) / diameter
    if 1 / NEAR_ENOUGH <= zoom <= NEAR_ENOUGH:
        return 1.0
    fits = math.sqrt(_LARGEST_PLANE / math.prod(shape))
    return float(np.clip(zoom, LEAST_ZOOM, max(1.0, min(MOST_ZOOM, fits))))


def resize(maps: Grey, shape: tuple[int, int]) -> Grey:
    """Return maps (K, Y, X) on a grid of another shape, without aliasing."""
    if maps.shape[1:] == shape:
        return maps
    resized = F.interpolate(
        torch.from_numpy(np.ascontiguousarray(maps))[None],
        shape,
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    return np.asarray(resized[0].numpy())


def zoomed_shape(shape: tuple[int, ...], zoom: float) -> tuple[int, int]:
    """Return the shape of a zoomed plane."""
    height, width = (max(1, round(n * zoom)) for n in shape)
    return height, width


def sample_labels(labels: npt.NDArray[S], shape: tuple[int, int]) -> npt.NDArray[S]:
    """Return labels on another grid: each pixel takes what lies at its centre."""
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1)
        for n, m in zip(shape, labels.shape, strict=True)
    )
    return np.ascontiguousarray(labels[np.ix_(rows, columns)])


def decode_zoomed(
    maps: Maps, shape: tuple[int, int], decoding: Decoding, zoom: float
) -> LabelMap:
    """Return the objects of a zoomed plane on the grid of the plane itself.

    Small objects are told apart where they are large; large ones get their outlines on
    the finer grid.
    """
    if zoom > 1:
        return sample_labels(decode_instances(maps, decoding), shape)
    least = max(1, round(decoding.min_size / zoom**2))
    return decode_instances(
        resize(maps, shape), decoding.model_copy(update={"min_size": least})
    )


def estimate_diameter(
    plane: Grey,
    known: Range,
    segment: Callable[[Grey], Generator[Notice, None, LabelMap]],
    expected: float | None = None,
) -> Generator[Notice, None, float | None]:
    """Measure the objects in the part of a plane that shows most.

    The part is segmented, zoomed by what was measured and segmented again, until both
    agree: objects of a size that the network does not know are measured wrongly at
    first, but on the right side.

    Parameters
    ----------
    plane : ndarray of float32, shape (C, Y, X)
        Normalised.
    known : tuple of float
        The smallest and largest diameter that the model knows, in pixels.
    segment : callable
        Segments a plane step by step.
    expected : float, optional
        Diameter in pixels that the pixel size makes likely: looked at first, and
        believed where no object is found. Objects that would be nothing, or more than
        the plane, speak of a wrong pixel size, as many files have.

    Returns
    -------
    float or None
        Typical diameter in pixels; None if nothing tells.
    """
    zooms = list(_FIRST_ZOOMS)
    largest = max(plane.shape[1:])
    if expected is not None and not _LEAST_EXPECTED <= expected <= largest:
        expected = None
    if expected is not None:
        zooms.insert(0, zoom_for(expected, known, plane.shape[1:]))
    for first in dict.fromkeys(zooms):
        found, zoom = None, first
        for _ in range(_ROUNDS):
            part = _telling_part(plane, round(_SAMPLE / zoom))
            small = resize(part, zoomed_shape(part.shape[1:], zoom))
            labels = yield from segment(small)
            measured = typical_diameter(_whole_objects(labels))
            if measured is None:
                break
            found = measured / zoom
            if known[0] <= measured <= known[1]:
                return found
            # Well inside what is known, so that the next look is a trustworthy one.
            wanted = math.sqrt(known[0] * known[1]) / found
            zoom = float(np.clip(wanted, LEAST_ZOOM, MOST_ZOOM))
        if found is not None:
            return found
    return expected


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
