"""How good weights are on what was held out, and the thresholds that suit them.

How well maps fit moves with every pixel, but saturates when only the separation of
objects is left to learn. Likeness of the objects goes on, but moves by chance where few
are held out. Agreement is a mean of both, in which likeness weighs the more the more
objects tell it; `training.ranks` shows how it orders models.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_unet.core.jobs import told_as
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.tiling import padded
from napari_unet.inference.forward import iter_logits
from napari_unet.inference.model_input import resize, zoomed_shape
from napari_unet.instances.decoding import Maps
from napari_unet.learning.sampling import Batch
from napari_unet.models.record import Found
from napari_unet.nets.device import Execution
from napari_unet.nets.network import Network
from napari_unet.scores.likeness import Likeness
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.objectives.objective import Values

_OBJECTS_FOR_HALF = 20

_WORTH_A_STEP = 1.0
"""How many objects more must be right before a threshold moves by a step: those of one
image move it where it does harm in others. For thresholds of a start that is right more
often than not, as many as it has right for each that is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Part of a plane with held-out pixels, and what is known of it.

    The batch has one crop, padded for the network; its weight is positive where
    something is held out. Values and `judged`, the same as a mask, are not padded. The
    start would zoom this part so much more (`napari_unet.learning.sight`).
    """

    batch: Batch
    values: Values
    judged: Mask
    zoom_of_start: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Windows around all that is verified, and hints of the objective from it."""

    windows: Sequence[Window]
    hints: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well maps fit held-out pixels, and how alike held-out objects are found."""

    of_maps: float
    likeness: Likeness

    @property
    def weight(self) -> float:
        """How much likeness counts: up to a half, and half of that by 20 objects.

        It is the same for all weights that are judged in the same windows.
        """
        verified = self.likeness.verified
        return verified / (verified + _OBJECTS_FOR_HALF) / 2

    @property
    def agreement(self) -> float:
        """The weighted mean of both; of maps alone where nothing is told apart."""
        more = self.likeness.score - self.of_maps
        return self.of_maps + self.weight * more

    @property
    def found(self) -> Found | None:
        """The same in objects; None where no objects are known."""
        pairs = self.likeness
        if not pairs.verified:
            return None
        wrong = pairs.objects - pairs.verified - pairs.right
        return Found(right=pairs.right, verified=pairs.verified, wrong=wrong)

    @property
    def doubt(self) -> float:
        """Standard error of the agreement: how much a few objects move it by chance.

        That of a share, with a success and a failure more than there are, as a share of
        0 or 1 is not certain either (Agresti and Coull 1998).
        """
        pairs = self.likeness.objects / 2
        share = (self.likeness.score * pairs + 1) / (pairs + 2)
        return self.weight * math.sqrt(share * (1 - share) / (pairs + 2))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Maps of all windows, and how good they are with the thresholds of an objective.

    Parameters
    ----------
    maps : list of ndarray of float32, shape (K, Y, X)
        Activated, and not padded.
    """

    maps: list[Maps]
    objective: Objective
    judgement: Judgement


def iter_judge(
    net: Network,
    windows: Sequence[Window],
    objective: Objective,
    execution: Execution,
    *,
    as_start: bool = False,
) -> Generator[None, None, Judged]:
    """Predict the windows and judge what comes out; yields now and then.

    With `as_start` at the zoom at which the start would predict them.
    """
    sums = MapSums(objective.channels)
    maps = []
    for window in windows:
        zoom = window.zoom_of_start if as_start else 1.0
        images = _zoomed(window.batch.images, zoom, net.stride)
        images = execution.place(images)
        logits = yield from told_as(None, iter_logits(net, images, execution))
        predicted = objective.activate(logits.float()).cpu()
        predicted = _fitted(predicted, zoom, window.batch.images.shape[2:])
        sums.add(objective, predicted, window.batch)
        inside = tuple(slice(n) for n in window.judged.shape)
        maps.append(predicted[0].numpy()[:, *inside])
        yield
    likeness = yield from _iter_likeness(objective, maps, windows)
    return Judged(maps, objective, Judgement(sums.fit(), likeness))


def _zoomed(images: Tensor, zoom: float, stride: int) -> Tensor:
    """Return images (1, C, Y, X) zoomed, and padded to multiples of a stride."""
    if zoom == 1:
        return images
    grey = images[0].numpy()
    seen = resize(grey, zoomed_shape(grey.shape[1:], zoom))
    return torch.from_numpy(padded(seen, stride, "symmetric"))[None]


def _fitted(maps: Tensor, zoom: float, shape: tuple[int, ...]) -> Tensor:
    """Return maps (1, K, Y, X) of zoomed images in the shape that these had before."""
    if zoom == 1:
        return maps
    height, width = zoomed_shape(shape, zoom)
    return torch.from_numpy(resize(maps[0, :, :height, :width].numpy(), shape))[None]


def iter_fit_thresholds(
    judged: Judged,
    windows: Sequence[Window],
    hints: Mapping[str, int],
    odds: float = 1.0,
) -> Generator[None, None, Judged]:
    """Move thresholds step by step, as long as verified objects come out better.

    They begin where hints of the objective say, if that makes as much better as a step.
    What was judged is returned where no others are better. Each step is asked more of,
    the better the `odds` that the start is right.
    """
    worth = max(1.0, odds) * _WORTH_A_STEP
    first, reached = judged.objective, judged.judgement.likeness
    hinted = first.hinted(hints)
    likeness = yield from _iter_likeness(hinted, judged.maps, windows)
    if _objects_more(reached, likeness) >= worth:
        first = hinted
    moved = yield from _iter_climb(first, hints, judged.maps, windows, worth)
    return (yield from _iter_with(moved, judged, windows))


def iter_refit(
    judged: Judged,
    windows: Sequence[Window],
    known: Known,
    first: Objective,
    net: Network,
    execution: Execution,
    odds: float = 1.0,
) -> Generator[None, None, Judged]:
    """Fit thresholds to all that is verified; return what was judged, with these.

    They set out from the `first` ones each time: those that suited weights which had
    learned little would be left only for something that is much better.
    """
    found = yield from iter_judge(net, known.windows, first, execution)
    fitting = iter_fit_thresholds(found, known.windows, known.hints, odds)
    fitted = yield from fitting
    return (yield from _iter_with(fitted.objective, judged, windows))


def _iter_with(
    objective: Objective, judged: Judged, windows: Sequence[Window]
) -> Generator[None, None, Judged]:
    """Return how good the same maps are with the thresholds of another objective."""
    if objective == judged.objective:
        return judged
    likeness = yield from _iter_likeness(objective, judged.maps, windows)
    judgement = replace(judged.judgement, likeness=likeness)
    return Judged(judged.maps, objective, judgement)


def _iter_climb(
    objective: Objective,
    hints: Mapping[str, int],
    maps: Sequence[Maps],
    windows: Sequence[Window],
    worth: float,
) -> Generator[None, None, Objective]:
    """Go to the best neighbour, again and again, while that is worth it."""
    reached = yield from _iter_likeness(objective, maps, windows)
    while True:
        best, likeness = objective, reached
        for other in objective.neighbours(hints):
            its = yield from _iter_likeness(other, maps, windows)
            if its.score > likeness.score:
                best, likeness = other, its
        if _objects_more(reached, likeness) < worth:
            return objective
        objective, reached = best, likeness


def _objects_more(reached: Likeness, found: Likeness) -> float:
    """Return how many objects more are right."""
    objects = max(reached.objects, found.objects) / 2
    return objects * (found.score - reached.score)


def _iter_likeness(
    objective: Objective,
    maps: Sequence[Maps],
    windows: Sequence[Window],
) -> Generator[None, None, Likeness]:
    """Pool the likeness of all windows."""
    total = Likeness()
    for each, window in zip(maps, windows, strict=True):
        total += yield from objective.iter_likeness(each, window.values, window.judged)
    return total


class MapSums:
    """Sums over held-out pixels that tell how well maps fit."""

    def __init__(self, channels: int) -> None:
        self._difference, self._total = torch.zeros(2, channels, dtype=torch.float64)
        self._pixels = 0.0

    def add(self, objective: Objective, maps: Tensor, batch: Batch) -> None:
        """Add the pixels of a batch."""
        difference, total = objective.disagreement(maps, batch.targets, batch.weight)
        self._difference += difference
        self._total += total
        self._pixels += float(batch.weight.sum()) / batch.weight.shape[1]

    def fit(self) -> float:
        """Return the mean over the maps of 1 minus their disagreement; 1 is perfect.

        The objective defines it. Where no map has a scale to compare with, as where all
        values are the mean, it is 1 minus the mean disagreement of a pixel.
        """
        found = self._total > 0
        if not found.any():
            return 1 - float(self._difference.mean()) / max(self._pixels, 1.0)
        return float((1 - self._difference[found] / self._total[found]).mean())
