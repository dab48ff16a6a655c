"""Train or fine-tune from verified pixels.

How it flows: samples become planes; about a fifth of what is verified is held out;
random crops around verified pixels teach a private copy of the network, and its
averaged weights are compared with the start on what was held out. Whenever they agree
better than ever before, they are published as a new, immutable model. Stopping at any
moment therefore loses nothing that was good.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np

from napari_unet.core.events import MicroBatch, Notice, TrainStep, Validated
from napari_unet.core.sample import Sample
from napari_unet.engine.device import (
    choose_execution,
    is_out_of_memory,
    resolve_device,
)
from napari_unet.engine.fit_config import FitConfig
from napari_unet.engine.material import Material, prepare
from napari_unet.engine.model import Model
from napari_unet.engine.objectives import Objective, objective_of
from napari_unet.engine.optimize import Optimizer, Strengths
from napari_unet.engine.sampling import draw_batch
from napari_unet.engine.validation import iter_agreement
from napari_unet.errors import DeviceError

__all__ = ["FitConfig", "FitEvent", "FitResult", "ModelImproved", "fit", "iter_fit"]

_LEAST_CROP = 64
_SHRINK_3D = 3


@dataclass(frozen=True, slots=True)
class ModelImproved:
    """A better model: it agrees with held-out pixels more than any before it."""

    model: Model
    step: int
    score: float


FitEvent: TypeAlias = Notice | MicroBatch | TrainStep | Validated | ModelImproved


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training came to.

    Parameters
    ----------
    model : Model
        The best model; the starting one where nothing was better.
    steps : int
        Steps taken.
    score, start_score : float
        Agreement of the best and of the starting model with the held-out pixels.
    held_out : bool
        False where there was too little to hold out, and the scores come from the
        pixels that trained.
    seconds : float
        Time spent.
    """

    model: Model
    steps: int
    score: float
    start_score: float
    held_out: bool
    seconds: float


def fit(
    model: Model,
    samples: Sequence[Sample],
    config: FitConfig | None = None,
    *,
    replay: Sequence[Sample] = (),
) -> Model:
    """Train a model from verified pixels alone.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    samples : sequence of Sample
        Annotated images.
    config : FitConfig, optional
        How to train; two minutes of fine-tuning where it is missing.
    replay : sequence of Sample
        Images of the kind that the model knows, mixed in so that it forgets less.

    Returns
    -------
    Model
        The best one; `model` itself where nothing was better.

    Raises
    ------
    InputError
        If there is nothing to learn from, or images and labels do not fit.
    """
    events = iter_fit(model, samples, config, replay=replay)
    while True:
        try:
            next(events)
        except StopIteration as finished:
            result: FitResult = finished.value
            return result.model


def iter_fit(
    model: Model,
    samples: Sequence[Sample],
    config: FitConfig | None = None,
    *,
    replay: Sequence[Sample] = (),
) -> Generator[FitEvent, None, FitResult]:
    """Train a model step by step, from verified pixels alone.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    samples : sequence of Sample
        Annotated images. Pixels that are not verified teach nothing.
    config : FitConfig, optional
        How to train.
    replay : sequence of Sample
        Images of the kind that the model knows, mixed in so that it forgets less.

    Yields
    ------
    FitEvent
        Several times a second. Closing the generator stops the training; the models
        that were published stay good.

    Returns
    -------
    FitResult

    Raises
    ------
    InputError
        If there is nothing to learn from, or images and labels do not fit.
    DeviceError
        If the device does not exist or its memory does not suffice.
    """
    config = config or FitConfig()
    objective = objective_of(model.spec, config.loss)
    material, notice = prepare(model, objective, samples, config, replay)
    if notice:
        yield notice
    return (yield from _Training(model, objective, material, config).iter_run())


class _Training:
    """One run of `iter_fit`: the loop and what it keeps."""

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
        on_cpu = self._execution.device.type == "cpu"
        self._micro = config.micro_batch or (1 if on_cpu else config.batch_size)
        self._started = time.monotonic()
        self._steps = 0

    def iter_run(self) -> Generator[FitEvent, None, FitResult]:
        optimizer = Optimizer(
            self._model.net, self._objective, self._execution, self._strengths()
        )
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
        """Return the next extent that the network takes."""
        return self._model.net.input_size(max(1, wanted - 2 * self._model.net.margin))

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

    def _iter_score(self, optimizer: Optimizer) -> Generator[FitEvent, None, float]:
        parts = iter_agreement(
            optimizer.averaged,
            self._material.windows,
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
            yield MicroBatch(self._steps, done, len(self._material.windows))

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
