"""The labels of an image larger than memory, on their way out of the program.

What is not saved is lent as it is, and nothing is copied; all else is read from the
project, chunk by chunk, by the job that writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.chunked import Chunk, ChunkedArray, Index
from napari_unet.annotation.large import LargeAnnotation, SavedChunks
from napari_unet.errors import InputError
from napari_unet.exports.in_chunks import LargeResult
from napari_unet.geometry.axes import CANONICAL, result_axes
from napari_unet.geometry.box import Box
from napari_unet.project.identity import ImageIdentity
from napari_unet.session.export_facts import file_stem, sizes_of


class LentLabels:
    """The labels of an image at one moment; nobody writes to them any more.

    Parameters
    ----------
    axes, shape
        Of the labels.
    here : mapping of tuple to ndarray
        Chunks that are not saved.
    saved : SavedChunks
        Where all others are.
    """

    def __init__(
        self,
        axes: str,
        shape: tuple[int, ...],
        here: Mapping[Index, Chunk],
        saved: SavedChunks,
    ) -> None:
        self.axes, self.shape = axes, shape
        self.dtype: np.dtype[Any] = np.dtype(np.int32)
        self._here, self._saved = dict(here), saved

    @classmethod
    def of(cls, annotation: LargeAnnotation, axes: str) -> LentLabels:
        """Return the labels of an annotation as they are now; it costs nothing."""
        here = {i: both[0] for i, both in annotation.to_save().chunks.items()}
        return cls(axes, annotation.shape, here, annotation.saved)

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return the labels of a region."""
        found = np.empty(region.shape, self.dtype)
        # What was read is not kept: each chunk is asked for once.
        chunks = ChunkedArray(self.shape, self.dtype, self._find, most_bytes=0)
        chunks.read_into(region, found)
        return found

    def labelled(self) -> Collection[Box]:
        """Return where there are chunks."""
        grid = ChunkedArray(self.shape, self.dtype)
        return [grid.place(i) for i in sorted(self._here.keys() | self._saved.indices)]

    def _find(self, index: Index) -> Chunk | None:
        found = self._here.get(index)
        return found if found is not None else self._saved.labels(index)


@dataclass(frozen=True, slots=True, eq=False)
class LargeWork:
    """The labels of an image larger than memory at one moment.

    `home` is the project to which they belong, in which they have the key.
    """

    home: Path
    key: str
    identity: ImageIdentity
    labels: LentLabels
    pixel_size: float | None = None

    @classmethod
    def of(
        cls,
        home: Path,
        key: str,
        identity: ImageIdentity,
        annotation: LargeAnnotation,
        pixel_size: float | None = None,
    ) -> LargeWork:
        """Return the work as it is now; it costs nothing."""
        labels = LentLabels.of(annotation, result_axes(identity.axes))
        return cls(home, key, identity, labels, pixel_size)

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return self.identity.name

    def result(self) -> LargeResult:
        """Return what leaves the program; an InputError says why that is impossible."""
        axes = self.labels.axes
        if axes != "".join(a for a in CANONICAL if a in axes):
            raise InputError(
                f"{self.name}: expected axes in the order of {CANONICAL}, found "
                f"{self.identity.axes}: labels of an image larger than memory are "
                "exported as they lie."
            )
        sizes = sizes_of(self.identity, self.pixel_size)
        return LargeResult(file_stem(self.name), self.labels, sizes)
