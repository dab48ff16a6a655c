"""How good weights are on what was held out, and the thresholds that suit them.

Agreement of the maps moves with every pixel, but saturates when only the separation of
objects is left to learn. Likeness of the objects goes on, but is coarse where few are
held out. The score is the mean of both; `training.ranks` shows how it orders models.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unet.core.jobs import told_as
from napari_unet.geometry.maps import Mask
from napari_unet.inference.forward import iter_logits
from napari_unet.learning.sampling import Batch
from napari_unet.nets.device import Execution
from napari_unet.nets.network import Network
from napari_unet.scores.likeness import Likeness
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.objectives.objective import Values

_WORTH_A_STEP = 0.2
"""How many objects more must be right before a threshold moves by a step."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Part of a plane with held-out pixels, and what is known of it.

    The batch has one crop, padded for the network; its weight is positive where
    something is held out. Values and `judged`, the same as a mask, are not padded.
    """

    batch: Batch
    values: Values
    judged: Mask


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well maps agree with held-out pixels, and objects with held-out objects."""

    agreement: float
    likeness: Likeness

    @property
    def score(self) -> float:
        """The mean of both; agreement alone where nothing is told apart."""
        if not self.likeness.objects:
            return self.agreement
        return (self.agreement + self.likeness.score) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Maps of all windows, and how good they are with the thresholds of an objective.

    Parameters
    ----------
    maps : list of ndarray of float32, shape (K, Y, X)
        Activated, and not padded.
    """

    maps: list[npt.NDArray[np.float32]]
    objective: Objective
    judgement: Judgement


def iter_judge(
    net: Network,
    windows: Sequence[Window],
    objective: Objective,
    execution: Execution,
) -> Generator[None, None, Judged]:
    """Predict the windows and judge what comes out; yields now and then."""
    sums = AgreementSums(objective.channels)
    maps = []
    for window in windows:
        images = execution.place(window.batch.images)
        logits = yield from told_as(None, iter_logits(net, images, execution))
        predicted = objective.activate(logits.float()).cpu()
        sums.add(objective, predicted, window.batch)
        inside = tuple(slice(n) for n in window.judged.shape)
        maps.append(predicted[0].numpy()[:, *inside])
        yield
    likeness = yield from _iter_likeness(objective, maps, windows)
    return Judged(maps, objective, Judgement(sums.agreement(), likeness))


def iter_fit_thresholds(
    judged: Judged, windows: Sequence[Window]
) -> Generator[None, None, Judged]:
    """Move thresholds step by step, as long as held-out objects come out better."""
    while True:
        best = judged
        for objective in judged.objective.neighbours():
            likeness = yield from _iter_likeness(objective, judged.maps, windows)
            if likeness.score > best.judgement.likeness.score:
                verdict = Judgement(judged.judgement.agreement, likeness)
                best = Judged(judged.maps, objective, verdict)
        before, after = judged.judgement.likeness, best.judgement.likeness
        objects = max(before.objects, after.objects) / 2
        if objects * (after.score - before.score) < _WORTH_A_STEP:
            return judged
        judged = best


def _iter_likeness(
    objective: Objective,
    maps: Sequence[npt.NDArray[np.float32]],
    windows: Sequence[Window],
) -> Generator[None, None, Likeness]:
    """Pool the likeness of all windows."""
    total = Likeness()
    for each, window in zip(maps, windows, strict=True):
        total += yield from objective.iter_likeness(each, window.values, window.judged)
    return total


class AgreementSums:
    """Sums over held-out pixels from which the agreement of maps is computed."""

    def __init__(self, channels: int) -> None:
        self._difference, self._total = torch.zeros(2, channels, dtype=torch.float64)
        self._pixels = 0.0

    def add(self, objective: Objective, maps: Tensor, batch: Batch) -> None:
        """Add the pixels of a batch."""
        difference, total = objective.disagreement(maps, batch.targets, batch.weight)
        self._difference += difference
        self._total += total
        self._pixels += float(batch.weight.sum()) / batch.weight.shape[1]

    def agreement(self) -> float:
        """Return the mean over the maps of 1 minus their disagreement; 1 is perfect.

        The objective defines it. Where no map has a scale to compare with, as where all
        values are the mean, it is 1 minus the mean disagreement of a pixel.
        """
        found = self._total > 0
        if not found.any():
            return 1 - float(self._difference.mean()) / max(self._pixels, 1.0)
        return float((1 - self._difference[found] / self._total[found]).mean())
