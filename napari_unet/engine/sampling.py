"""Planes ready for training, and batches of random crops from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unet.core.axes import from_canonical, result_axes, to_canonical
from napari_unet.core.provenance import LabelMap, Mask
from napari_unet.core.sample import Sample
from napari_unet.core.targets import instance_targets
from napari_unet.engine.augment import (
    Augmentation,
    Crop,
    change_grey_values,
    draw_zoom,
    resample,
)
from napari_unet.engine.model import Model
from napari_unet.engine.predict import check_image
from napari_unet.errors import InputError


@dataclass(frozen=True, slots=True)
class Plane:
    """One annotated plane, ready for training.

    Parameters
    ----------
    stack : Tensor, shape (C + 3 + 1, Y, X)
        Normalised image, targets, weight (0 where nothing is verified).
    channels : int
        C, the channels of the image.
    points : ndarray, shape (n, 2)
        Verified pixels around which crops may be centred.
    zoom_limits : tuple of float
        Least and largest zoom that keep the objects within the intended sizes.
    """

    stack: Tensor
    channels: int
    points: npt.NDArray[np.int32]
    zoom_limits: tuple[float, float] = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops: images (N, C, Y, X), targets (N, 3, Y, X), weight (N, 1, Y, X)."""

    images: Tensor
    targets: Tensor
    weight: Tensor


def make_plane(
    image: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    verified: Mask | None,
    *,
    zoom_limits: tuple[float, float] = (0.5, 2.0),
) -> Plane:
    """Prepare a plane from a normalised (C, Y, X) image and its (Y, X) labels.

    Targets come from the whole label map, verified or not, so that the border of a
    verified object is right where it touches an unverified one.
    """
    if verified is None:
        verified = np.ones(labels.shape, bool)
    maps = [image, instance_targets(labels), verified[None].astype(np.float32)]
    return Plane(
        torch.from_numpy(np.concatenate(maps)),
        len(image),
        _centres(labels, verified),
        zoom_limits,
    )


def _centres(labels: npt.NDArray[np.int32], verified: Mask) -> npt.NDArray[np.int32]:
    """Return crop centres: objects and background alike, thinned to a few thousand."""
    inside = np.argwhere(verified & (labels > 0))
    outside = np.argwhere(verified & (labels == 0))
    chosen = [_thin(inside, 4000), _thin(outside, 2000)]
    return np.concatenate(chosen).astype(np.int32)


def _thin(points: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    return points[:: max(1, len(points) // most)]


def draw_batch(
    planes: Sequence[Plane],
    probabilities: npt.NDArray[np.float64],
    size: int,
    count: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> Batch:
    """Draw `count` crops of `size` pixels from planes chosen with `probabilities`."""
    chosen = rng.choice(len(planes), size=count, p=probabilities)
    crops = [draw_crop(planes[i], size, augmentation, rng) for i in chosen]
    channels = planes[0].channels
    stack = torch.stack(crops)
    return Batch(
        stack[:, :channels].contiguous(),
        stack[:, channels:-1].clamp(0, 1),
        # Bilinear weights below one half would let in pixels nobody verified.
        (stack[:, -1:] > 0.999).to(stack.dtype),
    )


def draw_crop(
    plane: Plane, size: int, augmentation: Augmentation, rng: np.random.Generator
) -> Tensor:
    """Draw one crop near a verified pixel, changed at random."""
    zoom = draw_zoom(augmentation, rng, plane.zoom_limits)
    y, x = rng.choice(plane.points) + rng.uniform(-0.35, 0.35, 2) * size / zoom
    half = size / zoom / 2
    height, width = plane.stack.shape[1:]
    crop = Crop((_inside(y, half, height), _inside(x, half, width)), zoom)
    sample = resample(plane.stack, crop, size, augmentation, rng)
    image = sample[: plane.channels]
    changed = change_grey_values(image, augmentation, rng)
    return torch.cat([changed, sample[plane.channels :]])


def _inside(position: float, half: float, size: int) -> float:
    """Move a centre so that the crop hangs over the border as little as it can."""
    if 2 * half >= size:
        return (size - 1) / 2
    return float(np.clip(position, half, size - 1 - half))


@dataclass(frozen=True, slots=True)
class AnnotatedPlane:
    """One plane of a sample: normalised (C, Y, X) image, labels, verified mask."""

    image: npt.NDArray[np.float32]
    labels: LabelMap
    verified: Mask


def annotated_planes(sample: Sample, model: Model) -> list[AnnotatedPlane]:
    """Return the planes of a sample that have a verified pixel.

    Raises
    ------
    InputError
        If the model cannot take the image, or labels or mask have another shape.
    """
    axes = check_image(sample.image, sample.axes, model)
    image = to_canonical(sample.image, axes)
    labels = _like_image(sample.labels, "labels", image, axes)
    verified = np.ones(labels.shape, bool)
    if sample.verified is not None:
        verified = _like_image(sample.verified, "verified mask", image, axes)
    normalization = model.spec.normalization
    limits = [normalization.limits(channel) for channel in image.swapaxes(0, 1)]
    return [
        AnnotatedPlane(
            normalization.scale(image[t, :, z], limits),
            labels[t, z].astype(np.int32),
            verified[t, z].astype(bool),
        )
        for t, z in np.argwhere(verified.any(axis=(2, 3)))
    ]


def _like_image(
    values: npt.NDArray[Any], what: str, image: npt.NDArray[Any], axes: str
) -> npt.NDArray[Any]:
    """Bring labels or a mask to (T, Z, Y, X) after checking their shape."""
    kept = result_axes(axes)
    expected = from_canonical(image[:, 0], axes).shape
    if values.shape != expected:
        raise InputError(
            f"The {what} have shape {values.shape}, the image needs {expected} "
            f"(axes {kept}); use a label map that was made for this image."
        )
    return to_canonical(values, kept)[:, 0]
