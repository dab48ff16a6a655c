"""Annotated images from folders: image, labels or values, and what is verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_unet.core.channels import (
    Channels,
    channel_count,
    names_or_colours,
    parse_channels,
    take_channels,
)
from napari_unet.core.known_axes import KnownAxes, StatedAxes, resolve_axes
from napari_unet.core.provenance import LabelMap, Mask
from napari_unet.core.sample import Sample
from napari_unet.errors import InputError
from napari_unet.io.pairing import pair_by_stem
from napari_unet.io.read import (
    ImageFile,
    read_header,
    read_image,
    read_labels,
    read_values,
)
from napari_unet.io.rois import ROI_SUFFIXES, is_roi_file, read_rois


def read_samples(
    images: str | Path,
    labels: str | Path,
    *,
    verified: str | Path | None = None,
    axes: str | None = None,
    channel: str | None = None,
    continuous: bool = False,
) -> dict[Path, Sample]:
    """Read a folder of images with their label maps, paired by name.

    Parameters
    ----------
    images, labels : str or Path
        Folders; a label map has its image's name up to the suffix. It is an image, or
        a file of ImageJ's regions (`.roi`, `.zip`).
    verified : str or Path, optional
        Folder of masks: where a pixel is not 0, its label can be trusted. Without it,
        every pixel can.
    axes : str, optional
        Axes of the images; from the files, or guessed, where they are missing.
    channel : str, optional
        Channels that a model sees, by numbers from 1 or names; all where it is missing.
    continuous : bool
        `labels` are values to be regressed: one map of the image's shape, or several
        along a first axis.

    Returns
    -------
    dict of Path to Sample
        By the image's path, sorted by name. Every sample has its axes.

    Raises
    ------
    InputError
        If a file has no partner, cannot be read, or has another shape than its image.
    """
    more = frozenset() if continuous else ROI_SUFFIXES
    pairs = pair_by_stem(images, labels, more=more)
    masks = _pair_masks(images, verified) if verified is not None else {}
    return {
        image: with_channels(
            _read_sample(image, label, masks.get(image), axes, continuous=continuous),
            image,
            channel,
        )
        for image, label in pairs
    }


def with_channels(sample: Sample, path: Path, channel: str | None) -> Sample:
    """Return a sample with the channels alone that a person has named.

    Raises
    ------
    InputError
        If its image has no such channel.
    """
    if channel is None or sample.axes is None:
        return sample
    channels = find_channels(path, sample.image.shape, sample.axes, channel)
    image, axes = take_channels(sample.image, sample.axes, channels)
    return replace(sample, image=image, axes=axes)


def find_channels(
    path: Path, shape: tuple[int, ...], axes: str, channel: str
) -> Channels:
    """Return the channels of a file's image that a person has named.

    Raises
    ------
    InputError
        If it has no such channel.
    """
    count = channel_count(shape, axes)
    names = names_or_colours(read_header(path).channels, axes, count)
    try:
        return parse_channels(channel, count, names)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_objects(path: Path, shape: tuple[int, ...]) -> LabelMap:
    """Read a label map, or draw the regions of a file.

    Parameters
    ----------
    shape : tuple of int
        Of the label map; only looked at for regions, whose files know no size.

    Raises
    ------
    InputError
        If the file cannot be read, or a region is not in the image.
    """
    return read_rois(path, shape) if is_roi_file(path) else read_labels(path)


def _pair_masks(images: str | Path, verified: str | Path) -> dict[Path, Path]:
    return dict(pair_by_stem(images, verified, what="mask of verified pixels"))


def _read_sample(
    image_path: Path,
    labels_path: Path,
    mask_path: Path | None,
    axes: str | None,
    *,
    continuous: bool,
) -> Sample:
    image = read_image(image_path)
    found = _axes(image, axes)
    kept = [n for n, a in zip(image.array.shape, found, strict=True) if a != "C"]
    labels = (
        read_values(labels_path)
        if continuous
        else read_objects(labels_path, tuple(kept))
    )
    several = continuous and labels.ndim == len(kept) + 1
    shape = labels.shape[1:] if several else labels.shape
    _check_shape(shape, tuple(kept), image, found, labels_path)
    verified: Mask | None = None
    if mask_path is not None:
        mask = read_labels(mask_path)
        _check_shape(mask.shape, tuple(kept), image, found, mask_path)
        verified = np.asarray(mask != 0)
    return Sample(image.array, labels, verified, found)


def _axes(image: ImageFile, axes: str | None) -> str:
    try:
        return axes_of_file(image, axes).letters
    except InputError as error:
        raise InputError(f"{image.path}: {error}") from error


def axes_of_file(image: ImageFile, axes: str | None) -> KnownAxes:
    """Return the axes of an image that was read from a file, and who says so.

    Parameters
    ----------
    axes : str or None
        What the person says.

    Raises
    ------
    InputError
        If that does not fit, or there are too few or too many axes.
    """
    shape = tuple(image.array.shape)
    stated = StatedAxes(image.axes, shape) if image.axes is not None else None
    return resolve_axes(shape, image.array.dtype, person=axes or None, file=stated)


def _check_shape(
    found: tuple[int, ...],
    expected: tuple[int, ...],
    image: ImageFile,
    axes: str,
    path: Path,
) -> None:
    if found != expected:
        raise InputError(
            f"Expected the shape {expected} in {str(path)!r}, as of its image "
            f"{image.path.name!r} (axes {axes}), found {found}; use the label "
            "map of that very image, or name the image's axes."
        )
