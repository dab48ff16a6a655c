"""Labels and provenance as the program knows them, and the ways to change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.change import PixelChange, Region
from napari_unet.annotation.objects import Content, ObjectTable
from napari_unet.annotation.plane_table import PlaneTable
from napari_unet.annotation.provenance import Provenance, ProvenanceMap, is_verified
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import (
    Points,
    bounding_box,
    chosen_points,
)
from napari_unet.geometry.runs import (
    Runs,
    runs_of_mask,
    runs_of_points,
    runs_of_values,
    values_of_runs,
)
from napari_unet.geometry.tiling import cut_into_bands


class Pixels:
    """The label map that was noticed last, with provenance and a table of objects.

    A person paints in another array, `live`, which may be ahead of `labels`. All three
    arrays are changed in place; `record` gets every change right before it happens.
    `objects` and `planes` are always in step, and `revision` grows with every change.
    """

    def __init__(
        self,
        labels: LabelMap,
        live: LabelMap,
        provenance: ProvenanceMap,
        objects: ObjectTable,
        record: Callable[[PixelChange], None],
        planes: PlaneTable | None = None,
    ) -> None:
        self.labels = labels
        self.provenance = provenance
        self._live = live
        self.objects = objects
        self.planes = planes if planes is not None else PlaneTable(labels, provenance)
        self.revision = 0
        self._record = record

    @classmethod
    def of(
        cls,
        live: LabelMap,
        provenance: ProvenanceMap,
        record: Callable[[PixelChange], None],
    ) -> Pixels:
        """Return those of arrays in memory, of which the labels are copied."""
        if live.dtype != np.int32 or live.ndim < 2:
            raise InputError(
                "Expected labels as int32 with two axes or more, found "
                f"{live.dtype} with {live.ndim}; convert them first."
            )
        if provenance.dtype != np.uint8 or provenance.shape != live.shape:
            raise InputError(
                f"Expected provenance as uint8 of shape {live.shape}, found "
                f"{provenance.dtype} of shape {provenance.shape}; it belongs to other "
                "labels."
            )
        labels = live.copy()
        objects = ObjectTable.of(Content(labels, is_verified(provenance)))
        return cls(labels, live, provenance, objects, record)

    @property
    def whole(self) -> Box:
        """The box of all pixels."""
        return Box.whole(self.labels.shape)

    def unverified(self, place: tuple[slice, ...] | Points) -> Mask:
        """Return where nobody stands behind the labels, of a box or of some pixels."""
        return ~is_verified(self.provenance[place])

    def write(
        self, points: Points, labels: LabelMap, provenance: ProvenanceMap
    ) -> None:
        """Replace the content of n pixels, in order; values have the shape (n,)."""
        if not labels.size:
            return
        box = bounding_box(points)
        before, was = self.labels[points], self.provenance[points]
        self._announce(
            Region(box, runs_of_points(points, box)),
            runs_of_values(before),
            runs_of_values(labels),
            runs_of_values(was),
            runs_of_values(provenance),
        )
        moved = before != labels
        if moved.any():
            self.objects.extend(chosen_points(points, moved), labels[moved])
        self.objects.replace(
            Content(before, is_verified(was)), Content(labels, is_verified(provenance))
        )
        self.labels[points] = labels
        self.provenance[points] = provenance

    def write_mask(
        self, box: Box, mask: Mask, labels: LabelMap, provenance: ProvenanceMap
    ) -> None:
        """Replace the content of the n marked pixels of a box, also in `live`."""
        if not labels.size:
            return
        region = Region(box, runs_of_mask(mask))
        self._put(region, mask, runs_of_values(labels), runs_of_values(provenance))

    def put(self, region: Region, labels: Runs, provenance: Runs) -> None:
        """Replace the content of a region, and what the person sees of it."""
        self._put(region, region.mask, labels, provenance)

    def _put(self, region: Region, mask: Mask, labels: Runs, provenance: Runs) -> None:
        place = region.box.slices
        before, was = self.labels[place][mask], self.provenance[place][mask]
        after = values_of_runs(labels, np.int32)
        now = values_of_runs(provenance, np.uint8)
        self._announce(
            region, runs_of_values(before), labels, runs_of_values(was), provenance
        )
        had, has = is_verified(was), is_verified(now)
        moved = before != after
        if moved.any():
            _set(self.labels, place, mask, after)
            _set(self._live, place, mask, after)
            self.objects.extend_in(region.box, self.labels[place])
            self.objects.replace(Content(before, had), Content(after, has))
        else:
            self.objects.verify(before[has & ~had])
            self.objects.verify(before[had & ~has], -1)
        _set(self.provenance, place, mask, now)

    def accept(self, points: Points) -> None:
        """Make those of some pixels accepted that are unverified."""
        points = chosen_points(points, self.unverified(points))
        labels = self.labels[points]
        self.write(points, labels, np.full(len(labels), Provenance.ACCEPTED, np.uint8))

    def accept_mask(self, box: Box, mask: Mask) -> None:
        """Make those of many pixels of a box accepted that are unverified."""
        for band in cut_into_bands(box):
            place = band.slices
            free = mask[band.relative_to(box).slices] & self.unverified(place)
            if free.any():
                labels, was = self.labels[place][free], self.provenance[place][free]
                same, region = runs_of_values(labels), Region(band, runs_of_mask(free))
                now = np.array([Provenance.ACCEPTED, len(labels)], np.int64)
                self._announce(region, same, same, runs_of_values(was), now)
                self.objects.verify(labels)
                _set(self.provenance, place, free, Provenance.ACCEPTED)

    def replace_verified(
        self,
        box: Box,
        mask: Mask,
        content: Callable[[LabelMap], tuple[LabelMap, ProvenanceMap]],
    ) -> None:
        """Replace those of the marked pixels of a box that somebody stands behind.

        `content` returns new labels and provenance of n pixels from their labels.
        """
        for band in cut_into_bands(box):
            mine = mask[band.relative_to(box).slices] & ~self.unverified(band.slices)
            if mine.any():
                labels, now = content(self.labels[band.slices][mine])
                region = Region(band, runs_of_mask(mine))
                self._put(region, mine, runs_of_values(labels), runs_of_values(now))

    def replace_all(self, labels: LabelMap, provenance: ProvenanceMap) -> None:
        """Replace everything; what was there is told, changed or not."""
        for band in cut_into_bands(self.whole):
            mask = np.ones(band.shape, bool)
            now = runs_of_values(provenance[band.slices].ravel())
            after = runs_of_values(labels[band.slices].ravel())
            self._put(Region(band, runs_of_mask(mask)), mask, after, now)

    def refresh(self, box: Box, changed: Mask, labels: LabelMap) -> None:
        """Make some pixels of a box predicted, none of them verified.

        `labels` are the new ones of the whole box.
        """
        after = runs_of_values(labels[changed])
        now = np.array([Provenance.PREDICTED, changed.sum()], np.int64)
        self._put(Region(box, runs_of_mask(changed)), changed, after, now)

    def _announce(
        self, region: Region, before: Runs, after: Runs, was: Runs, now: Runs
    ) -> None:
        self._record(PixelChange(region.box, region.runs, before, after, was, now))
        self.planes.note(region.box)
        self.revision += 1


def _set(
    array: npt.NDArray[Any], place: tuple[slice, ...], mask: Mask, values: Any
) -> None:
    """Write into the marked pixels of a box.

    Of numpy's arrays the part is a view, and to put it back costs nothing.
    """
    part = array[place]
    part[mask] = values
    array[place] = part
