"""The result of a run: written block by block, and then put in its place."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_unet.core.atomic import remove_half_written, told_in_words
from napari_unet.exports.label_tiff import iter_write_label_tiff, read_tiff_note
from napari_unet.exports.label_zarr import LabelZarr, read_note
from napari_unet.geometry.box import Box
from napari_unet.images.source import Regions
from napari_unet.inference.blocks import Block, BlockPlan
from napari_unet.inference.stitching import Numbering
from napari_unet.io import open_source
from napari_unet.large.block_file import BlockFile
from napari_unet.large.folder import RunFolder
from napari_unet.weights.model import Model

OutputFormat = Literal["ome-zarr", "tiff"]

SUFFIXES: Mapping[OutputFormat, str] = {"ome-zarr": ".zarr", "tiff": ".tif"}

_IN_RESULT = "TZYX"


def place_of(path: Path) -> Place:
    """Return the result that lies at a path."""
    return Place(path, "ome-zarr" if path.is_dir() else "tiff")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result goes, and as what."""

    path: Path
    output_format: OutputFormat

    def note(self) -> dict[str, Any] | None:
        """Return where the result that is there comes from."""
        read = {"ome-zarr": read_note, "tiff": read_tiff_note}
        return read[self.output_format](self.path) if self.path.exists() else None

    def labels(self, note: Mapping[str, Any]) -> Regions:
        """Return what reads the labels, or values, that are there."""
        if self.output_format == "tiff":
            return open_source(self.path, axes=note["axes"])
        shape = tuple(note["shape"])
        return LabelZarr(self.path, note["axes"], shape, note["dtype"], note["labels"])

    def remove(self) -> None:
        """Remove the result that is there."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)

    def iter_move_in(
        self, labels: LabelZarr, size: Mapping[str, float], said: Mapping[str, Any]
    ) -> Generator[None, None, None]:
        """Put a result in its place, whole; nobody else may write there meanwhile."""
        with told_in_words(self.path):
            if self.output_format == "tiff":
                remove_half_written(self.path)
                yield from iter_write_label_tiff(self.path, labels, size, said)
                return
            # One that has gaps, and is made good now.
            self.remove()
            labels.folder.rename(self.path)


def iter_write(
    folder: RunFolder,
    plan: BlockPlan,
    axes: str,
    *,
    done: set[int],
    numbering: Numbering | None,
    labels: LabelZarr,
) -> Generator[None, None, None]:
    """Write what blocks hold into a zarr; those that are not done stay empty."""
    with told_in_words(labels.folder):
        for number in sorted(done):
            values = BlockFile(folder.block(number)).core()
            if numbering is not None:
                values = numbering.of(number)[values]
            labels.write(*_placed(plan, plan.blocks[number], axes, values))
            yield
        yield from labels.iter_pyramid()


def empty_zarr(
    folder: RunFolder, plan: BlockPlan, axes: str, dtype: str, values: int | None
) -> LabelZarr:
    """Return the description of a result; so many values a pixel, or else labels."""
    letters = "".join(a for a in _IN_RESULT if a in axes)
    extents = dict(zip(_IN_RESULT, plan.shape, strict=True))
    shape = [extents[letter] for letter in letters]
    if values is not None:
        place = int("T" in letters)
        letters = letters[:place] + "C" + letters[place:]
        shape.insert(place, values)
    return LabelZarr(folder.result, letters, tuple(shape), dtype, values is None)


def box_in_result(box: Box, axes: str) -> Box:
    """Return a box of (T, Z, Y, X) in the axes of the result, which has no values."""
    places = [n for n, letter in enumerate(_IN_RESULT) if letter in axes]
    return Box(tuple(box.start[n] for n in places), tuple(box.stop[n] for n in places))


def shape_in_result(plan: BlockPlan, axes: str) -> tuple[int, ...]:
    """Return the shape of the result, without its values."""
    return box_in_result(Box.whole(plan.shape), axes).shape


def region_in_result(
    plan: BlockPlan, block: Block, axes: str, values: npt.NDArray[Any]
) -> tuple[Box, int]:
    """Return where values of the core of a block lie in the result.

    And which of its axes is the first of the values, where these have one more.
    """
    region = box_in_result(block.in_result(block.core), axes)
    if values.ndim == len(plan.grid):
        return region, 0
    place = int("T" in axes)
    start, stop = list(region.start), list(region.stop)
    start.insert(place, 0)
    stop.insert(place, len(values))
    return Box(tuple(start), tuple(stop)), place


def _placed(
    plan: BlockPlan, block: Block, axes: str, values: npt.NDArray[Any]
) -> tuple[Box, npt.NDArray[Any]]:
    """Return where the core of a block lies in the result, and what is in it."""
    region, place = region_in_result(plan, block, axes, values)
    if values.ndim == len(plan.grid):
        return region, values.reshape(region.shape)
    rest = (*region.shape[:place], *region.shape[place + 1 :])
    return region, np.moveaxis(values.reshape(len(values), *rest), 0, place)


def disk_needed(pixels: int, values: int | None, model: Model) -> int:
    """Return about how many bytes a run takes on the disk, its result included.

    The model is copied into the run. Labels repeat themselves, and are packed to much
    less than this eighth.
    """
    weights = model.net.state_dict().values()
    copied: int = sum(each.numel() * each.element_size() for each in weights)
    if values is not None:
        return copied + 2 * pixels * values * 4
    return copied + 2 * pixels * 4 // 8
