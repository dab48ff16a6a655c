"""A scripted annotator: corrects a prediction the way a person does, view by view.

It uses the same public functions as the brush does, sees the truth only inside the
view that it opened, paints with an unsteady hand, and tolerates small errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.views import cut_views


@dataclass(frozen=True, slots=True)
class ScriptedAnnotator:
    """Corrects annotations towards a truth."""

    rng: np.random.Generator  # its hand, and the order in which it opens views
    view: int = 160  # about the extent of the views an image is cut into, in pixels
    tolerance: float = 0.7  # overlap (IoU) from which an object is left as it is
    unsteadiness: float = 1.0  # standard deviation of the painted outline, in pixels

    def correct(self, annotation: Annotation, truth: LabelMap, budget: int) -> int:
        """Correct an annotation view by view, and accept every finished view.

        Returns how many objects were painted or erased, at most the budget. The view
        in which the budget ends is not accepted, only the objects that were corrected.
        """
        spent = 0
        for view in self._views(truth.shape):
            for _ in self._corrections(annotation, truth, view):
                spent += 1
                if spent == budget:
                    annotation.do(Settle())
                    return spent
            annotation.do(Settle())
            annotation.do(AcceptView(view))
        return spent

    def _views(self, shape: tuple[int, ...]) -> list[Box]:
        views = cut_views(shape, "YX", self.view)
        return [views[i] for i in self.rng.permutation(len(views))]

    def _corrections(
        self, annotation: Annotation, truth: LabelMap, view: Box
    ) -> Iterator[None]:
        """Correct what is wrong in a view; yields after every object."""
        wanted = mostly_inside(truth, view)
        right = [i for i in wanted if self._is_right(annotation, truth == i)]
        if 2 * len(right) < len(wanted):
            # All of it, not only the view: painting over a part of an object says
            # that the rest of it is right.
            take_over(annotation, np.zeros(truth.shape, np.int32))
        for true_id in wanted:
            mask = truth == true_id
            if not self._is_right(annotation, mask):
                self._paint(annotation, mask)
                yield
        for wrong_id in mostly_inside(annotation.labels, view):
            mask = annotation.labels == wrong_id
            if not is_verified(annotation.provenance[mask]).any() and (
                _best_overlap(truth, mask) < self.tolerance
            ):
                self._write(annotation, mask, 0)
                yield

    def _is_right(self, annotation: Annotation, mask: Mask) -> bool:
        return _best_overlap(annotation.labels, mask) >= self.tolerance

    def _paint(self, annotation: Annotation, mask: Mask) -> None:
        """Clear what lies mostly under the object, then paint it."""
        corrected = annotation.provenance == Provenance.CORRECTED
        free = ~(corrected & (annotation.labels > 0))
        ids, counts = np.unique(annotation.labels[mask & free], return_counts=True)
        areas = np.bincount(annotation.labels.ravel())
        cleared = [
            i for i, n in zip(ids, counts, strict=True) if i and 2 * n > areas[i]
        ]
        self._write(annotation, np.isin(annotation.labels, cleared) & free, 0)
        self._write(annotation, self._unsteady(mask) & free, annotation.new_id())

    def _unsteady(self, mask: Mask) -> Mask:
        """Move the outline in and out by a smooth random amount."""
        distance = ndi.distance_transform_edt(mask) - ndi.distance_transform_edt(~mask)
        wobble = ndi.gaussian_filter(self.rng.normal(size=mask.shape), 4)
        wobble *= self.unsteadiness / wobble.std()
        painted: Mask = distance + wobble > 0
        return painted if painted.any() else mask

    def _write(self, annotation: Annotation, mask: Mask, label: int) -> None:
        changed = mask & (annotation.labels != label)
        if not changed.any():
            return
        annotation.labels[changed] = label
        (region,) = ndi.find_objects(changed.astype(np.uint8))
        annotation.notice_change(Box.from_slices(region))


def take_over(annotation: Annotation, found: LabelMap) -> None:
    """Merge a prediction of the whole image, as far as nobody verified another."""
    whole = Box.whole(found.shape)
    part = annotation.merging(found, whole).merge()
    annotation.do(part(whole))


def mostly_inside(labels: LabelMap, view: Box) -> list[int]:
    """Return the ids of objects with more than half of their pixels in the view."""
    inside = np.bincount(labels[view.slices].ravel())
    total = np.bincount(labels.ravel(), minlength=len(inside))[: len(inside)]
    ids = np.flatnonzero((inside > 0) & (2 * inside > total))
    return [int(i) for i in ids if i]


def _best_overlap(labels: LabelMap, mask: Mask) -> float:
    """Return the highest intersection over union of the mask with an object."""
    ids, overlap = np.unique(labels[mask], return_counts=True)
    area = np.count_nonzero(mask)
    scores = [
        n / (area + np.count_nonzero(labels == i) - n)
        for i, n in zip(ids, overlap, strict=True)
        if i
    ]
    return max(scores, default=0.0)
