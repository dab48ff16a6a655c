"""Annotated images from folders: image, labels or values, and what is verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import tell
from napari_unet.errors import InputError, naming
from napari_unet.geometry.axes import ImageHeader, KnownAxes, resolve_axes, result_axes
from napari_unet.geometry.maps import Mask
from napari_unet.images.channels import (
    Channels,
    channel_count,
    names_or_colours,
    parse_channels,
    take_channels,
)
from napari_unet.images.source import ArrayImage
from napari_unet.io.labels import (
    LabelFile,
    are_mask_files,
    labels_of,
    read_label_file,
    read_mask,
)
from napari_unet.io.pairing import pair_by_stem
from napari_unet.io.read import read_header, read_image, read_values
from napari_unet.io.rois import ROI_SUFFIXES
from napari_unet.tasks import find_task
from napari_unet.tasks.labeling import Labeling
from napari_unet.tasks.sample import Sample


@dataclass(frozen=True, slots=True)
class SampleFolder:
    """Annotated images that were read together."""

    samples: dict[Path, Sample]  # with axes, by the image's path, sorted by name
    notes: tuple[str, ...] = ()  # what was left out or changed; files are named


def read_samples(
    images: str | Path,
    labels: str | Path,
    *,
    verified: str | Path | None = None,
    axes: str | None = None,
    channel: str | None = None,
    task: str = "instances",
) -> SampleFolder:
    """Read a folder of images with their label maps, paired by name.

    Parameters
    ----------
    images, labels : str or Path
        Folders; a label map has its image's name up to the suffix. It is an image, or
        a file of ImageJ's regions (`.roi`, `.zip`).
    verified : str or Path, optional
        Folder of masks: where a pixel is above 0, its label can be trusted. Without
        it, every pixel can.
    axes : str, optional
        Axes of the images; from the files, or guessed, where they are missing.
    channel : str, optional
        Channels that a model sees, by numbers from 1 or names; all where it is missing.
    task : str
        What the labels are. For regression they are values: one map of the image's
        shape, or several along a first axis.

    Raises
    ------
    InputError
        If a file has no partner, cannot be read, or has another shape than its image.
    """
    labeling = find_task(task).labels
    more = frozenset() if labeling.values else ROI_SUFFIXES
    pairs = pair_by_stem(images, labels, more=more)
    masks: dict[Path, Path] = {}
    if verified is not None:
        masks = dict(pair_by_stem(images, verified, what="mask of verified pixels"))
    read = [
        _read(image, label, masks.get(image), axes, labeling) for image, label in pairs
    ]
    mask = are_mask_files((each.labels for each in read), labeling.kind)
    found = [labels_of(each.labels, labeling.kind, mask=mask) for each in read]
    samples = {}
    for (path, _), each, its in zip(pairs, read, found, strict=True):
        pixels, letters = each.image, each.axes
        if channel is not None:
            channels = find_channels(path, pixels.shape, letters, channel)
            pixels, letters = take_channels(pixels, letters, channels)
        size = each.pixel_size
        samples[path] = Sample(pixels, its.array, each.verified, letters, size)
    names = [each.labels.path.name for each in read]
    notes = [note for each in read for note in each.notes]
    return SampleFolder(samples, (*notes, *tell(zip(names, found, strict=True))))


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """The files of one sample, before the labels of all are judged together."""

    image: npt.NDArray[Any]
    axes: str
    labels: LabelFile
    verified: Mask | None
    notes: tuple[str, ...]
    pixel_size: Mapping[str, float]


def _read(
    image_path: Path,
    labels_path: Path,
    mask_path: Path | None,
    axes: str | None,
    labeling: Labeling,
) -> _Read:
    image = read_image(image_path)
    notes = [f"{image_path.name}: {image.note}."] if image.note else []
    with naming(image_path):
        found = axes_of_file(image, axes).letters
    kept = tuple(n for n, a in zip(image.shape, found, strict=True) if a != "C")
    if labeling.values:
        labels = LabelFile(read_values(labels_path), labels_path)
    else:
        channels = channel_count(image.shape, found)
        labels = read_label_file(labels_path, kept, result_axes(found), channels)
    labels = replace(labels, axes=result_axes(found))
    # Values of several variables have one axis more.
    several = labeling.values and labels.array.ndim == len(kept) + 1
    shapes = {labels_path: labels.array.shape[1:] if several else labels.array.shape}
    verified: Mask | None = None
    if mask_path is not None:
        mask = read_mask(mask_path)
        verified = mask.array
        shapes[mask_path] = verified.shape
        notes += tell([(mask_path.name, mask)])
    for path, shape in shapes.items():
        if shape != kept:
            raise InputError(
                f"Expected the shape {kept} in {str(path)!r}, as of its image "
                f"{image_path.name!r} (axes {found}), found {shape}; use the label "
                "map of that very image, or name the image's axes."
            )
    size = image.pixel_size
    return _Read(image.array, found, labels, verified, tuple(notes), size)


def find_channels(
    path: Path, shape: tuple[int, ...], axes: str, channel: str
) -> Channels:
    """Return the channels of a file's image that a person has named.

    Raises an InputError if it has no such channel.
    """
    count = channel_count(shape, axes)
    names = names_or_colours(read_header(path).channels, axes, count)
    with naming(path):
        return parse_channels(channel, count, names)


def axes_of_labels(file: LabelFile, axes: str | None) -> KnownAxes:
    """Return the axes of a label map without its image, and who says so.

    A person names those of the image; label maps have them without channels.

    Raises an InputError if they do not fit, or there are too few or too many.
    """
    shape, person = file.array.shape, result_axes(axes.upper()) if axes else None
    if person and axes and len(person) < len(shape) == len(axes):
        raise InputError(
            f"A label map has no channels, and {str(file.path)!r} has the shape "
            f"{shape}; name its axes without C, such as ZYX (sections) or TYX (frames)."
        )
    stated = ImageHeader(file.axes, shape)
    return resolve_axes(shape, np.int32, person=person, file=stated)


def axes_of_values(image: ArrayImage, axes: str | None) -> KnownAxes:
    """Return the axes of values without their image, and who says so.

    Where there are several variables, these are the channels of their file, C. A person
    names the axes of that file, or those of the image.

    Raises an InputError if they do not fit, or there are too few or too many.
    """
    stated, ndim = image.axes or "", len(image.shape)
    person = axes.upper() if axes else None
    if person is not None and len(person) != ndim:
        plain, place = result_axes(person), stated.find("C")
        several = f"{plain[:place]}C{plain[place:]}" if place >= 0 else ""
        fitting = (found for found in (plain, several) if len(found) == ndim)
        person = next(fitting, person)
    header = ImageHeader(image.axes, image.shape)
    return resolve_axes(image.shape, np.float32, person=person, file=header)


def axes_of_file(image: ArrayImage, axes: str | None) -> KnownAxes:
    """Return the axes of an image that was read from a file, and who says so.

    Raises an InputError if those that a person names do not fit, or there are too few
    or too many.
    """
    stated = ImageHeader(image.axes, image.shape)
    return resolve_axes(image.shape, image.dtype, person=axes or None, file=stated)
