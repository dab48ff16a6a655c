"""What labels mean, as far as painting, accepting and predicting depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import CLASS_NUMBERS, Labels, as_labels
from napari_unet.annotation.merge import (
    MergedPrediction,
    merge_classes,
    merge_prediction,
)
from napari_unet.annotation.objects import ObjectTable
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.annotation.settle import accepted_region
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask


class Rules(Protocol):
    """What an annotation asks; stateless, so that any thread may ask too."""

    repainting_accepts: ClassVar[bool]
    """Whether to paint a label over itself means that it is right."""

    def objects_among(self, labels: frozenset[int]) -> frozenset[int]:
        """Return which labels are objects, that are finished and accepted as a whole.

        Zero is not among `labels`.
        """
        ...

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return the provenance of pixels that were painted with these labels."""
        ...

    def taken_over(self, labels: Any) -> Labels:
        """Return what is made of labels that somebody else puts in the place of ours.

        Raises
        ------
        InputError
            If they are no labels.
        """
        ...

    def accepted(
        self, labels: LabelMap, box: Box, objects: ObjectTable
    ) -> tuple[Box, Mask]:
        """Return what a person accepts who accepts a box: pixels of a box."""
        ...

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return labels and provenance of pixels when nobody stands behind them."""
        ...

    def merge(
        self,
        labels: LabelMap,
        provenance: ProvenanceMap,
        predicted: npt.NDArray[np.integer[Any]],
        next_id: int,
        *,
        box: Box | None = None,
    ) -> MergedPrediction:
        """Fit a prediction into labels; see `merge_prediction`."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """Labels are ids of objects."""

    repainting_accepts: ClassVar[bool] = False

    def objects_among(self, labels: frozenset[int]) -> frozenset[int]:
        """Return all of them."""
        return labels

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return corrected, also for what was erased."""
        return _corrected(labels)

    def taken_over(self, labels: Any) -> Labels:
        """Return ids; a mask is split into its pieces."""
        return as_labels(labels)

    def accepted(
        self, labels: LabelMap, box: Box, objects: ObjectTable
    ) -> tuple[Box, Mask]:
        """Return the background of the box, and objects that are mostly inside."""
        return accepted_region(labels, box, objects)

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return the same labels as if a model had said so."""
        return _as_predicted(labels)

    def merge(
        self,
        labels: LabelMap,
        provenance: ProvenanceMap,
        predicted: npt.NDArray[np.integer[Any]],
        next_id: int,
        *,
        box: Box | None = None,
    ) -> MergedPrediction:
        """Keep what is verified, and objects whole and recognisable."""
        return merge_prediction(labels, provenance, predicted, next_id, box=box)


@dataclass(frozen=True, slots=True)
class ClassRules:
    """Labels are class numbers: every pixel stands for itself."""

    repainting_accepts: ClassVar[bool] = True

    def objects_among(self, labels: frozenset[int]) -> frozenset[int]:  # noqa: ARG002
        """Return nothing."""
        return frozenset()

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return corrected: class 0 is a statement like any other."""
        return _corrected(labels)

    def taken_over(self, labels: Any) -> Labels:
        """Return class numbers; of a mask of 0 and 255, class 1."""
        return as_labels(labels, CLASS_NUMBERS)

    def accepted(
        self,
        labels: LabelMap,  # noqa: ARG002
        box: Box,
        objects: ObjectTable,  # noqa: ARG002
    ) -> tuple[Box, Mask]:
        """Return the box."""
        return box, np.ones(box.shape, bool)

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return the same labels as if a model had said so."""
        return _as_predicted(labels)

    def merge(
        self,
        labels: LabelMap,
        provenance: ProvenanceMap,
        predicted: npt.NDArray[np.integer[Any]],
        next_id: int,
        *,
        box: Box | None = None,
    ) -> MergedPrediction:
        """Keep what is verified, and nothing else."""
        return merge_classes(labels, provenance, predicted, next_id, box=box)


@dataclass(frozen=True, slots=True)
class MarkRules(ClassRules):
    """Labels are marks beside a prediction; 0 is no mark and says nothing."""

    # A mark is verified already, and no mark says nothing.
    repainting_accepts: ClassVar[bool] = False

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return corrected where there is a mark, unseen where it was erased."""
        return np.where(labels == 0, Provenance.UNSEEN, Provenance.CORRECTED).astype(
            np.uint8
        )

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return no marks: a mark for which nobody stands says nothing."""
        return np.zeros_like(labels), np.zeros(labels.shape, np.uint8)


def _corrected(labels: LabelMap) -> ProvenanceMap:
    return np.full(labels.shape, Provenance.CORRECTED, np.uint8)


def _as_predicted(labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
    return labels, np.full(labels.shape, Provenance.PREDICTED, np.uint8)
