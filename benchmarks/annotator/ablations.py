"""The program's own way with one thing done otherwise, to see what it is worth.

Each is one class below `Training`, and is in the program only if robots show that it
helps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.annotator.learner import UNetLearner
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import iter_prepare
from napari_unet.learning.events import FitEvent, FitResult
from napari_unet.learning.sampling import Batch
from napari_unet.learning.train import Training
from napari_unet.nets.network import Network
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

_SURE, _PSEUDO_WEIGHT, _SETTLED = 0.95, 0.2, 30
_NORMS = nn.BatchNorm2d | nn.BatchNorm3d | nn.GroupNorm


@dataclass(slots=True, eq=False)
class AlteredLearner(UNetLearner):
    """Learns by another kind of training."""

    training: type[Training] = Training

    def _fit(
        self, model: Model, samples: Sequence[Sample], config: FitConfig
    ) -> Generator[FitEvent, None, FitResult]:
        objective = objective_of(model.spec, config.loss)
        data, _ = yield from iter_prepare(model, objective, samples, config, ())
        return (yield from self.training(model, objective, data, config).iter_run())


class TaughtTraining(Training):
    """The averaged weights teach what nobody has verified, where they are sure.

    Pixels of the crops whose foreground they call above 0.95 or below 0.05 have their
    maps as targets, with a fifth of the weight of a verified pixel, from the 30th step
    on (mean teacher; Tarvainen and Valpola 2017).
    """

    def _backward(self, batch: Batch, part: slice, total: int) -> float:
        if self._steps < _SETTLED:
            return super()._backward(batch, part, total)
        images = self._execution.place(batch.images[part])
        with torch.no_grad(), self._execution.precision():
            logits = self._state.ema(images)
        said = self._objective.activate(logits.float()).to(batch.targets.device)
        targets, weight = batch.targets.clone(), batch.weight.clone()
        unknown = (weight[part] == 0).all(1, keepdim=True)
        sure = (said[:, :1] > _SURE) | (said[:, :1] < 1 - _SURE)
        here = unknown & sure
        targets[part] = torch.where(here, said, targets[part])
        weight[part] = torch.where(here, _PSEUDO_WEIGHT, weight[part])
        taught = replace(batch, targets=targets, weight=weight)
        return super()._backward(taught, part, total)


class SharedTraining(Training):
    """Some weights go a share of the way of a step, or do not move at all."""

    @staticmethod
    def share(name: str, *, norm: bool) -> float:
        """Return how far a parameter goes."""
        raise NotImplementedError

    def __init__(self, *what: Any) -> None:
        super().__init__(*what)
        net, norms = self._state.net, _names_of_norms(self._state.net)
        self._before: list[Tensor] = []
        self._shares = [
            self.share(name, norm=name in norms) for name, _ in net.named_parameters()
        ]
        optimizer = self._state.optimizer
        optimizer.register_step_pre_hook(lambda *_: self._remember())
        optimizer.register_step_post_hook(lambda *_: self._go_a_part())

    def _remember(self) -> None:
        self._before = [p.detach().clone() for p in self._state.net.parameters()]

    @torch.no_grad()
    def _go_a_part(self) -> None:
        values = self._state.net.parameters()
        for value, old, share in zip(values, self._before, self._shares, strict=True):
            value.lerp_(old, 1 - share)


class HeadTraining(SharedTraining):
    """The head and all norms move alone."""

    @staticmethod
    def share(name: str, *, norm: bool) -> float:
        """Return 1 for these."""
        return float(norm or name.startswith("head"))


class StemTraining(SharedTraining):
    """The first convolutions and all norms move alone."""

    @staticmethod
    def share(name: str, *, norm: bool) -> float:
        """Return 1 for these."""
        return float(norm or name.startswith("first"))


class SlowPathTraining(SharedTraining):
    """The contracting path moves a tenth as far as the rest."""

    @staticmethod
    def share(name: str, *, norm: bool) -> float:  # noqa: ARG004
        """Return 0.1 for it."""
        return 0.1 if name.startswith(("first", "down")) else 1.0


def _names_of_norms(net: Network) -> frozenset[str]:
    return frozenset(
        f"{path}.{name}"
        for path, module in net.named_modules()
        if isinstance(module, _NORMS)
        for name, _ in module.named_parameters()
    )


def _altered(
    name: str, training: type[Training]
) -> Callable[[Model, FitConfig], AlteredLearner]:
    return lambda start, config: AlteredLearner(name, start, config, training=training)


ABLATIONS = {
    name: _altered(name, training)
    for name, training in {
        "teacher": TaughtTraining,
        "head": HeadTraining,
        "stem": StemTraining,
        "slow-path": SlowPathTraining,
    }.items()
}
