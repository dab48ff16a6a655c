"""Labels larger than memory as files of other programs: read and written part by part.

There are two that have room for them: OME-Zarr, in which only what is labelled takes
room, and TIFF in tiles. Both are whole or not there at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.atomic import told_in_words, write_folder_atomically
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.formats.ome_zarr import OME_ZARR
from napari_unet.exports.formats.tiff import FIJI
from napari_unet.exports.label_tiff import iter_write_label_tiff
from napari_unet.exports.label_zarr import LabelZarr
from napari_unet.exports.written import files_as_noted, note_files
from napari_unet.geometry.box import Box


class LabelsByRegion(Protocol):
    """Labels of which regions are read."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def axes(self) -> str:
        """Of the labels, in the order of "TCZYX"."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return the labels of a region."""
        ...

    def labelled(self) -> Collection[Box]:
        """Return the regions outside of which there is nothing."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LargeResult:
    """Labels larger than memory, and what files tell of them.

    Parameters
    ----------
    name : str
        That of the image without its suffix.
    labels : LabelsByRegion
        Ids or class numbers.
    pixel_size : mapping
        Micrometres from pixel to pixel, as far as they are known.
    """

    name: str
    labels: LabelsByRegion
    pixel_size: Mapping[str, float]


Write: TypeAlias = Callable[[LargeResult, Path], Steps]


def _write_zarr(result: LargeResult, path: Path) -> Steps:
    """Write an OME-Zarr with labels alone, with a pyramid."""
    labels, part = result.labels, path.with_name(f".{path.name}.part")
    kind = labels.dtype.name
    target = LabelZarr(part, labels.axes, labels.shape, kind, labels=True)
    try:
        with told_in_words(path):
            target.create(result.name, result.pixel_size)
            for region in labels.labelled():
                yield
                target.write(region, labels.read(region))
            yield from target.iter_pyramid()
        noted = files_as_noted(path)
        write_folder_atomically(
            path, lambda empty: _move_in(part, empty), overwrite=True, earlier=noted
        )
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _move_in(part: Path, folder: Path) -> None:
    for each in part.iterdir():
        each.rename(folder / each.name)
    note_files(folder)


def _write_tiff(result: LargeResult, path: Path) -> Steps:
    """Write a BigTIFF in tiles."""
    yield from iter_write_label_tiff(path, result.labels, result.pixel_size, {})


_WRITERS: Mapping[Format, Write] = {OME_ZARR: _write_zarr, FIJI: _write_tiff}
"""All formats that are `large`."""


def iter_write_large(result: LargeResult, format_: Format, path: Path) -> Steps:
    """Write labels larger than memory in a format that is `large`."""
    return _WRITERS[format_](result, path)


def why_not_large(format_: Format) -> str:
    """Return why labels larger than memory cannot be written; nothing if they can."""
    if format_.large:
        return ""
    return (
        f"{format_.title}: it needs all of an image at once; cut out a part, and "
        "export that."
    )
