"""Writing label maps and other results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.core.atomic import leave_existing, write_atomically
from napari_unet.errors import InputError
from napari_unet.geometry.axes import CANONICAL
from napari_unet.io.mark import MARK
from napari_unet.io.pairing import stem_of

_MICROMETRES_PER_CENTIMETRE = 1e4


def write_image(
    path: str | Path,
    array: npt.NDArray[Any],
    axes: str,
    *,
    overwrite: bool = False,
    pixel_size: Mapping[str, float] | None = None,
    mark: str | None = None,
) -> None:
    """Write an array as a zlib-compressed TIFF of its own type, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Where to; the folder must exist. What is called `.ome.tif` is an OME-TIFF, with
        its axes in the order TCZYX.
    axes : str
        Axes of the array, such as "YX" or "CYX"; stored in the file.
    pixel_size : mapping of str to float, optional
        Micrometres per pixel along "Z", "Y" and "X"; stored beside the axes, and as the
        TIFF's resolution for other programs. Other axes than the array's are left out.
    mark : str, optional
        For `napari_unet.io.read_mark`; an OME-TIFF has no place for it.

    Raises an InputError if the file exists and `overwrite` is false, or the axes do not
    fit, and a StorageError if the file cannot be written.
    """
    path = Path(path)
    if len(axes) != array.ndim:
        raise InputError(
            f"Axes {axes!r} name {len(axes)} axes, but the array has {array.ndim}; "
            "give one letter per axis."
        )
    if not overwrite:
        leave_existing(path)
    ome = stem_of(path) != path.stem
    if ome:  # whose planes are always Y, X
        order = sorted(range(array.ndim), key=lambda i: CANONICAL.index(axes[i]))
        array, axes = array.transpose(order), "".join(axes[i] for i in order)
    size = {axis: n for axis, n in (pixel_size or {}).items() if axis in axes}
    tags = tags_of(axes, size)
    if mark is not None:
        tags["metadata"][MARK] = mark

    def write(file: BinaryIO) -> None:
        tifffile.imwrite(
            file,
            np.ascontiguousarray(array),
            compression="zlib",
            photometric="minisblack",
            ome=ome,
            **tags,
        )

    write_atomically(path, write)


def tags_of(axes: str, size: Mapping[str, float]) -> dict[str, Any]:
    """Return what tifffile is to write of the axes and the size of pixels."""
    metadata: dict[str, Any] = {"axes": axes}
    # Without OME they are the same words in another place: a resolution has no Z.
    metadata |= {f"PhysicalSize{axis}": extent for axis, extent in size.items()}
    metadata |= {f"PhysicalSize{axis}Unit": "\u00b5m" for axis in size}
    tags: dict[str, Any] = {"metadata": metadata}
    if {"Y", "X"} <= size.keys():
        tags["resolution"] = tuple(_MICROMETRES_PER_CENTIMETRE / size[a] for a in "XY")
        tags["resolutionunit"] = "CENTIMETER"
    return tags
