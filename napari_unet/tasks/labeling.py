"""What labels of a task mean: how they are read, kept, corrected and merged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.chunk_planes import NO_FACTS, ChunkFacts
from napari_unet.annotation.labels import LabelKind, Labels, as_labels, as_whole
from napari_unet.annotation.large import LargeAnnotation, SavedChunks
from napari_unet.annotation.objects import ObjectTable
from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.annotation.rules import Rules
from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap, ValueMap

Names: TypeAlias = tuple[str, ...]
"""Names of the classes or variables."""

Fit: TypeAlias = Callable[[npt.NDArray[Any], str], npt.NDArray[Any]]
"""Brings a map to the shape of an image; the text says what the map is called."""


class Brush(Enum):
    """What a person chooses before they paint."""

    OBJECT = auto()
    CLASS = auto()
    VALUE = auto()


class Labeling(ABC):
    """What the labels of a task mean; stateless, so that any thread may ask.

    A label is a whole number that is painted. What is *saved* is the labels
    themselves, or else (`values`) the values that they stand for.
    """

    kind: ClassVar[LabelKind]
    """How label maps from elsewhere are read."""

    rules: ClassVar[Rules]
    """What painting and accepting do, where labels themselves are saved."""

    brush: ClassVar[Brush]
    objects: ClassVar[bool] = False
    """Whether labels are objects, which are counted, picked and accepted as a whole."""

    values: ClassVar[bool] = False
    """Whether labels are marks, with other numbers each time, that stand for values:
    these are saved, float32 with the variables as first axis, NaN where unknown."""

    exported: ClassVar[type[np.generic]] = np.int32
    """Type of the numbers in files for other programs, where it holds them."""

    @property
    def dtype(self) -> Any:
        """Numpy type of what is saved."""
        return np.float32 if self.values else np.int32

    def as_exported(self, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return labels, or values, of a type for other programs that holds them all.

        That is `exported`, or a wider one where a number does not fit into it.
        """
        if np.dtype(self.exported).kind not in "iu":
            return labels.astype(self.exported, copy=False)
        low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
        kinds: tuple[Any, ...] = (self.exported, np.uint16, np.int32)
        for kind in kinds:
            held = np.iinfo(kind)
            if held.min <= low and high <= held.max:
                return labels.astype(kind, copy=False)
        return labels.astype(np.int64, copy=False)

    def variables(self, names: Names) -> int:
        """Return the length of the first axis of what is saved; 0 if it has none."""
        return len(names) if self.values else 0

    def saved_shape(self, names: Names, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is saved of pixels of a shape."""
        return (len(names), *shape) if self.values else shape

    def nothing(self, names: Names, shape: tuple[int, ...]) -> LabelMap | ValueMap:
        """Return what is saved of pixels about which nothing is known."""
        unknown = np.nan if self.values else 0
        return np.full(self.saved_shape(names, shape), unknown, self.dtype)

    def goes_with(self, names: Names, others: Names) -> bool:
        """Return whether work with some names can go on with others."""
        return names == others

    def empty(self, names: Names, shape: tuple[int, ...]) -> Annotation:
        """Return an annotation of pixels about which nothing is known."""
        return Annotation(np.zeros(shape, np.int32), rules=self.rules)

    def restored(
        self, saved: LabelMap | ValueMap, provenance: ProvenanceMap, next_id: int
    ) -> Annotation:
        """Return an annotation as it was saved; InputError if maps do not fit."""
        labels = saved.astype(np.int32, copy=False)
        return Annotation(labels, provenance, rules=self.rules, next_id=next_id)

    def large(
        self,
        names: Names,
        shape: tuple[int, ...],
        saved: SavedChunks | None = None,
        objects: ObjectTable | None = None,
        next_id: int = 1,
        facts: ChunkFacts = NO_FACTS,
    ) -> LargeAnnotation:
        """Return an annotation of an image larger than memory; perhaps it was saved.

        An InputError says that there is none for this task.
        """
        if self.values:
            raise InputError(
                "Values are not predicted in images larger than memory: cut out a "
                "part, or predict the file with napari-unet predict."
            )
        rules = self.rules
        return LargeAnnotation(
            shape, saved, objects, rules=rules, next_id=next_id, facts=facts
        )

    def take_over(
        self, labels: Callable[[], Any], names: Names, axes: str, source: str
    ) -> Labels:
        """Return what can be used of a layer's labels, or raise an InputError."""
        return as_labels(labels(), self.kind, axes=axes)

    def learned(
        self, labels: npt.NDArray[Any], variables: int, dims: int, fit: Fit
    ) -> npt.NDArray[Any]:
        """Return what is learned from the labels of a `Sample`.

        Of a model with so many variables, and an image with so many axes besides its
        channels. Raises an InputError if the model cannot learn from them.
        """
        return fit(as_whole(labels, self.kind), "labels")

    @abstractmethod
    def first_label(self, annotation: Annotation, mean: float) -> int:
        """Return what is painted first; `mean` is that of the first variable."""

    def nearest(self, annotation: Annotation, names: Names, label: int) -> int:
        """Return a label that can be painted, this one if it can."""
        return label

    def known(self, annotation: Annotation, names: Names, label: int) -> bool:
        """Return whether a label means something in an annotation."""
        return label == self.nearest(annotation, names, label)
