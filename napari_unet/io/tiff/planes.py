"""Which pages of a TIFF are the planes of its first image, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import Shape
from napari_unet.geometry.box import Box
from napari_unet.io.tiff import checks, metadata
from napari_unet.io.tiff.pages import Pages, page_shape
from napari_unet.io.tiff.run import Planes, Run


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """The planes of an image, level by level, and their axes in tifffile's letters.

    The axes are None where nothing names them; the series are those that hold them.
    A note tells what else is odd, and `others` that there are other images.
    """

    levels: tuple[Planes, ...]
    axes: str | None
    note: str | None
    series: tuple[Any, ...]
    others: str | None = None

    @property
    def cut_off(self) -> bool:
        """Whether the file ends before planes that are not packed do."""
        finest = self.levels[0]
        return isinstance(finest, Run) and finest.cut_off


def arrange(path: Path, file: Any) -> Arrangement:
    """Return how the planes of the first image are arranged.

    Raises a ValueError, or whatever tifffile raises, if the file is damaged.
    """
    stack = metadata.find_stack(path, file) if file.is_imagej else None
    if stack is not None:
        return _stack_of_imagej(path, file, stack)
    series = tuple(file.series)
    if not series:
        raise ValueError("it holds no image")
    if _are_pages_of_a_stack(series):
        pages = [one.pages[0] for one in series]
        shape = (len(pages), *_shape(series[0]))
        return Arrangement((Pages(str(path), pages, shape),), None, None, series)
    others = (
        f"the file holds {len(series)} images and only the first was read; "
        "save the others as files of their own to use them"
    )
    first = series[0]
    levels = [_level(path, file, one) for one in first.levels]
    fitting = tuple(one for one in levels if len(one.shape) == len(levels[0].shape))
    alone = len(series) == 1
    axes = str(first.axes)
    return Arrangement(fitting, axes, None, (first,), None if alone else others)


def _stack_of_imagej(path: Path, file: Any, stack: metadata.Stack) -> Arrangement:
    """Take all planes of ImageJ's that are there, whatever the header says."""
    page = file.pages.first
    shape = (*stack.sizes, *map(int, page.shape))
    planes: Planes
    if stack.contiguous:
        planes = _run(path, file, int(page.dataoffsets[0]), shape, page.dtype)
    else:
        planes = Pages(str(path), list(file.pages)[: stack.used], shape)
    return Arrangement((planes,), stack.axes, stack.note, ())


def _are_pages_of_a_stack(series: tuple[Any, ...]) -> bool:
    """Return whether planes were appended one by one, each as a series of its own."""
    page = "shaped", "YX", series[0].shape, series[0].dtype
    alike = all((one.kind, one.axes, one.shape, one.dtype) == page for one in series)
    return len(series) > 1 and alike


def _level(path: Path, file: Any, series: Any) -> Planes:
    shape = _shape(series)
    if series.dataoffset is not None and series.transform is None:
        return _run(path, file, int(series.dataoffset), shape, series.dtype)
    pages, own = list(series.pages), page_shape(series.keyframe)
    lead = shape[: len(shape) - len(own)]
    simple = shape == (*lead, *own) and np.prod(lead, dtype=np.int64) == len(pages)
    if simple and series.transform is None:
        return Pages(str(path), pages, shape)
    return _AtOnce(path, series)


def _shape(series: Any) -> Shape:
    shape = tuple(map(int, series.shape))
    if min(shape) < 0:
        raise ValueError("its shape is negative")
    return shape


def _run(path: Path, file: Any, offset: int, shape: Shape, dtype: Any) -> Run:
    ordered = np.dtype(dtype).newbyteorder(file.byteorder)
    return Run(file.filehandle, str(path), offset, shape, ordered)


@dataclass(slots=True, eq=False)
class _AtOnce:
    """Planes that are arranged in no simple way: tifffile reads all of them at once."""

    path: Path
    series: Any
    known: list[npt.NDArray[Any]] = field(default_factory=list)

    @property
    def shape(self) -> Shape:
        return _shape(self.series)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.series.dtype)
        return dtype

    @property
    def piece(self) -> Shape:
        return self.shape

    def read(self, region: Box) -> npt.NDArray[Any]:
        if not self.known:
            checks.check_every_segment(self.path, self.series)
            self.known.append(self.series.asarray())
        return self.known[0][region.slices]

    def missing(self, region: Box) -> tuple[str, ...]:
        del region
        return ()
