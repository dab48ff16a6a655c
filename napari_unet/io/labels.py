"""Reading label maps: the numbers in a file, not the colours they are shown in."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_unet.annotation.labels import (
    LabelKind,
    Labels,
    are_masks,
    as_labels,
    as_mask,
    as_whole,
    only_value,
    whole_or_refused,
)
from napari_unet.errors import InputError, naming
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.channels import channel_count
from napari_unet.images.source import ArrayImage
from napari_unet.io.read import read_image
from napari_unet.io.reader import without_single
from napari_unet.io.rois import is_roi_file, read_regions
from napari_unet.io.tiff import is_tiff
from napari_unet.io.zarr import labels_inside

T = TypeVar("T")

_LOSSY = frozenset({"JPEG", "MPO"})
_WITH_ALPHA = (2, 4)
_WAY_OUT = (
    "save the ids themselves as a grey TIFF or PNG (8, 16 or 32 bits), or with a "
    "palette, whose indices are taken as ids"
)


@dataclass(frozen=True, slots=True, eq=False)
class LabelFile:
    """The numbers of a label map as they lie in a file, before any rule."""

    array: npt.NDArray[Any]  # of any real type, without channels
    path: Path
    axes: str | None = None  # out of "TZYX"; None where the file leaves doubts
    notes: tuple[str, ...] = ()  # what a person should know of the reading
    regions: bool = False  # drawn from regions, each of which is an object

    def make(self, function: Callable[..., T], *more: Any, **options: Any) -> T:
        """Make something of the numbers; the file is named in what is refused."""
        with naming(self.path):
            return function(self.array, *more, **options)


def read_label_file(
    path: str | Path,
    shape: tuple[int, ...] | None = None,
    axes: str | None = None,
    channels: int | None = None,
) -> LabelFile:
    """Read the numbers of a label map, or draw the regions of a file.

    Regions need the shape of the label map, because their files know no size, and in
    stacks its `axes` and the number of `channels` of its image.

    Raises an InputError if the file cannot be read, or holds colours or fractions.
    """
    file = _read_numbers(Path(path), shape, axes, channels)
    file.make(whole_or_refused)
    return file


def _read_numbers(
    path: Path, shape: tuple[int, ...] | None, axes: str | None, channels: int | None
) -> LabelFile:
    if is_roi_file(path) and path.is_file():
        if shape is None:
            raise InputError(
                f"{str(path)!r} holds regions, which know no size of an "
                "image; name the image that they were drawn on."
            )
        found = read_regions(path, shape, axes, channels)
        return LabelFile(found.array, path, axes, found.notes, regions=True)
    path = labels_inside(path)
    image = read_image(path, stored=True)
    _refuse_lossy(path, image)
    axes, notes = image.axes, (f"{image.note}.",) if image.note else ()
    if axes is None or "C" not in axes:
        return LabelFile(image.array, path, axes, notes)
    if axes.endswith("C"):
        return LabelFile(_one_channel(path, image), path, axes[:-1], notes)
    # Writers call slices channels.
    numbers, left, count = image.array, None, channel_count(image.shape, axes)
    if count == 1:
        numbers, left = without_single(numbers, axes, "C")
    else:
        notes = (*notes, f"its {count} channels (axes {axes}) were taken as planes.")
    if shape is not None and numbers.shape != shape:
        raise _colours(path, axes)
    return LabelFile(numbers, path, left, notes)


def labels_of(file: LabelFile, kind: LabelKind, *, mask: bool | None = None) -> Labels:
    """Make a label map of a file by `annotation.labels.as_labels`, naming the file."""
    if file.regions:
        return Labels(file.array, file.notes)
    found = file.make(as_labels, kind, axes=file.axes, mask=mask)
    return replace(found, notes=(*file.notes, *found.notes))


def are_mask_files(files: Iterable[LabelFile], kind: LabelKind) -> bool:
    """Return whether the label maps of a data set can only be masks.

    Files are taken one by one, and only until one tells that they are not.
    """
    values = (file.make(only_value, kind) for file in files if not file.regions)
    return are_masks(values, kind)


def read_ids(path: str | Path) -> LabelMap:
    """Read object ids that are known to be ids: nothing is split, nothing told."""
    return read_label_file(path).make(as_whole)


def read_mask(path: str | Path) -> Labels:
    """Read where a mask is set, as bool; fractions and NaN are refused."""
    file = read_label_file(path)
    found = file.make(as_mask)
    return replace(found, notes=(*file.notes, *found.notes))


def _refuse_lossy(path: Path, image: ArrayImage) -> None:
    """Refuse a JPEG, unless all of it is one value."""
    if path.is_dir() or is_tiff(path):
        return
    with warnings.catch_warnings():
        # Of large pictures, whose size was looked at before they were read.
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            lossy = picture.format in _LOSSY
    if lossy and only_value(_one_channel(path, image)) < 0:
        raise InputError(
            f"Expected a label map of whole numbers, found a JPEG, {str(path)!r}, "
            f"which changes numbers when it is saved; {_WAY_OUT}."
        )


def _one_channel(path: Path, image: ArrayImage) -> npt.NDArray[Any]:
    """Return the numbers of a file in colour all of whose channels are the same."""
    if image.axes is None or not image.axes.endswith("C"):
        return image.array
    array = image.array
    if array.shape[-1] in _WITH_ALPHA and (array[..., -1:] == array.max()).all():
        array = array[..., :-1]
    if (array == array[..., :1]).all():
        return np.ascontiguousarray(array[..., 0])
    raise _colours(path, image.axes)


def _colours(path: Path, axes: str) -> InputError:
    return InputError(
        f"Expected a label map of whole numbers, found colours or channels (axes "
        f"{axes}) in {str(path)!r}; {_WAY_OUT}."
    )
