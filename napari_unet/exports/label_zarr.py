"""Labels as OME-Zarr that are written region by region, with a pyramid.

In a file of their own there is no image beside them, so they lie where a reader of
labels looks: in `labels/cells`. Values, which are no labels, are an image themselves.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from napari_unet.exports.formats.ome_zarr import axis_as_said
from napari_unet.geometry.box import Box

PIECE = 1024
"""Extent of what lies together in a file, in Y and X."""

_VERSION = "0.5"
_OURS = "napari-unet"
_LABELS = "labels"
_NAME = "cells"


@dataclass(frozen=True, slots=True)
class LabelZarr:
    """An OME-Zarr with labels, or with values.

    Parameters
    ----------
    folder : Path
        Of the zarr.
    axes : str
        Of its arrays, in the order of "TCZYX".
    shape : tuple of int
        At full resolution.
    kind : str
        The data type, such as "int32".
    labels : bool
        Whether these are labels.
    """

    folder: Path
    axes: str
    shape: tuple[int, ...]
    kind: str
    labels: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type."""
        return np.dtype(self.kind)

    def create(self, name: str, pixel_size: Mapping[str, float]) -> None:
        """Make it, without any pixels; what is there is replaced."""
        root = zarr.open_group(self.folder, mode="w", zarr_format=3)
        group = root
        if self.labels:
            root.attrs["ome"] = {"version": _VERSION}
            listed = root.create_group(_LABELS)
            listed.attrs["ome"] = {"version": _VERSION, "labels": [_NAME]}
            group = listed.create_group(_NAME)
        datasets = []
        for number, (shape, step) in enumerate(self._levels()):
            group.create_array(
                str(number),
                shape=shape,
                chunks=self._piece(shape),
                dtype=self.kind,
                dimension_names=[letter.lower() for letter in self.axes],
            )
            scale = [
                pixel_size.get(a, 1.0) * (step if a in "YX" else 1) for a in self.axes
            ]
            change = [{"type": "scale", "scale": scale}]
            datasets.append({"path": str(number), "coordinateTransformations": change})
        axes = [axis_as_said(letter, pixel_size) for letter in self.axes]
        said: dict[str, Any] = {
            "version": _VERSION,
            "multiscales": [{"name": name, "axes": axes, "datasets": datasets}],
        }
        if self.labels:
            said["image-label"] = {}
        group.attrs["ome"] = said

    def write(self, region: Box, values: npt.NDArray[Any]) -> None:
        """Write a region at full resolution."""
        self._level(0)[region.slices] = values

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return a region at full resolution."""
        return np.asarray(self._level(0)[region.slices])

    def note(self, said: Mapping[str, Any]) -> None:
        """Write down where it comes from."""
        root = zarr.open_group(self.folder, mode="r+", zarr_format=3)
        root.attrs[_OURS] = dict(said)

    def iter_pyramid(self) -> Generator[None, None, None]:
        """Write the coarser levels, each from the one before: every other pixel."""
        for number, (shape, _) in enumerate(self._levels()):
            if number == 0:
                continue
            finer, level = self._level(number - 1), self._level(number)
            steps = [2 if axis in "YX" else 1 for axis in self.axes]
            piece = self._piece(shape)
            starts = (range(0, n, size) for n, size in zip(shape, piece, strict=True))
            for start in product(*starts):
                stop = map(min, shape, map(sum, zip(start, piece, strict=True)))
                ends = list(zip(start, stop, steps, strict=True))
                wanted = tuple(slice(a * k, b * k, k) for a, b, k in ends)
                level[tuple(slice(a, b) for a, b, _ in ends)] = finer[wanted]
                yield

    def _levels(self) -> list[tuple[tuple[int, ...], int]]:
        """Return the shape of each level, and how many pixels one of it stands for."""
        found, step = [(self.shape, 1)], 1
        while step * PIECE < max(self.shape[-2:]):
            step *= 2
            planes = tuple(-(-n // step) for n in self.shape[-2:])
            found.append(((*self.shape[:-2], *planes), step))
        return found

    def _piece(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        planes = tuple(min(PIECE, n) for n in shape[-2:])
        return (1,) * (len(shape) - 2) + planes

    def _level(self, number: int) -> Any:
        inside = f"{_LABELS}/{_NAME}/{number}" if self.labels else str(number)
        return zarr.open_array(self.folder / inside, mode="r+", zarr_format=3)


def read_note(folder: Path) -> dict[str, Any] | None:
    """Return where the labels in a zarr come from; None where they are not ours."""
    try:
        root = zarr.open_group(folder, mode="r", zarr_format=3)
        found: Any = root.attrs.get(_OURS)
    # Whatever else lies there is none of ours.
    except Exception:  # noqa: BLE001
        return None
    return found if isinstance(found, dict) else None
