"""Train or fine-tune from verified pixels: the whole loop, from top to bottom.

How it flows: samples become planes; about a fifth of what is verified is held out;
random crops around verified pixels train a private copy of the network, and its
averaged weights, mixed with those of the start, are compared with the start on what was
held out. When they agree better, and no worse than the best so far but for chance, they
are published as a new, immutable model: among alike scores of a few objects the one
that has learned longest is better on other images. So stopping at any moment loses
nothing that was good. Between two steps, when it is time, the whole state is written,
so that a training that was killed goes on.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Generator, Sequence

import torch

from napari_unet.core.events import (
    MicroBatch,
    Preparing,
    StepSkipped,
    TrainStep,
)
from napari_unet.core.jobs import told_as
from napari_unet.learning.checkpoint import (
    BEST,
    Checkpoint,
    CheckpointHeader,
    RandomState,
)
from napari_unet.learning.checkpointing import CheckpointWriter, iter_fingerprint
from napari_unet.learning.config import Checkpointing, FitConfig
from napari_unet.learning.data import TrainingData, iter_prepare
from napari_unet.learning.events import FitEvent, FitResult, ModelImproved
from napari_unet.learning.failures import device_failures_in_words, no_numbers
from napari_unet.learning.judging import Judged, iter_judge, iter_refit
from napari_unet.learning.keeping import Keeper, share_learned
from napari_unet.learning.pace import Pace
from napari_unet.learning.sampling import Batch, BatchPlan, draw_batch, random_of
from napari_unet.learning.team import Team
from napari_unet.learning.train_state import TrainState
from napari_unet.nets.device import choose_execution, is_out_of_memory, resolve_device
from napari_unet.nets.network import centre_crop, same_size
from napari_unet.tasks.objectives import Objective, objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from napari_unet.weights.tensor_file import layout_of

logger = logging.getLogger(__name__)

_MOST_GRADIENT = 1.0
_LEAST_WINDOWS = 2
_SCORING_SECONDS = 3.0
_ALONE = Team()


def iter_fit(
    model: Model,
    samples: Sequence[Sample],
    config: FitConfig | None = None,
    *,
    replay: Sequence[Sample] = (),
    checkpoint: Checkpointing | None = None,
    team: Team = _ALONE,
) -> Generator[FitEvent, None, FitResult]:
    """Train a model step by step, from verified pixels alone.

    Model, samples, config and replay are those of `napari_unet.learning.fit.fit`.

    Parameters
    ----------
    checkpoint : Checkpointing, optional
        Where to write the state of the training now and then, and whether to go on
        from there. On the CPU of the same machine, a training by steps that goes on
        has the losses, scores and weights of one that was never interrupted.
    team : Team
        The processes that train together; each runs this with the same model, samples
        and configuration. What the leader returns counts.

    Yields
    ------
    FitEvent
        Several times a second. Closing the generator stops the training; the models
        that were published stay good, and so does the last checkpoint. A training
        that goes on first publishes the best model so far again.

    Raises
    ------
    InputError
        If there is nothing to learn from, images and labels do not fit, or the
        checkpoint to go on from belongs to another training.
    ModelError, StorageError
        If that checkpoint does not fit the network, is damaged or missing.
    DeviceError
        If the device does not exist, fails, or its memory does not suffice.
    TrainingError
        If the loss is no number in many steps in a row.
    """
    config = config or FitConfig()
    objective = objective_of(model.spec, config.loss)
    prepared = yield from iter_prepare(model, objective, samples, config, replay)
    data, notices = prepared
    yield from notices
    writer = None
    if checkpoint is not None:
        nothing_yet = Preparing(0, len(samples))
        taking = iter_fingerprint(model, samples, replay)
        fingerprint = yield from told_as(nothing_yet, taking)
        writer = CheckpointWriter(checkpoint, fingerprint)
    with device_failures_in_words():
        training = Training(model, objective, data, config, writer, team)
        return (yield from training.iter_run())


class Training:
    """One run of a training: its state between two steps, and the newest good model."""

    def __init__(
        self,
        model: Model,
        objective: Objective,
        data: TrainingData,
        config: FitConfig,
        writer: CheckpointWriter | None = None,
        team: Team = _ALONE,
    ) -> None:
        self._model, self._first, self._objective = model, objective, objective
        self._data, self._config, self._writer = data, config, writer
        device, exact = resolve_device(config.device), config.full_precision
        self._execution = choose_execution(device, full_precision=exact)
        self._plan = BatchPlan(model.net, config, self._execution.device)
        self._rng = random_of(config.seed, model.net, config.round)
        self._windows = data.windows
        self._started = time.monotonic()
        self._steps, self._pace = 0, Pace()
        self._kept = Keeper(ModelImproved(model, 0, -math.inf))
        self._state = TrainState(model.net, self._execution, config)
        self._team = team
        team.deal(config.batch_size, self._plan.micro)  # or refuse, before the work
        self._learner = team.learner(self._state.net)

    def iter_run(self) -> Generator[FitEvent, None, FitResult]:
        """Train until the budget is spent."""
        yield Preparing(1, 1)
        resumed = yield from self._iter_resume()
        if not resumed:
            yield from self._team.iter_as_leader(self._iter_validate_start())
        live, start = self._kept.newest, self._kept.start_score
        known, odds = self._data.objects, self._kept.start_odds
        self._state.blend = self._config.blend or share_learned(known, odds)
        yield self._data.validated(live.step, live.score, start, best=True)
        if live.step:
            yield live
        if not resumed:
            yield from self._team.iter_as_leader(self._iter_write_checkpoint())
        while (progress := self._team.agree(self._progress())) < 1:
            batch = self._draw_batch()
            try:
                loss = yield from self.iter_step(batch, self._pace.rate(progress))
            except (RuntimeError, MemoryError) as error:
                # Nobody knows where the other processes are in the step.
                if self._team.size > 1 or not is_out_of_memory(error):
                    raise
                yield self._plan.shrink()
            else:
                yield from self._iter_count(loss)
            if self._steps % self._config.validate_every == 0 or self._progress() >= 1:
                yield from self._team.iter_as_leader(self._iter_validate())
            yield from self._team.iter_as_leader(self._iter_write_checkpoint())
        held_out, seconds = self._data.held_out, self._seconds()
        return self._kept.result(self._steps, held_out, seconds)

    def _iter_count(self, loss: float) -> Generator[FitEvent, None, None]:
        """Count a step, also one that was skipped."""
        self._steps += 1
        if math.isfinite(loss):
            self._pace.note_taken()
            yield TrainStep(self._steps, loss, self._seconds())
        else:
            yield StepSkipped(self._steps)
            yield from self._pace.note_skipped(self._steps)

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _progress(self) -> float:
        return self._config.share_spent(self._steps, self._seconds())

    def _draw_batch(self) -> Batch:
        return draw_batch(
            self._data.planes,
            self._data.probabilities,
            self._plan.extent(),
            self._config.batch_size,
            self._config.augmentation,
            self._rng,
            self._model.net.margin,
            self._team.deal(self._config.batch_size, self._plan.micro),
        )

    def iter_step(
        self, batch: Batch, rate: float
    ) -> Generator[MicroBatch, None, float]:
        """Take one optimizer step, at a share of the learning rate; return the loss.

        No number is returned, and nothing changed, where that or a gradient is none.
        """
        total, team = len(batch.images), self._team
        *parts, last = team.deal(total, self._plan.micro)
        loss = 0.0
        self._state.begin_step()
        for part in parts:
            with team.more_to_come(self._learner):
                loss += self._backward(batch, part, total)
            yield MicroBatch(self._steps + 1, part.stop, total)
        loss += self._backward(batch, last, total)
        yield MicroBatch(self._steps + 1, total, total)
        return self._update(rate, team.total(loss))

    def _backward(self, batch: Batch, part: slice, total: int) -> float:
        """Add the gradients of some crops; return their share of the loss."""
        images = self._execution.place(batch.images[part])
        device = self._execution.device
        with self._execution.precision():
            logits = self._learner(images)
        # Unpadded convolutions see more than they answer.
        targets = centre_crop(batch.targets[part], logits.shape[2:]).to(device)
        weight = centre_crop(batch.weight[part], logits.shape[2:]).to(device)
        hardness = self._config.hardness
        add = self._team.add
        loss = self._objective.loss(logits.float(), targets, weight, hardness, add)
        share = loss * (len(images) / total)
        # Of the gradients of several processes torch takes the mean.
        scaled = self._state.scaler.scale(share * self._team.size)
        scaled.backward()  # type: ignore[no-untyped-call]
        return float(share.detach())

    def _update(self, rate: float, loss: float) -> float:
        """Change the weights by the gradients, and what follows; see `iter_step`."""
        state, config = self._state, self._config
        for group in state.optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        state.scaler.unscale_(state.optimizer)
        parameters = state.net.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, _MOST_GRADIENT)
        if not math.isfinite(loss + float(norm)):
            return state.leave_step(loss)
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.updates += 1
        state.pull_to_start(config.pull * config.learning_rate * rate)
        # Early on a plain mean, so that the average does not cling to the start.
        state.update_ema(min(config.average, state.updates / (state.updates + 9)))
        return loss

    def _iter_validate(self) -> Generator[FitEvent, None, None]:
        """Publish the averaged weights, unless they have become worse."""
        judged = yield from self._iter_as_live()
        score = judged.judgement.agreement
        if not math.isfinite(score):
            yield no_numbers(self._steps)
            return
        better = self._kept.welcomes(judged.judgement)
        if better:
            self._keep(judged)
        start = self._kept.start_score
        yield self._data.validated(self._steps, score, start, best=better)
        if better:
            yield self._kept.newest

    def _iter_validate_start(self) -> Generator[FitEvent, None, None]:
        """Measure the start; from now on in fewer windows where the network is slow."""
        every, self._windows = self._windows, self._windows[:1]
        began = time.monotonic()
        yield from self._iter_judge()
        seconds = max(time.monotonic() - began, 1e-3)
        self._windows = every[: max(_LEAST_WINDOWS, int(_SCORING_SECONDS / seconds))]
        judged = yield from self._iter_judge(as_start=True)
        self._kept.begin(judged.judgement)

    def _iter_judge(self, as_start: bool = False) -> Generator[FitEvent, None, Judged]:
        what = (same_size(self._state.blended()), self._windows, self._objective)
        parts = iter_judge(*what, self._execution, as_start=as_start)
        return (yield from told_as(MicroBatch(self._steps, 0, 1), parts))

    def _iter_as_live(self) -> Generator[FitEvent, None, Judged]:
        """Judge the averaged weights with the thresholds that would go live.

        The start has thresholds that suit it; with those others would seem worse.
        """
        judged = yield from self._iter_judge()
        due = self._kept.thresholds_are_due(self._steps, last=self._progress() >= 1)
        if not (self._config.fit_thresholds and due and self._objective.thresholds):
            return judged
        what = (judged, self._windows, self._data.known, self._first)
        net = same_size(self._state.blended())
        parts = iter_refit(*what, net, self._execution, self._kept.start_odds)
        return (yield from told_as(MicroBatch(self._steps, 0, 1), parts))

    def _keep(self, judged: Judged) -> None:
        """Keep the averaged weights, with the thresholds that they were judged with."""
        self._objective = judged.objective
        learned = self._data.learned(self._objective)
        spec = self._model.spec.model_copy(update=learned)
        judgement, model = judged.judgement, Model(spec, self._state.publish())
        score, found = judgement.agreement, judgement.found
        self._kept.keep(ModelImproved(model, self._steps, score, found))

    def _iter_write_checkpoint(self) -> Generator[FitEvent, None, None]:
        """Write the state when it is time; only ever called between two steps."""
        writer, best = self._writer, self._kept.newest
        if writer is None or not writer.due(best.step):
            return
        header = CheckpointHeader(
            spec=best.model.spec,
            config=self._config,
            fingerprint=writer.fingerprint,
            steps=self._steps,
            seconds=self._seconds(),
            **self._kept.scores(),
            windows=len(self._windows),
            micro_batch=self._plan.micro,
            crop=self._plan.crop,
            skipped=self._pace.skipped,
            skipped_in_a_row=self._pace.in_a_row,
            rng=RandomState.of(self._rng),
        )
        of_best = best.model.net.state_dict().items()
        tensors = self._state.tensors() | {BEST + name: t for name, t in of_best}
        yield from writer.iter_write(Checkpoint(header, tensors))

    def _iter_resume(self) -> Generator[FitEvent, None, bool]:
        """Go on where a checkpoint says, if that is wanted and possible."""
        if self._writer is None:
            return False
        required, optional = self._state.layout()
        of_best = layout_of(self._model.net.state_dict())
        required |= {BEST + name: entry for name, entry in of_best.items()}
        steps = self._writer.iter_resume(
            self._config, (required, optional), self._restore
        )
        return (yield from steps)

    def _restore(self, checkpoint: Checkpoint) -> None:
        header = checkpoint.header
        self._plan.check(header.crop)
        self._state.restore(checkpoint.tensors)
        self._windows = self._windows[: header.windows]
        self._plan.micro, self._plan.crop = header.micro_batch, header.crop
        self._steps = header.steps
        self._pace = Pace(header.skipped, header.skipped_in_a_row)
        self._started = time.monotonic() - header.seconds
        model = self._model
        if header.best_step:
            model = Model(header.spec, checkpoint.load_best_into(model.copy_net()))
            self._objective = objective_of(header.spec, self._config.loss)
        live = ModelImproved(model, header.best_step, header.best_score)
        highest = max(header.best_score, header.highest_score)
        scores = header.start_score, header.start_odds, highest
        self._kept = Keeper(live, *scores, header.fitted_at)
        header.rng.put_into(self._rng)
