"""A training step of the engine against the bare step on the same batch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.report import Report
from benchmarks.scene import draw_nuclei
from benchmarks.subject import Subject
from benchmarks.timing import Run, Stopwatch, interleave
from napari_unet.core.jobs import drain
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import TrainingData
from napari_unet.learning.judging import Known
from napari_unet.learning.sampling import Batch, Plane, draw_batch, make_plane
from napari_unet.learning.train import Training
from napari_unet.tasks.objectives import objective_of

BARE = "bare step: forward, backward, AdamW"


@dataclass(frozen=True, slots=True)
class Case:
    """A way of training: its name, its configuration, crops computed at once."""

    name: str
    config: FitConfig
    micro_batch: int


def cases(subject: Subject) -> list[Case]:
    """Return the two ways the engine trains; crops are no larger than the image."""
    on_cpu = subject.device.type == "cpu"
    tuning, scratch = (
        config.model_copy(update={"crop": min(config.crop, *subject.image.shape)})
        for config in (FitConfig(), FitConfig.from_scratch())
    )
    return [
        Case("Fine-tuning step", tuning, 1 if on_cpu else tuning.batch_size),
        Case("Step from scratch", scratch, scratch.micro_batch or scratch.batch_size),
    ]


def measure(subject: Subject, watch: Stopwatch) -> list[Report]:
    """Time both ways."""
    plane = training_plane(subject)
    return [_measure_case(subject, case, plane, watch) for case in cases(subject)]


def training_plane(subject: Subject, size: int = 512) -> Plane:
    """Return an annotated plane to draw crops from."""
    scene = draw_nuclei(size)
    image = subject.model.spec.normalization.apply(scene.image[None])
    verified = np.ones(scene.labels.shape, bool)
    objective = objective_of(subject.model.spec)
    targets = objective.targets(scene.labels, verified)
    strata = objective.sampling_strata(scene.labels, verified)
    return make_plane(image, targets, strata)


def draw(plane: Plane, config: FitConfig, seed: int = 0) -> Batch:
    """Draw a batch as the engine does."""
    return draw_batch(
        [plane],
        np.ones(1),
        config.crop,
        config.batch_size,
        config.augmentation,
        np.random.default_rng(seed),
    )


def engine_step(subject: Subject, case: Case, batch: Batch) -> Callable[[], float]:
    """Return a step of the engine: masked loss, micro-batches, averaged weights."""
    update = {"device": subject.device.type, "micro_batch": case.micro_batch}
    config = case.config.model_copy(update=update)
    objective = objective_of(subject.model.spec)
    nothing = TrainingData([], np.ones(0), [], Known([], {}), held_out=False)
    training = Training(subject.model, objective, nothing, config)
    return lambda: drain(training.iter_step(batch, 1.0))


def bare_step(subject: Subject, case: Case, batch: Batch) -> Run:
    """Return the least that trains the same network on the same batch at once."""
    execution = subject.execution
    net = execution.place_net(copy.deepcopy(subject.model.net))
    net.train(not case.config.freeze_norm)
    adam = torch.optim.AdamW(net.parameters(), lr=1e-6)
    images = execution.place(batch.images)
    targets = batch.targets.to(execution.device)

    def run() -> None:
        adam.zero_grad()
        with execution.precision():
            logits = net(images)
        loss = F.binary_cross_entropy_with_logits(logits.float(), targets)
        torch.autograd.backward(loss)
        adam.step()

    return run


def _measure_case(
    subject: Subject, case: Case, plane: Plane, watch: Stopwatch
) -> Report:
    config = case.config
    batch = draw(plane, config)
    step = engine_step(subject, case, batch)
    runs: dict[str, Run] = {
        BARE: bare_step(subject, case, batch),
        "engine's step": step,
        "drawing the batch": lambda: draw(plane, config),
    }
    title = (
        f"{case.name}: {config.batch_size} crops of {config.crop} px, "
        f"{case.micro_batch} at once; {subject.describe()}"
    )
    note = "The bare step computes all crops at once and its loss has no mask."
    return Report(
        title,
        interleave(runs, watch).rows(),
        (note, watch.describe()),
    )
