"""The labels of an image larger than memory, on their way out of the program.

What is not saved is lent as it is, and nothing is copied; all else is read from the
project, chunk by chunk, by the job that writes.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.chunked import Chunk, ChunkedArray, Index
from napari_unet.annotation.large import LargeAnnotation, SavedChunks
from napari_unet.core.jobs import Job, told_as
from napari_unet.errors import InputError, NapariUnetError
from napari_unet.exports import ResultsFolder, find_format
from napari_unet.exports.in_chunks import LargeResult, iter_left_out
from napari_unet.geometry.axes import CANONICAL, result_axes
from napari_unet.geometry.box import Box
from napari_unet.io.read import read_header
from napari_unet.project.identity import ImageIdentity
from napari_unet.session.export_job import Exported
from napari_unet.session.export_work import file_stem
from napari_unet.session.images.image import OpenImage
from napari_unet.session.status import Progress


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
class ExportLarge(Job[Progress, Exported]):
    """Write the labels of an image larger than memory, in the formats that hold them.

    `key` tells the image from others whose results lie in the folder.
    """

    identity: ImageIdentity
    labels: LentLabels
    pixel_size: float | None
    formats: tuple[str, ...]
    folder: Path
    key: str

    @classmethod
    def of(
        cls, image: OpenImage, formats: tuple[str, ...], folder: Path
    ) -> ExportLarge:
        """Return the export of an image as it is now; an InputError says why not."""
        axes = result_axes(image.axes)
        if not isinstance(image.annotation, LargeAnnotation):
            raise TypeError("an image that fits into memory is exported as a whole")
        if axes != "".join(a for a in CANONICAL if a in axes):
            raise InputError(
                f"Expected axes in the order of {CANONICAL}, found {image.axes}: "
                "labels of an image larger than memory are exported as they lie."
            )
        labels = LentLabels.of(image.annotation, axes)
        home = image.place.belongs_to.folder
        key = f"{home.name}/{image.key}"
        return cls(image.identity, labels, image.pixel_size, formats, folder, key)

    def run(self) -> Generator[Progress, None, Exported]:
        """Write one file after the other."""
        formats = [find_format(name) for name in self.formats]
        results, problems, files = ResultsFolder(self.folder), list[str](), 0
        size = self._sizes()
        name = file_stem(self.identity.name)
        result = LargeResult(name, self.labels, size)
        for each in formats:
            if not each.large:
                continue
            try:
                steps = results.iter_put_large(self.key, result, each)
                yield from told_as(Progress(), steps)
                files += 1
            except NapariUnetError as error:
                problems.append(str(error))
        return Exported(files, 1, tuple(problems), tuple(iter_left_out(formats)))

    def _sizes(self) -> dict[str, float]:
        path, known = self.identity.path, self.pixel_size
        sizes = dict(read_header(path).pixel_size) if path else {}
        if known is not None and sizes.get("X") != known:
            sizes |= {"Y": known, "X": known}
        return sizes
