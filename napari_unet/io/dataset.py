"""Annotated images from folders: image, labels or values, and what is verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.core.axes import guess_axes, parse_axes
from napari_unet.core.provenance import LabelMap, Mask
from napari_unet.core.sample import Sample
from napari_unet.errors import InputError
from napari_unet.io.pairing import pair_by_stem
from napari_unet.io.read import ImageFile, read_image, read_labels, read_values
from napari_unet.io.rois import ROI_SUFFIXES, is_roi_file, read_rois


def read_samples(
    images: str | Path,
    labels: str | Path,
    *,
    verified: str | Path | None = None,
    axes: str | None = None,
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
        image: _read_sample(image, label, masks.get(image), axes, continuous=continuous)
        for image, label in pairs
    }


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
    shape, dtype = image.array.shape, image.array.dtype
    try:
        if axes is not None:
            return parse_axes(axes, len(shape))
        return image.axes or guess_axes(shape, dtype)
    except InputError as error:
        raise InputError(f"{image.path}: {error}") from error


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
