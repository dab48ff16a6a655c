"""Train or fine-tune from verified pixels.

How it flows: samples become planes; about a fifth of what is verified is held out;
random crops around verified pixels teach a private copy of the network, and its
averaged weights are compared with the start on what was held out. Whenever they agree
better than ever before, they are published as a new, immutable model. Stopping at any
moment therefore loses nothing that was good.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Sequence

from napari_unet.core.events import Preparing
from napari_unet.core.jobs import drain_logged, told_as
from napari_unet.errors import InputError
from napari_unet.learning.fingerprint import iter_fingerprint
from napari_unet.learning.fit_config import FitConfig
from napari_unet.learning.fit_result import FitEvent, FitResult, ModelImproved
from napari_unet.learning.keeper import Checkpointing, Keeper
from napari_unet.learning.material import iter_prepare
from napari_unet.learning.training import Training
from napari_unet.tasks import task_of
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample, with_plain_labels
from napari_unet.weights.model import Model, check_model

__all__ = [
    "Checkpointing",
    "FitConfig",
    "FitEvent",
    "FitResult",
    "ModelImproved",
    "fit",
    "iter_fit",
]

logger = logging.getLogger(__name__)


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
        Annotated images. What is made of labels that are no plain ids or classes, such
        as of masks, is told as a warning (`napari_unet.annotation.labels.as_labels`).
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
    check_model(model)
    plain, notes = with_plain_labels(_listed(samples), task_of(model.spec).labels.kind)
    for note in notes:
        logger.warning(note)
    return drain_logged(iter_fit(model, plain, config, replay=replay)).model


def _listed(samples: object) -> list[Sample]:
    """Return samples as a list; one alone is taken, too."""
    if isinstance(samples, Sample):
        return [samples]
    found: list[Sample] = []
    for each in samples if isinstance(samples, Iterable) else [samples]:
        if not isinstance(each, Sample):
            raise InputError(
                f"Expected a list of samples, found {type(each).__name__} in it; make "
                "them with nu.Sample(image, labels)."
            )
        found.append(each)
    return found


def iter_fit(
    model: Model,
    samples: Sequence[Sample],
    config: FitConfig | None = None,
    *,
    replay: Sequence[Sample] = (),
    checkpoint: Checkpointing | None = None,
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
    checkpoint : Checkpointing, optional
        Where to write the state of the training now and then, and whether to go on
        from there. On the CPU of the same machine, a training by steps that goes on
        has the losses, scores and weights of one that was never interrupted.

    Yields
    ------
    FitEvent
        Several times a second. Closing the generator stops the training; the models
        that were published stay good, and so does the last checkpoint. A training
        that goes on first publishes the best model so far again.

    Returns
    -------
    FitResult

    Raises
    ------
    InputError
        If there is nothing to learn from, images and labels do not fit, or the
        checkpoint to go on from belongs to another training.
    ModelError, StorageError
        If that checkpoint does not fit the network, is damaged or missing.
    DeviceError
        If the device does not exist, fails, or its memory does not suffice.
    """
    config = config or FitConfig()
    objective = objective_of(model.spec, config.loss)
    preparing = iter_prepare(model, objective, samples, config, replay)
    material, notices = yield from preparing
    yield from notices
    keeper = None
    if checkpoint is not None:
        nothing_yet = Preparing(0, len(samples))
        taking = iter_fingerprint(model, samples, replay)
        keeper = Keeper(checkpoint, (yield from told_as(nothing_yet, taking)))
    training = Training(model, objective, material, config, keeper)
    return (yield from training.iter_run())
