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
from napari_unet.geometry.bands import cut_into_bands
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
    runs_of_one_value,
    runs_of_points,
    runs_of_values,
    values_of_runs,
)


class Pixels:
    """The label map that was noticed last, with provenance and a table of objects.

    A person paints in another array, which may be ahead of this one.

    Parameters
    ----------
    live : ndarray of int32
        The array in which the person paints; changed in place.
    provenance : ndarray of uint8
        Owned and changed in place.

    Attributes
    ----------
    labels : ndarray of int32
        A copy of `live`, as it was noticed last.
    objects : ObjectTable
        Always in step with both arrays.
    revision : int
        Counts the changes.
    listener : callable or None
        Told of every change right before it happens.
    """

    def __init__(self, live: LabelMap, provenance: ProvenanceMap) -> None:
        self.labels = labels = live.copy()
        self.provenance = provenance
        self._live = live
        self.objects = ObjectTable(Content(labels, is_verified(provenance)))
        self.revision = 0
        self.listener: Callable[[PixelChange], None] | None = None

    @property
    def whole(self) -> Box:
        """The box of all pixels."""
        return Box.whole(self.labels.shape)

    def unverified(self, box: Box) -> Mask:
        """Return where nobody stands behind the labels of a box."""
        return ~is_verified(self.provenance[box.slices])

    def write(
        self, points: Points, labels: LabelMap, provenance: ProvenanceMap
    ) -> None:
        """Replace the content of n pixels; both values have the shape (n,)."""
        before = self.labels[points]
        self._announce(points, labels, provenance)
        moved = before != labels
        if moved.any():
            self.objects.extend(chosen_points(points, moved), labels[moved])
        self.objects.replace(
            Content(before, is_verified(self.provenance[points])),
            Content(labels, is_verified(provenance)),
        )
        self.labels[points] = labels
        self.provenance[points] = provenance
        self.revision += 1

    def put(self, region: Region, labels: Runs, provenance: Runs) -> None:
        """Replace the content of a region, and what the person sees of it."""
        place, mask = region.box.slices, region.mask
        before, was = self.labels[place][mask], self.provenance[place][mask]
        after = values_of_runs(labels, np.int32)
        now = values_of_runs(provenance, np.uint8)
        if self.listener is not None:
            runs = (runs_of_values(before), labels, runs_of_values(was), provenance)
            self.listener(PixelChange(region, *runs))
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
        self.revision += 1

    def free(self, points: Points) -> Mask:
        """Return which of n pixels nobody stands behind."""
        return ~is_verified(self.provenance[points])

    def accept(self, points: Points) -> Box | None:
        """Make those pixels accepted that are unverified; return where that was."""
        if not len(points[0]):
            return None
        free = self.free(points)
        if not free.any():
            return None
        points = chosen_points(points, free)
        labels = self.labels[points]
        self.write(points, labels, np.full(len(labels), Provenance.ACCEPTED, np.uint8))
        return bounding_box(points)

    def accept_mask(self, box: Box, mask: Mask) -> Box | None:
        """Accept many pixels of a box at once; return where something changed."""
        changed = None
        for band in cut_into_bands(box):
            place = band.slices
            free = mask[band.relative_to(box).slices] & self.unverified(band)
            if free.any():
                labels = self.labels[place][free]
                self._announce_mask(band, free, labels, Provenance.ACCEPTED)
                self.objects.verify(labels)
                self.provenance[place][free] = Provenance.ACCEPTED
                found = crop(band, free)
                changed = found.union(changed) if changed else found
        self.revision += changed is not None
        return changed

    def replace_verified(
        self,
        box: Box,
        mask: Mask,
        content: Callable[[LabelMap], tuple[LabelMap, ProvenanceMap]],
    ) -> Box | None:
        """Replace those of the marked pixels of a box that somebody stands behind.

        Parameters
        ----------
        content : callable
            Returns new labels and provenance of n pixels from their labels.
        """
        changed = None
        for band in cut_into_bands(box):
            mine = mask[band.relative_to(box).slices] & ~self.unverified(band)
            if mine.any():
                labels, now = content(self.labels[band.slices][mine])
                region = Region(band, runs_of_mask(mine))
                self.put(region, runs_of_values(labels), runs_of_values(now))
                changed = band.union(changed) if changed else band
        return changed

    def replace_all(self, labels: LabelMap, provenance: ProvenanceMap) -> Box:
        """Replace everything; what was there is told, changed or not."""
        for band in cut_into_bands(self.whole):
            region = Region(band, runs_of_mask(np.ones(band.shape, bool)))
            now = runs_of_values(provenance[band.slices].ravel())
            self.put(region, runs_of_values(labels[band.slices].ravel()), now)
        return self.whole

    def refresh(self, box: Box, changed: Mask, labels: LabelMap) -> None:
        """Replace the marked pixels of a box, which nobody has verified, by predicted.

        Parameters
        ----------
        box : Box
            Where.
        changed : ndarray of bool
            Which pixels of the box have new labels or become predicted.
        labels : ndarray of int32
            New labels of the whole box.
        """
        place = box.slices
        if self.listener is not None:
            self._announce_mask(box, changed, labels[changed], Provenance.PREDICTED)
        moved = labels != self.labels[place]
        before, after = self.labels[place][moved], labels[moved]
        free = np.zeros(len(after), bool)
        if len(after):
            self.objects.extend(marked_points(box, moved), after)
        self.objects.replace(Content(before, free), Content(after, free))
        self.labels[place] = labels
        self.provenance[place][changed] = Provenance.PREDICTED
        self.revision += 1

    def _announce(
        self, points: Points, labels: LabelMap, provenance: ProvenanceMap
    ) -> None:
        if self.listener is not None and len(points[0]):
            box = bounding_box(points)
            region = Region(box, runs_of_points(points, box))
            before, was = self.labels[points], self.provenance[points]
            every = [runs_of_values(each) for each in (before, labels)]
            every += [runs_of_values(each) for each in (was, provenance)]
            self.listener(PixelChange(region, *every))

    def _announce_mask(
        self, box: Box, mask: Mask, labels: LabelMap, provenance: Provenance
    ) -> None:
        if self.listener is not None:
            region, place = Region(box, runs_of_mask(mask)), box.slices
            after = runs_of_values(labels)
            before = after
            if provenance is not Provenance.ACCEPTED:
                before = runs_of_values(self.labels[place][mask])
            was = runs_of_values(self.provenance[place][mask])
            now = runs_of_one_value(provenance, len(labels))
            self.listener(PixelChange(region, before, after, was, now))


def check_maps(labels: npt.NDArray[Any], provenance: npt.NDArray[Any]) -> None:
    """Refuse arrays that are no label map with its provenance.

    Raises
    ------
    InputError
        If data types or shapes do not fit.
    """
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


def crop(box: Box, mask: Mask) -> Box:
    """Return the smallest box that holds the marked pixels of `box`; there are some."""
    spans = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        hit = np.flatnonzero(mask.any(axis=others))
        spans.append((int(hit[0]), int(hit[-1]) + 1))
    return Box(tuple(a for a, _ in spans), tuple(b for _, b in spans)).placed_in(box)
