"""What labels mean, as far as painting, accepting and predicting depend on it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from napari_unet.annotation.labels import CLASS_NUMBERS, OBJECT_IDS, LabelKind
from napari_unet.annotation.merge import merge_classes, merge_prediction
from napari_unet.annotation.objects import ObjectTable
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.annotation.settle import accepted_region
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask


class Rules:
    """What an annotation asks; stateless, so that any thread may ask too.

    Labels are ids of objects, unless a subclass says otherwise.
    """

    kind: ClassVar[LabelKind] = OBJECT_IDS
    """How labels are read that somebody else puts in the place of ours."""

    objects: ClassVar[bool] = True
    """Whether labels are objects, which are finished and accepted as a whole."""

    repainting_accepts: ClassVar[bool] = False
    """Whether to paint a label over itself means that it is right."""

    merge = staticmethod(merge_prediction)
    """How a prediction is fitted in: what is verified is kept, objects whole."""

    accepted = staticmethod(accepted_region)
    """Which pixels of which box a person accepts who accepts a box."""

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return the provenance of painted pixels: corrected, also what was erased."""
        return np.full(labels.shape, Provenance.CORRECTED, np.uint8)

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return labels and provenance of pixels when nobody stands behind them.

        The same labels, as if a model had said so.
        """
        return labels, np.full(labels.shape, Provenance.PREDICTED, np.uint8)


OBJECTS = Rules()


def _whole_box(labels: LabelMap, box: Box, objects: ObjectTable) -> tuple[Box, Mask]:
    del labels, objects
    return box, np.ones(box.shape, bool)


class ClassRules(Rules):
    """Labels are class numbers: every pixel stands for itself, class 0 too."""

    kind: ClassVar[LabelKind] = CLASS_NUMBERS
    objects: ClassVar[bool] = False
    repainting_accepts: ClassVar[bool] = True
    merge = staticmethod(merge_classes)
    accepted = staticmethod(_whole_box)


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
