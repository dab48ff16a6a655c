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
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from napari_unet.core.events import MicroBatch, Notice, TrainStep, Validated
from napari_unet.core.holdout import hold_out
from napari_unet.core.sample import Sample
from napari_unet.engine.augment import Augmentation
from napari_unet.engine.device import (
    choose_execution,
    is_out_of_memory,
    resolve_device,
)
from napari_unet.engine.model import Model
from napari_unet.engine.optimize import Optimizer, Strengths
from napari_unet.engine.sampling import (
    AnnotatedPlane,
    Plane,
    annotated_planes,
    draw_batch,
    make_plane,
)
from napari_unet.engine.validation import Window, iter_agreement, make_windows
from napari_unet.errors import DeviceError, InputError

_LEAST_CROP = 64


class FitConfig(BaseModel):
    """How to train; the defaults are for fine-tuning on a few corrected objects.

    Parameters
    ----------
    minutes : float, optional
        Time limit.
    steps : int, optional
        Limit of optimiser steps. Two minutes, where neither is given.
    device : str
        As in `predict`.
    learning_rate : float
        Highest learning rate.
    batch_size : int
        Crops per step.
    crop : int
        Extent of a crop, in pixels; rounded up to the network's stride.
    micro_batch : int, optional
        Crops computed at once; chosen by the device where it is missing.
    validate_every : int
        Steps between two looks at the held-out pixels.
    average, pull, hardness, freeze_norm
        See `napari_unet.engine.optimize.Strengths`.
    replay : float
        Share of crops from the replay samples, where there are any.
    augmentation : Augmentation
        Random changes of the crops.
    seed : int
        Seed of everything random.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    device: str = "auto"
    learning_rate: float = Field(1e-3, gt=0)
    batch_size: int = Field(4, ge=1)
    crop: int = Field(192, ge=32)
    micro_batch: int | None = Field(None, ge=1)
    validate_every: int = Field(15, ge=1)
    average: float = Field(0.98, ge=0, lt=1)
    pull: float = Field(1.0, ge=0)
    hardness: float = Field(2.0, ge=0)
    freeze_norm: bool = True
    replay: float = Field(0.1, ge=0, lt=1)
    augmentation: Augmentation = Augmentation()
    seed: int = 0

    @classmethod
    def from_scratch(cls) -> FitConfig:
        """Return a configuration for a network with random weights."""
        return cls(
            learning_rate=2e-3,
            batch_size=8,
            micro_batch=8,
            average=0.99,
            pull=0.0,
            hardness=0.0,
            freeze_norm=False,
            augmentation=Augmentation(zoom=0.3, elastic=1.0, blur=1.0, noise=0.1),
        )


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
    material, notice = _prepare(model, samples, config, replay)
    if notice:
        yield notice
    return (yield from _Training(model, material, config).iter_run())


@dataclass(frozen=True, slots=True)
class _Material:
    """Planes to learn from, the chance of each, and windows to measure on."""

    planes: list[Plane]
    chances: npt.NDArray[np.float64]
    windows: list[Window]
    held_out: bool


def _prepare(
    model: Model, samples: Sequence[Sample], config: FitConfig, replay: Sequence[Sample]
) -> tuple[_Material, Notice | None]:
    annotated = [p for sample in samples for p in annotated_planes(sample, model)]
    _check_learnable(annotated)
    split = hold_out(
        [p.labels for p in annotated],
        [p.verified for p in annotated],
        gap=8,
        rng=np.random.default_rng(config.seed),
    )
    train = [h.train for h in split] if split else [p.verified for p in annotated]
    held = [h.held for h in split] if split else train
    planes = _planes(annotated, train)
    old = [p for sample in replay for p in annotated_planes(sample, model)]
    old_planes = _planes(old, [p.verified for p in old])
    material = _Material(
        planes + old_planes,
        _chances(planes, old_planes, config.replay),
        make_windows(annotated, held, model.net.stride),
        split is not None,
    )
    return material, None if split else Notice(
        "Fewer than six verified objects: none is held out, so scores come from the "
        "objects that train. Correct a few more to get honest ones."
    )


def _check_learnable(planes: Sequence[AnnotatedPlane]) -> None:
    if not planes:
        raise InputError(
            "Nothing is verified yet, so there is nothing to learn from; paint or "
            "accept some objects first."
        )
    kinds = {bool(k) for p in planes for k in np.unique(p.labels[p.verified] > 0)}
    if kinds == {False}:
        raise InputError(
            "Only background is verified; paint or accept some objects too, so that "
            "the model can tell them apart."
        )
    if kinds == {True}:
        raise InputError(
            "Only objects are verified, no background; accept a view that shows some "
            "background too, or erase a wrong pixel beside an object."
        )


def _planes(
    annotated: Sequence[AnnotatedPlane], masks: Sequence[npt.NDArray[np.bool_]]
) -> list[Plane]:
    return [
        make_plane(p.image, p.labels, mask)
        for p, mask in zip(annotated, masks, strict=True)
        if mask.any()
    ]


def _chances(
    planes: Sequence[Plane], replay: Sequence[Plane], share: float
) -> npt.NDArray[np.float64]:
    """Draw planes by the square root of their verified area, replay by its share."""
    weights = np.sqrt([float(p.stack[-1].sum()) for p in planes])
    chances = weights / weights.sum()
    if not replay:
        return np.asarray(chances)
    old = np.full(len(replay), share / len(replay))
    return np.concatenate([chances * (1 - share), old])


class _Training:
    """One run of `iter_fit`: the loop and what it keeps."""

    def __init__(self, model: Model, material: _Material, config: FitConfig) -> None:
        self._model = model
        self._material = material
        self._config = config
        self._execution = choose_execution(resolve_device(config.device))
        self._rng = np.random.default_rng([config.seed, 1])
        stride = model.net.stride
        self._crop = -(-config.crop // stride) * stride
        on_cpu = self._execution.device.type == "cpu"
        self._micro = config.micro_batch or (1 if on_cpu else config.batch_size)
        self._started = time.monotonic()
        self._steps = 0

    def iter_run(self) -> Generator[FitEvent, None, FitResult]:
        optimizer = Optimizer(self._model.net, self._execution, self._strengths())
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
        names = ("learning_rate", "average", "pull", "hardness", "freeze_norm")
        return Strengths(**self._config.model_dump(include=set(names)))

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
            self._crop,
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
            optimizer.averaged, self._material.windows, self._execution
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
        stride = self._model.net.stride
        smaller = self._crop // 2 // stride * stride
        if smaller < max(_LEAST_CROP, stride):
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
