"""Classes of pixels: softmax over n classes, cross-entropy and Dice."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from torch import Tensor

from napari_unet.annotation.labels import UNKNOWN_CLASS
from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.tiling import number_squares
from napari_unet.instances.borders import balance_classes, border_weights
from napari_unet.tasks.objectives.instances import overlap_disagreement
from napari_unet.tasks.objectives.losses import Add, all_here, class_loss
from napari_unet.tasks.objectives.objective import Objective, Targets, Values
from napari_unet.tasks.outputs import Described, LossOptions


@dataclass(frozen=True)
class ClassesObjective(Objective):
    """For class numbers (Y, X) from 0 to ``count - 1``."""

    loss_options: ClassVar[frozenset[str]] = frozenset(
        {"dice", "balance", "border_weight", "border_sigma"}
    )

    count: int
    options: LossOptions = field(default_factory=LossOptions)

    @property
    def channels(self) -> int:
        """A probability of each class."""
        return self.count

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return one map per class, 1 inside it."""
        classes = np.arange(self.count).reshape(-1, *[1] * values.ndim)
        known = verified & (values < self.count)
        maps = (values == classes) & known
        return Targets(
            maps.astype(np.float32),
            known[None].astype(np.float32),
            self._pixel_weights(values, known),
        )

    def sampling_strata(
        self, values: Values, verified: Mask
    ) -> list[tuple[Mask, float]]:
        """See all classes equally often."""
        classes = range(self.count)
        return [(verified & (values == i), 1 / self.count) for i in classes]

    def holdout_units(self, values: Values, verified: Mask) -> LabelMap:
        """Return squares: there are no objects."""
        return number_squares(verified & (values != UNKNOWN_CLASS))

    def check(self, planes: Sequence[tuple[Values, Mask]]) -> None:
        """Check that there are two classes or more, and only known ones."""
        found: set[int] = set()
        for classes, verified in planes:
            found.update(np.unique(classes[verified]).tolist())
        found.discard(UNKNOWN_CLASS)
        strange = sorted(i for i in found if not 0 <= i < self.count)
        if strange:
            raise InputError(
                f"The labels hold class {strange[0]}, but the model has the classes 0 "
                f"to {self.count - 1} ({UNKNOWN_CLASS} means unknown); name as many "
                "classes as the labels have."
            )
        if len(found) < 2:
            raise InputError(
                "Only one class is verified; paint or accept pixels of another class "
                "too, so that the model can tell them apart."
            )

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """See `napari_unet.tasks.objectives.losses.class_loss`."""
        return class_loss(
            logits,
            targets.clamp(0, 1),
            weight,
            hard_pixel_weight=hard_pixel_weight,
            dice=self.options.dice,
            add=add,
        )

    def activate(self, logits: Tensor) -> Tensor:
        """Return probabilities."""
        return logits.softmax(1)

    def disagreement(
        self, maps: Tensor, targets: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compare by overlap: agreement is the mean Dice of classes."""
        return overlap_disagreement(maps, targets, weight)

    def iter_decode(
        self, maps: npt.NDArray[np.float32], zoom: float = 1.0
    ) -> Generator[None, None, Values]:
        """Return the likeliest class, uint8."""
        yield
        return np.asarray(maps.argmax(0), np.uint8)

    def empty_result(self, shape: tuple[int, ...]) -> Values:
        """Return class 0, which is background by custom."""
        return np.zeros(shape, np.uint8)

    def _pixel_weights(
        self, values: Values, known: Mask
    ) -> npt.NDArray[np.float32] | None:
        """Weigh classes by their size, and the gaps between regions of foreground."""
        options = self.options
        if not options.balance and not options.border_weight:
            return None
        weights = known.astype(np.float32)
        if options.balance:
            weights = balance_classes(values, known, self.count)
        if options.border_weight:
            objects, _ = ndi.label(known & (values > 0))
            weights += border_weights(
                objects, options.border_weight, options.border_sigma
            )
        return weights[None]


def objective(spec: Described, options: LossOptions) -> ClassesObjective:
    """Return the objective of a model."""
    return ClassesObjective(len(spec.classes), options)
