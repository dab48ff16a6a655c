"""One run of a training: the loop, its budget, and what it keeps."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import fields

import numpy as np

from napari_unet.core.events import MicroBatch, Notice, TrainStep, Validated
from napari_unet.engine.device import (
    choose_execution,
    is_out_of_memory,
    resolve_device,
)
from napari_unet.engine.fit_config import FitConfig
from napari_unet.engine.fit_result import FitEvent, FitResult, ModelImproved
from napari_unet.engine.material import Material
from napari_unet.engine.model import Model
from napari_unet.engine.objectives import Objective
from napari_unet.engine.optimize import Optimizer, Strengths
from napari_unet.engine.sampling import draw_batch
from napari_unet.engine.validation import iter_agreement
from napari_unet.errors import DeviceError

_LEAST_CROP = 64
_SHRINK_3D = 3
_LEAST_WINDOWS = 2
_SCORING_SECONDS = 8.0


class Training:
    """A network in training, and the best model so far.

    Parameters
    ----------
    model : Model
        Where it starts; not changed.
    objective : Objective
        What is learned.
    material : Material
        What it learns from and is measured on.
    config : FitConfig
        How to train.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        material: Material,
        config: FitConfig,
    ) -> None:
        self._model = model
        self._objective = objective
        self._material = material
        self._config = config
        self._execution = choose_execution(resolve_device(config.device))
        self._rng = np.random.default_rng([config.seed, 1])
        self._crop = self._fit_crop(config.crop)
        self._windows = material.windows
        on_cpu = self._execution.device.type == "cpu"
        self._micro = config.micro_batch or (1 if on_cpu else config.batch_size)
        self._started = time.monotonic()
        self._steps = 0

    def iter_run(self) -> Generator[FitEvent, None, FitResult]:
        """Train to the end of the budget; see `napari_unet.engine.train.iter_fit`."""
        optimizer = Optimizer(
            self._model.net, self._objective, self._execution, self._strengths()
        )
        yield from self._iter_choose_windows(optimizer)
        start = best = yield from self._iter_score(optimizer)
        yield Validated(0, start, start, best=True)
        best_model = self._model
        while (progress := self._progress()) < 1:
            yield from self._iter_step(optimizer, _rate(progress))
            if self._steps % self._config.validate_every and self._progress() < 1:
                continue
            score = yield from self._iter_score(optimizer)
            yield Validated(self._steps, score, start, best=score > best)
            if score > best:
                best = score
                best_model = Model(self._model.spec, optimizer.averaged_copy())
                yield ModelImproved(best_model, self._steps, score)
        return FitResult(
            best_model,
            self._steps,
            best,
            start,
            self._material.held_out,
            time.monotonic() - self._started,
        )

    def _strengths(self) -> Strengths:
        names = {field.name for field in fields(Strengths)}
        return Strengths(**self._config.model_dump(include=names))

    def _fit_crop(self, wanted: int) -> int:
        """Return the next extent that the network takes, and answers for in part.

        Unpadded convolutions eat the border; half of a crop, at least, is to be left.
        """
        net = self._model.net
        return net.input_size(max(1, wanted // 2, wanted - 2 * net.margin))

    def _extent(self) -> tuple[int, ...]:
        """Return the shape of a crop: in 3-D as much to compute as a few planes."""
        net = self._model.net
        if net.dims == 2:
            return (self._crop, self._crop)
        side = self._fit_crop(max(net.stride, self._crop // _SHRINK_3D))
        return (self._fit_crop(side // 2), side, side)

    def _progress(self) -> float:
        """Return how much of the budget is spent, from 0 to 1 and beyond."""
        minutes, steps = self._config.minutes, self._config.steps
        if minutes is None and steps is None:
            minutes = 2.0
        by_time = (time.monotonic() - self._started) / (60 * minutes) if minutes else 0
        return max(by_time, self._steps / steps if steps else 0)

    def _iter_step(
        self, optimizer: Optimizer, rate: float
    ) -> Generator[FitEvent, None, None]:
        batch = draw_batch(
            self._material.planes,
            self._material.chances,
            self._extent(),
            self._config.batch_size,
            self._config.augmentation,
            self._rng,
            self._model.net.margin,
        )
        try:
            loss = yield from optimizer.iter_step(batch, self._micro, rate)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            yield self._shrink()
            return
        self._steps += 1
        yield TrainStep(self._steps, loss, time.monotonic() - self._started)

    def _iter_choose_windows(
        self, optimizer: Optimizer
    ) -> Generator[FitEvent, None, None]:
        """Measure in fewer windows, always the same, where the network is slow."""
        every, self._windows = self._windows, self._windows[:1]
        began = time.monotonic()
        yield from self._iter_score(optimizer)
        seconds = max(time.monotonic() - began, 1e-3)
        self._windows = every[: max(_LEAST_WINDOWS, int(_SCORING_SECONDS / seconds))]

    def _iter_score(self, optimizer: Optimizer) -> Generator[FitEvent, None, float]:
        parts = iter_agreement(
            optimizer.averaged,
            self._windows,
            self._objective,
            self._execution,
        )
        done = 0
        while True:
            try:
                next(parts)
            except StopIteration as finished:
                score: float = finished.value
                return score
            done += 1
            yield MicroBatch(self._steps, done, len(self._windows))

    def _shrink(self) -> Notice:
        """Compute less at once, then smaller crops; say so."""
        if self._micro > 1:
            self._micro //= 2
            return Notice(
                f"Memory ran out; training goes on with {self._micro} crops at once."
            )
        smaller = self._fit_crop(self._crop // 2)
        if not max(_LEAST_CROP, self._model.net.stride) <= smaller < self._crop:
            raise DeviceError(
                "Memory ran out even with the smallest crops; close other programs, "
                "or train on the CPU (--device cpu)."
            )
        self._crop = smaller
        return Notice(f"Memory ran out; training goes on with crops of {smaller} px.")


def _rate(progress: float) -> float:
    """Warm up over the first twentieth, then fall along a cosine to a tenth."""
    if progress < 0.05:
        return 0.1 + 0.9 * progress / 0.05
    return float(0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * (progress - 0.05) / 0.95)))
