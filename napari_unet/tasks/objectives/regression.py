"""Values of pixels: linear outputs, in the units of the targets."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.tiling import number_squares
from napari_unet.tasks.objectives.losses import Add, all_here, regression_loss
from napari_unet.tasks.objectives.objective import Objective, Targets, Values
from napari_unet.tasks.outputs import Described, LossOptions, Variable


@dataclass(frozen=True)
class RegressionObjective(Objective):
    """For values (n, Y, X); NaN where they are unknown."""

    loss_options: ClassVar[frozenset[str]] = frozenset({"regression"})

    variables: tuple[Variable, ...]
    options: LossOptions = field(default_factory=LossOptions)

    @property
    def channels(self) -> int:
        """Dependent variables."""
        return len(self.variables)

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return values with mean 0 and spread 1."""
        known = np.isfinite(values) & verified
        means, scales = self._columns(values.ndim)
        maps = np.where(known, (values - means) / scales, 0)
        return Targets(maps.astype(np.float32), known.astype(np.float32))

    def sampling_strata(
        self, values: Values, verified: Mask
    ) -> list[tuple[Mask, float]]:
        """Look wherever something is known."""
        return [(verified & np.isfinite(values).any(axis=0), 1.0)]

    def holdout_units(self, values: Values, verified: Mask) -> LabelMap:
        """Return squares: there are no objects."""
        return number_squares(verified & np.isfinite(values).any(axis=0))

    def check(self, planes: Sequence[tuple[Values, Mask]]) -> None:
        """Check that every variable is known somewhere."""
        for index, variable in enumerate(self.variables):
            if not any(np.isfinite(v[index][known]).any() for v, known in planes):
                raise InputError(
                    f"No verified pixel has a finite value of {variable.name!r}; give "
                    "targets with numbers where they are known and NaN elsewhere."
                )

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """See `objectives.losses.regression_loss`; `hard_pixel_weight` has no part."""
        del hard_pixel_weight  # a residual already counts by its size
        return regression_loss(logits, targets, weight, self.options.regression, add)

    def activate(self, logits: Tensor) -> Tensor:
        """Return the linear outputs."""
        return logits

    def disagreement(
        self, maps: Tensor, targets: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return squares of residuals and of targets: agreement is R squared."""
        dims = (0, *range(2, maps.ndim))
        weight = weight.expand_as(maps)
        residual = (weight * (maps - targets).square()).double().sum(dims)
        return residual, (weight * targets.square()).double().sum(dims)

    def iter_decode(
        self, maps: npt.NDArray[np.float32], zoom: float = 1.0
    ) -> Generator[None, None, Values]:
        """Return float32 values (n, Y, X) in their own units."""
        yield
        means, scales = self._columns(maps.ndim)
        return (maps * scales + means).astype(np.float32)

    def empty_result(self, shape: tuple[int, ...]) -> None:
        """Ask the network: no value stands for nothing."""
        return

    def _columns(
        self, ndim: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return means and scales, to be broadcast over (n, Y, X)."""
        pairs = np.array([(v.mean, v.scale) for v in self.variables])
        shape = (-1, *[1] * (ndim - 1))
        return pairs[:, 0].reshape(shape), pairs[:, 1].reshape(shape)


def objective(spec: Described, options: LossOptions) -> RegressionObjective:
    """Return the objective of a model."""
    return RegressionObjective(spec.variables, options)
