"""Annotated images, cut into what a network takes: planes, or volumes in 3-D."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import as_mask
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.axes import from_canonical, result_axes, to_canonical
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import Mask
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.model_input import (
    fit_image,
    iter_places,
    resize,
    sample_labels,
    zoom_for,
    zoomed_shape,
)
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.objectives.objective import Values
from napari_unet.tasks.sample import Sample
from napari_unet.tasks.task import task_of
from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedPlane:
    """A plane of a sample, or a volume of it.

    Parameters
    ----------
    image : ndarray of float32, shape (C, Y, X) or (C, Z, Y, X)
        Normalised.
    values : ndarray
        Object ids or classes (Y, X), or regressed values (n, Y, X); with Z in 3-D.
    verified : ndarray of bool
        Shape of the image without C.
    note : str
        What of the image was left out, in a sentence.
    """

    image: npt.NDArray[np.float32]
    values: Values
    verified: Mask
    note: str = ""


def annotated_planes(sample: Sample, model: Model) -> list[AnnotatedPlane]:
    """Return the planes, or volumes, of a sample that have a verified pixel.

    Raises
    ------
    InputError
        If the model cannot take the image, or labels or mask have another shape.
    """
    return drain(iter_annotated_planes(sample, model))


def iter_annotated_planes(
    sample: Sample, model: Model
) -> Generator[None, None, list[AnnotatedPlane]]:
    """Prepare the planes of `annotated_planes`; yields several times for each."""
    seen, note = fit_image(sample.image, sample.axes, model)
    axes = seen.axes
    image = seen.read(Box.whole(seen.shape))
    yield
    _check_size(image.shape[-model.net.dims :], model)
    values = _values(sample, image, axes, model)
    verified = np.ones(values.shape[-4:], bool)
    if sample.verified is not None:
        mask = as_mask(sample.verified).array
        verified = _like_image(mask, "verified mask", image, axes)
    normalization = model.spec.normalization
    limits = []
    for channel in image.swapaxes(0, 1):
        limits.append(normalization.limits(channel))
        yield
    known = model.spec.best_diameters if model.net.dims == 2 else None
    planes = []
    for t, z in iter_places(verified.shape[:2], model.net.dims):
        if not verified[t, z].any():
            continue
        grey = normalization.scale(image[t, :, z], limits)
        plane = AnnotatedPlane(grey, values[..., t, z, :, :], verified[t, z], note)
        yield
        planes.append(plane if known is None else _zoomed(plane, known))
        yield
    return planes


def _zoomed(plane: AnnotatedPlane, known: tuple[float, float]) -> AnnotatedPlane:
    """Return a plane at the zoom at which its objects are predicted."""
    # As a whole: where parts of objects are verified, they are as large as before.
    dense, ids = compact(plane.values)
    told = np.zeros(len(ids), np.int32)
    told[dense[plane.verified]] = 1
    diameter = typical_diameter(dense * told[dense])
    shape = plane.verified.shape
    zoom = 1.0 if diameter is None else zoom_for(diameter, known, shape)
    if zoom == 1:
        return plane
    smaller = zoomed_shape(shape, zoom)
    return AnnotatedPlane(
        resize(plane.image, smaller),
        sample_labels(plane.values, smaller),
        sample_labels(plane.verified, smaller),
        plane.note,
    )


def _check_size(shape: tuple[int, ...], model: Model) -> None:
    """Check that something is left of an image where the network is coarsest."""
    least = model.net.stride
    if min(shape) < least:
        raise InputError(
            f"The image has {' x '.join(map(str, shape))} pixels, but the network "
            f"needs {least} or more along each axis to learn from; choose larger "
            "images, or a network that is less deep."
        )


def _values(
    sample: Sample, image: npt.NDArray[Any], axes: str, model: Model
) -> npt.NDArray[Any]:
    """Return labels as (T, Z, Y, X) int32, or values as (n, T, Z, Y, X) float32."""
    dims = len(result_axes(axes))
    return task_of(model.spec).labels.learned(
        sample.labels,
        len(model.spec.variables),
        dims,
        lambda one, what: _like_image(one, what, image, axes),
    )


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


def check_learnable(planes: Sequence[AnnotatedPlane], objective: Objective) -> None:
    """Check that there is something to learn from.

    Raises
    ------
    InputError
        If not; with what to do.
    """
    if not planes:
        raise InputError(
            "Nothing is verified yet, so there is nothing to learn from; paint or "
            "accept some objects first."
        )
    objective.check([(p.values, p.verified) for p in planes])
