"""Annotated images from folders: image, labels or values, and what is verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.annotation.labels import tell
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.maps import Mask
from napari_unet.images.channels import (
    Channels,
    channel_count,
    names_or_colours,
    parse_channels,
    take_channels,
)
from napari_unet.images.known_axes import KnownAxes, StatedAxes, resolve_axes
from napari_unet.io.labels import (
    LabelFile,
    are_mask_files,
    labels_of,
    read_label_file,
    read_mask,
)
from napari_unet.io.pairing import pair_by_stem
from napari_unet.io.read import ImageFile, read_header, read_image, read_values
from napari_unet.io.rois import ROI_SUFFIXES
from napari_unet.tasks import find_task
from napari_unet.tasks.labeling import Labeling
from napari_unet.tasks.sample import Sample


@dataclass(frozen=True, slots=True)
class SampleFolder:
    """Annotated images that were read together.

    Parameters
    ----------
    samples : dict of Path to Sample
        By the image's path, sorted by name. Every sample has its axes.
    notes : tuple of str
        What was left out or changed in reading, in words; files are named.
    """

    samples: dict[Path, Sample]
    notes: tuple[str, ...] = ()


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
    masks = _pair_masks(images, verified) if verified is not None else {}
    read = [
        _read(image, label, masks.get(image), axes, labeling) for image, label in pairs
    ]
    mask = are_mask_files((each.labels for each in read), labeling.kind)
    found = [labels_of(each.labels, labeling.kind, mask=mask) for each in read]
    samples = {
        each.image.path: with_channels(
            Sample(each.image.array, its.array, each.verified, each.axes),
            each.image.path,
            channel,
        )
        for each, its in zip(read, found, strict=True)
    }
    names = [each.labels.path.name for each in read]
    notes = [note for each in read for note in each.notes]
    return SampleFolder(samples, (*notes, *tell(zip(names, found, strict=True))))


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """The files of one sample, before the labels of all are judged together."""

    image: ImageFile
    axes: str
    labels: LabelFile
    verified: Mask | None
    notes: tuple[str, ...]


def with_channels(sample: Sample, path: Path, channel: str | None) -> Sample:
    """Return a sample with the channels alone that a person has named.

    Raises an InputError if its image has no such channel.
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

    Raises an InputError if it has no such channel.
    """
    count = channel_count(shape, axes)
    names = names_or_colours(read_header(path).channels, axes, count)
    try:
        return parse_channels(channel, count, names)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _pair_masks(images: str | Path, verified: str | Path) -> dict[Path, Path]:
    return dict(pair_by_stem(images, verified, what="mask of verified pixels"))


def _read(
    image_path: Path,
    labels_path: Path,
    mask_path: Path | None,
    axes: str | None,
    labeling: Labeling,
) -> _Read:
    image = read_image(image_path)
    found = _axes(image, axes)
    kept = [n for n, a in zip(image.array.shape, found, strict=True) if a != "C"]
    labels = _read_labels(labels_path, tuple(kept), labeling)
    several = labeling.values and labels.array.ndim == len(kept) + 1
    shape = labels.array.shape[1:] if several else labels.array.shape
    _check_shape(shape, tuple(kept), image, found, labels_path)
    labels = replace(labels, axes=result_axes(found))
    notes = [f"{image_path.name}: {image.note}."] if image.note else []
    verified: Mask | None = None
    if mask_path is not None:
        mask = read_mask(mask_path)
        verified = mask.array
        _check_shape(verified.shape, tuple(kept), image, found, mask_path)
        notes += tell([(mask_path.name, mask)])
    return _Read(image, found, labels, verified, tuple(notes))


def _read_labels(path: Path, shape: tuple[int, ...], labeling: Labeling) -> LabelFile:
    if labeling.values:
        return LabelFile(read_values(path), path)
    return read_label_file(path, shape)


def _axes(image: ImageFile, axes: str | None) -> str:
    try:
        return axes_of_file(image, axes).letters
    except InputError as error:
        raise InputError(f"{image.path}: {error}") from error


def axes_of_file(image: ImageFile, axes: str | None) -> KnownAxes:
    """Return the axes of an image that was read from a file, and who says so.

    Raises an InputError if those that a person names do not fit, or there are too few
    or too many.
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
