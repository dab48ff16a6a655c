"""Bring objects to the size that a model knows best.

A U-Net sees a fixed number of pixels around each one, so it knows objects of some sizes
and no others. Where the typical object is smaller or larger than any it was trained on,
the image is zoomed (Cellpose always does, Stringer et al., Nature Methods 2021); where
nobody says how large the objects are, the model itself measures them (see `measure`).
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.decoding import Decoding, iter_decode
from napari_unet.instances.targets import Maps

S = TypeVar("S", bound=np.generic)
Grey: TypeAlias = npt.NDArray[np.float32]
Range: TypeAlias = tuple[float, float]

LEAST_ZOOM, MOST_ZOOM = 1 / 8, 4.0
NEAR_ENOUGH = 1.2
"""Zooming by less than this factor is not worth its cost."""

_LARGEST_PLANE = 2**27


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


def iter_decode_zoomed(
    maps: Maps, shape: tuple[int, int], decoding: Decoding, zoom: float
) -> Generator[None, None, LabelMap]:
    """Return the objects of a zoomed plane on the grid of the plane itself.

    Small objects are told apart where they are large; large ones get their outlines on
    the finer grid.
    """
    if zoom > 1:
        return sample_labels((yield from iter_decode(maps, decoding)), shape)
    least = max(1, round(decoding.min_size / zoom**2))
    fitting = decoding.model_copy(update={"min_size": least})
    return (yield from iter_decode(resize(maps, shape), fitting))
