"""Labels and provenance as the program knows them, and the ways to change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.change import PixelChange, Region
from napari_unet.annotation.objects import Content, ObjectTable
from napari_unet.annotation.provenance import Provenance, ProvenanceMap, is_verified
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import (
    Points,
    bounding_box,
    chosen_points,
    marked_points,
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
    `objects` is always in step, and `revision` grows with every change.
    """

    def __init__(
        self,
        live: LabelMap,
        provenance: ProvenanceMap,
        record: Callable[[PixelChange], None],
    ) -> None:
        check_maps(live, provenance)
        self.labels = labels = live.copy()
        self.provenance = provenance
        self._live = live
        self.objects = ObjectTable(Content(labels, is_verified(provenance)))
        self.revision = 0
        self._record = record

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

    def put(self, region: Region, labels: Runs, provenance: Runs) -> None:
        """Replace the content of a region, and what the person sees of it."""
        place, mask = region.box.slices, region.mask
        before, was = self.labels[place][mask], self.provenance[place][mask]
        after = values_of_runs(labels, np.int32)
        now = values_of_runs(provenance, np.uint8)
        self._announce(
            region, runs_of_values(before), labels, runs_of_values(was), provenance
        )
        had, has = is_verified(was), is_verified(now)
        moved = before != after
        if moved.any():
            self.labels[place][mask] = after
            self._live[place][mask] = after
            self.objects.extend_in(region.box, self.labels[place])
            self.objects.replace(Content(before, had), Content(after, has))
        else:
            self.objects.verify(before[has & ~had])
            self.objects.unverify(before[had & ~has])
        self.provenance[place][mask] = now

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
                labels = self.labels[place][free]
                same = runs_of_values(labels)
                self._announce_mask(band, free, same, same, Provenance.ACCEPTED)
                self.objects.verify(labels)
                self.provenance[place][free] = Provenance.ACCEPTED

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
                self.put(region, runs_of_values(labels), runs_of_values(now))

    def replace_all(self, labels: LabelMap, provenance: ProvenanceMap) -> None:
        """Replace everything; what was there is told, changed or not."""
        for band in cut_into_bands(self.whole):
            region = Region(band, runs_of_mask(np.ones(band.shape, bool)))
            now = runs_of_values(provenance[band.slices].ravel())
            self.put(region, runs_of_values(labels[band.slices].ravel()), now)

    def refresh(self, box: Box, changed: Mask, labels: LabelMap) -> None:
        """Replace unverified pixels of a box by predicted ones.

        `changed` are those with new labels or another provenance; `labels` are the new
        ones of the whole box.
        """
        place = box.slices
        self._announce_mask(
            box,
            changed,
            runs_of_values(self.labels[place][changed]),
            runs_of_values(labels[changed]),
            Provenance.PREDICTED,
        )
        # Only these: what was painted and not noticed yet is ahead of `labels`.
        self._live[place][changed] = labels[changed]
        moved = labels != self.labels[place]
        before, after = self.labels[place][moved], labels[moved]
        free = np.zeros(len(after), bool)
        if len(after):
            self.objects.extend(marked_points(box, moved), after)
        self.objects.replace(Content(before, free), Content(after, free))
        self.labels[place] = labels
        self.provenance[place][changed] = Provenance.PREDICTED

    def _announce(
        self, region: Region, before: Runs, after: Runs, was: Runs, now: Runs
    ) -> None:
        self._record(PixelChange(region, before, after, was, now))
        self.revision += 1

    def _announce_mask(
        self, box: Box, mask: Mask, before: Runs, after: Runs, provenance: Provenance
    ) -> None:
        was = self.provenance[box.slices][mask]
        now = np.array([provenance, was.size], np.int64)
        region = Region(box, runs_of_mask(mask))
        self._announce(region, before, after, runs_of_values(was), now)


def check_maps(labels: npt.NDArray[Any], provenance: npt.NDArray[Any]) -> None:
    """Refuse arrays that are no label map with its provenance (InputError)."""
    if labels.dtype != np.int32 or labels.ndim < 2:
        raise InputError(
            "Expected labels as int32 with two axes or more, found "
            f"{labels.dtype} with {labels.ndim}; convert them first."
        )
    if provenance.dtype != np.uint8 or provenance.shape != labels.shape:
        raise InputError(
            f"Expected provenance as uint8 of shape {labels.shape}, found "
            f"{provenance.dtype} of shape {provenance.shape}; it belongs to other "
            "labels."
        )
