"""Write a result in a format; for Python, from arrays."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import Labels, as_labels
from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.atomic import leave_existing
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.formats import find_format, format_of, has_suffix
from napari_unet.exports.result import Result, iter_measured
from napari_unet.geometry.axes import resolve_axes, result_axes
from napari_unet.io.pairing import stem_of
from napari_unet.tasks import find_task, task_of
from napari_unet.tracking.tracks import Track

logger = logging.getLogger("napari_unet")


def iter_write(
    result: Result, format_: Format, path: Path, *, overwrite: bool = False
) -> Steps:
    """Write a result, whole or not at all; closing it in between cancels.

    Raises an InputError if the format cannot hold it, the path has another suffix, or
    there is a file and `overwrite` is false; a StorageError if it cannot be written.
    """
    if why_not := format_.why_not(result.schema, result.image_axes or result.axes):
        raise InputError(why_not)
    if not has_suffix(path, format_):
        raise InputError(
            f"Expected a name that ends with {format_.suffix} for {format_.title}, "
            f"found {path.name!r}; give it that ending."
        )
    if not overwrite:
        leave_existing(path)
    if format_.measured:
        result = yield from iter_measured(result)
    yield from format_.write(result, path)


def export(
    labels: npt.NDArray[Any],
    path: str | Path,
    format: str | None = None,  # noqa: A002 - what it is
    *,
    image: npt.NDArray[Any] | None = None,
    axes: str | None = None,
    task: str = "instances",
    names: Sequence[str] = (),
    pixel_size: Mapping[str, float] | None = None,
    tracks: Sequence[Track] = (),
    overwrite: bool = False,
) -> Path:
    """Write labels as a file of another program.

    What had to be changed in the labels is logged.

    Parameters
    ----------
    labels : ndarray
        As `napari_unet.predict` returns them: ids, class numbers, or values.
    path : str or Path
        Where to; nothing is ever written in part.
    format : str, optional
        Such as "fiji" or "geojson"; without it the suffix of the path tells.
    image : ndarray, optional
        What they were found in: for grey values, pictures and OME-Zarr.
    axes : str, optional
        Of the image if there is one, or else of the labels; guessed where missing.
    task, names : str, sequence of str
        What the labels are, and names of classes, or variables.
    pixel_size : mapping of str to float
        Micrometres per pixel along "Z", "Y" and "X", as far as they are known.
    tracks : sequence of Track
        Of a time-lapse, as `napari_unet.track` returns them: which object came from
        which.
    overwrite : bool
        Whether a file that is there is replaced.

    Returns
    -------
    Path
        Where it is.
    """
    path = Path(path)
    chosen = find_format(format) if format is not None else format_of(path)
    result, notes = result_of(
        stem_of(path), labels, schema_of(task, names), image, axes, pixel_size or {}
    )
    result = replace(result, tracks=tuple(tracks))
    drain(iter_write(result, chosen, path, overwrite=overwrite))
    for note in notes:
        logger.warning("%s: %s", path, note)
    return path


def result_of(
    name: str,
    labels: npt.NDArray[Any],
    schema: LabelSchema,
    image: npt.NDArray[Any] | None,
    axes: str | None,
    pixel_size: Mapping[str, float],
) -> tuple[Result, tuple[str, ...]]:
    """Return what can be written of labels, and what had to be changed in them.

    An InputError says that they are none, or of another image.
    """
    names = schema.names
    facet = task_of(schema).labels
    shape = image.shape if image is not None else _plain_shape(labels, names)
    letters = resolve_axes(
        shape, image.dtype if image is not None else np.int32, person=axes
    ).letters
    of_labels = result_axes(letters)
    if facet.values:
        found = Labels(labels.astype(np.float32))
    else:
        found = as_labels(labels, facet.kind, axes=of_labels, mask=False)
    array = found.array
    if array.ndim > len(of_labels):
        of_labels = f"C{of_labels}"
    _refuse_other_shape(array, of_labels, shape, letters)
    result = Result(
        name,
        array,
        of_labels,
        schema,
        image=image,
        image_axes=letters,
        pixel_size=dict(pixel_size),
    )
    refuse_names(result)
    return result, found.notes


def schema_of(task: str, names: Sequence[str]) -> LabelSchema:
    """Return what labels say; an InputError if the task has no names, or is none."""
    if names and not find_task(task).outputs.named:
        raise InputError(
            f"Names are those of classes or variables, and the task is {task!r}; name "
            "another task, or leave them out."
        )
    find_task(task)
    return LabelSchema(task, tuple(names))


def refuse_names(result: Result) -> None:
    """Raise an InputError if there are other names than classes or variables."""
    names, facet = result.schema.names, task_of(result.schema).labels
    if not names:
        return
    if len(set(names)) < len(names):
        raise InputError("A name is given twice; give every name once.")
    if facet.values and len(names) != (count := result.extent.get("C", 1)):
        raise InputError(
            f"{len(names)} variables are named, but the file holds {count}; name each "
            "of them once."
        )
    known = result.labels[result.labels != facet.kind.unknown]
    if not facet.values and len(names) <= (highest := int(known.max(initial=0))):
        raise InputError(
            f"{len(names)} names are given, but the labels hold the numbers 0 to "
            f"{highest}; name {highest + 1} classes, background first."
        )


def _plain_shape(labels: npt.NDArray[Any], variables: Sequence[str]) -> tuple[int, ...]:
    """Return the shape without the axis of variables."""
    first = bool(variables) and labels.dtype.kind == "f" and labels.ndim > 2
    return labels.shape[1:] if first else labels.shape


def _refuse_other_shape(
    labels: npt.NDArray[Any], axes: str, shape: tuple[int, ...], letters: str
) -> None:
    sizes = dict(zip(letters, shape, strict=True))
    found = zip(axes, labels.shape, strict=False)
    if len(axes) != labels.ndim or any(n != sizes[a] for a, n in found if a != "C"):
        raise InputError(
            f"Expected labels of an image of the shape {shape} ({letters}), found the "
            f"shape {labels.shape}; give labels of this image, or other axes."
        )
