"""What leaves the program: the labels of an image, and what is known of both."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet import measurements
from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.geometry.axes import CANONICAL, to_canonical
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.measurements.confidence import Foreground
from napari_unet.measurements.table import Measurements
from napari_unet.tasks import task_of
from napari_unet.tracking.tracks import Track


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The labels of an image with all that formats can tell of them.

    Parameters
    ----------
    name : str
        That of the image without its suffix.
    labels : ndarray
        Ids or class numbers, 0 is background; or values, float32 with NaN where nobody
        knows.
    axes : str
        Those of the labels, such as "ZYX"; values of several variables have C.
    schema : LabelSchema
        What the labels say of the pixels.
    image : ndarray, optional
        What they were found in, with `image_axes`.
    image_file : str
        Name of its file, for formats that refer to it.
    channels : tuple of str
        Names of its channels, if they are several.
    pixel_size : mapping
        Micrometres from pixel to pixel along Z, Y and X, as far as they are known.
    verified : ndarray of bool, optional
        Where a person stands behind the labels.
    foreground : callable, optional
        What a model says; see `napari_unet.measurements.confidence`.
    table : Measurements, optional
        What was measured of the objects; see `iter_measured`.
    tracks : tuple of Track
        Which object came from which, in time-lapses whose ids follow objects.
    """

    name: str
    labels: npt.NDArray[Any]
    axes: str
    schema: LabelSchema = INSTANCES
    image: npt.NDArray[Any] | None = None
    image_axes: str = ""
    image_file: str = ""
    channels: tuple[str, ...] = ()
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    verified: Mask | None = None
    foreground: Foreground | None = None
    table: Measurements | None = None
    tracks: tuple[Track, ...] = ()

    def called(self, label: int) -> str:
        """Return what a label is called: a class by its name, an object by its id."""
        names = self.schema.names
        return names[label] if 0 <= label < len(names) else str(label)

    def planes(self) -> Iterator[tuple[int, int, LabelMap]]:
        """Yield frames and sections, numbered from 0, with their labels (Y, X).

        What is unknown is background there: it is no object, and no class.
        """
        stack = to_canonical(self.labels, self.axes)[:, 0]
        unknown = task_of(self.schema).labels.kind.unknown
        for frame, sections in enumerate(stack):
            for section, plane in enumerate(sections):
                if unknown is not None:
                    plane = np.where(plane == unknown, 0, plane)
                yield frame, section, plane

    @property
    def of_objects(self) -> bool:
        """Whether labels are ids of objects, and not what pixels are."""
        return task_of(self.schema).labels.objects

    @property
    def extent(self) -> dict[str, int]:
        """How long the axes of the labels are."""
        return dict(zip(self.axes, self.labels.shape, strict=True))


def iter_measured(result: Result) -> Generator[None, None, Result]:
    """Return a result with the table of its objects."""
    if result.table is not None:
        return result
    table = yield from measurements.iter_measure_objects(
        result.labels,
        result.image_axes or result.axes,
        image=result.image,
        verified=result.verified,
        channels=result.channels,
        spacing=result.pixel_size,
        foreground=result.foreground,
    )
    return replace(result, table=table)


def in_order(
    array: npt.NDArray[Any], axes: str, wanted: str = CANONICAL
) -> tuple[npt.NDArray[Any], str]:
    """Return an array with its axes in another order, and the axes."""
    order = sorted(range(array.ndim), key=lambda number: wanted.index(axes[number]))
    ordered = np.ascontiguousarray(array.transpose(order))
    return ordered, "".join(axes[number] for number in order)
