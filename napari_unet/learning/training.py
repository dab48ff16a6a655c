"""One run of a training: the loop, its budget, and what it keeps.

How it flows: a training begins with a measurement of the start, or goes on from a
checkpoint. Steps follow until the budget is spent, with a measurement every so many;
what measures better than anything before is published. After a step, when it is time,
the whole state is written: it is only ever that between two steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import fields

import numpy as np
from torch import Tensor

from napari_unet.core.events import MicroBatch, Preparing, TrainStep, Validated
from napari_unet.core.jobs import told_as
from napari_unet.errors import DeviceError
from napari_unet.learning.checkpoint import BEST, Checkpoint, RandomState, TrainingState
from napari_unet.learning.fit_config import FitConfig
from napari_unet.learning.fit_result import FitEvent, FitResult, ModelImproved
from napari_unet.learning.keeper import Keeper
from napari_unet.learning.material import Material
from napari_unet.learning.optimize import Optimizer, Strengths
from napari_unet.learning.portion import Portion, fatal_words
from napari_unet.learning.sampling import draw_batch
from napari_unet.learning.validation import iter_agreement
from napari_unet.nets.device import choose_execution, is_out_of_memory, resolve_device
from napari_unet.tasks.objectives import Objective
from napari_unet.weights.model import Model
from napari_unet.weights.tensor_file import layout_of

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
    keeper : Keeper, optional
        Keeps checkpoints.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        material: Material,
        config: FitConfig,
        keeper: Keeper | None = None,
    ) -> None:
        self._model = model
        self._objective = objective
        self._material = material
        self._config = config
        self._keeper = keeper
        self._execution = choose_execution(resolve_device(config.device))
        self._rng = np.random.default_rng([config.seed, 1])
        self._windows = material.windows
        on_cpu = self._execution.device.type == "cpu"
        micro = config.micro_batch or (1 if on_cpu else config.batch_size)
        self._portion = Portion(model.net, config.crop, micro)
        self._started = time.monotonic()
        self._steps = 0
        self._best = ModelImproved(model, 0, -math.inf)
        self._start_score = -math.inf

    def iter_run(self) -> Generator[FitEvent, None, FitResult]:
        """Train to the end of the budget; see `napari_unet.learning.train.iter_fit`."""
        try:
            return (yield from self._iter_train())
        except (RuntimeError, MemoryError) as error:
            if (words := fatal_words(error)) is None:
                raise
            raise DeviceError(words) from error

    def _iter_train(self) -> Generator[FitEvent, None, FitResult]:
        optimizer = Optimizer(
            self._model.net, self._objective, self._execution, self._strengths()
        )
        yield Preparing(1, 1)
        yield from self._iter_begin(optimizer)
        while (progress := self._progress()) < 1:
            yield from self._iter_step(optimizer, _rate(progress))
            if self._steps % self._config.validate_every == 0 or self._progress() >= 1:
                yield from self._iter_measure(optimizer)
            yield from self._iter_keep(optimizer)
        return FitResult(
            self._best.model,
            self._steps,
            self._best.score,
            self._start_score,
            self._material.held_out,
            time.monotonic() - self._started,
        )

    def _iter_begin(self, optimizer: Optimizer) -> Generator[FitEvent, None, None]:
        """Measure the start, or go on where a checkpoint says."""
        resumed = yield from self._iter_resume(optimizer)
        if not resumed:
            yield from self._iter_choose_windows(optimizer)
            self._start_score = yield from self._iter_score(optimizer)
            self._best = ModelImproved(self._model, 0, self._start_score)
        best = self._best
        yield Validated(best.step, best.score, self._start_score, best=True)
        if best.step:
            yield best
        if not resumed:
            yield from self._iter_keep(optimizer)

    def _iter_measure(self, optimizer: Optimizer) -> Generator[FitEvent, None, None]:
        score = yield from self._iter_score(optimizer)
        better = score > self._best.score
        if better:
            best = Model(self._model.spec, optimizer.averaged_copy())
            self._best = ModelImproved(best, self._steps, score)
        yield Validated(self._steps, score, self._start_score, best=better)
        if better:
            yield self._best

    def _iter_keep(self, optimizer: Optimizer) -> Generator[FitEvent, None, None]:
        """Write a checkpoint when it is time; only ever called between two steps."""
        keeper = self._keeper
        if keeper is not None and keeper.due(self._best.step):
            best = self._best.model.net.state_dict()
            tensors = optimizer.state() | {BEST + k: v for k, v in best.items()}
            yield from keeper.iter_write(Checkpoint(self._state(keeper), tensors))

    def _state(self, keeper: Keeper) -> TrainingState:
        return TrainingState(
            spec=self._best.model.spec,
            config=self._config,
            fingerprint=keeper.fingerprint,
            steps=self._steps,
            seconds=time.monotonic() - self._started,
            best_step=self._best.step,
            best_score=self._best.score,
            start_score=self._start_score,
            windows=len(self._windows),
            micro_batch=self._portion.micro,
            crop=self._portion.crop,
            rng=RandomState.of(self._rng),
        )

    def _iter_resume(self, optimizer: Optimizer) -> Generator[FitEvent, None, bool]:
        if self._keeper is None:
            return False
        required, optional = optimizer.layout()
        best = layout_of(self._model.net.state_dict())
        required |= {BEST + name: entry for name, entry in best.items()}
        return (
            yield from self._keeper.iter_resume(
                self._config,
                (required, optional),
                lambda checkpoint: self._restore(optimizer, checkpoint),
            )
        )

    def _restore(self, optimizer: Optimizer, checkpoint: Checkpoint) -> None:
        state, tensors = checkpoint.state, checkpoint.tensors
        self._portion.check(state.crop)
        optimizer.restore(tensors)
        self._windows = self._windows[: state.windows]
        self._portion.micro, self._portion.crop = state.micro_batch, state.crop
        self._steps = state.steps
        self._started = time.monotonic() - state.seconds
        self._start_score = state.start_score
        self._best = ModelImproved(
            self._best_of(tensors) if state.best_step else self._model,
            state.best_step,
            state.best_score,
        )
        state.rng.put_into(self._rng)

    def _best_of(self, tensors: dict[str, Tensor]) -> Model:
        net = self._model.copy_net()
        best = {k.removeprefix(BEST): v for k, v in tensors.items() if k[:5] == BEST}
        net.load_state_dict(best)
        return Model(self._model.spec, net)

    def _strengths(self) -> Strengths:
        names = {field.name for field in fields(Strengths)}
        return Strengths(**self._config.model_dump(include=names))

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
            self._portion.extent(),
            self._config.batch_size,
            self._config.augmentation,
            self._rng,
            self._model.net.margin,
        )
        try:
            loss = yield from optimizer.iter_step(batch, self._portion.micro, rate)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            yield self._portion.shrink()
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
        return (yield from told_as(MicroBatch(self._steps, 0, 1), parts))


def _rate(progress: float) -> float:
    """Warm up over the first twentieth, then fall along a cosine to a tenth."""
    if progress < 0.05:
        return 0.1 + 0.9 * progress / 0.05
    return float(0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * (progress - 0.05) / 0.95)))
