"""Train or fine-tune in one call, for Python; the loop is in `train.py`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from napari_unet.core.jobs import drain_logged
from napari_unet.images.channels import ChannelChoice
from napari_unet.learning.config import FitConfig
from napari_unet.learning.start import TaskRequest, adapt
from napari_unet.learning.train import iter_fit
from napari_unet.tasks import find_task, task_of
from napari_unet.tasks.sample import (
    Sample,
    as_samples,
    with_channels,
    with_plain_labels,
)
from napari_unet.weights.model import Model, check_model

logger = logging.getLogger(__name__)


def fit(
    model: Model,
    samples: Sequence[Sample],
    config: FitConfig | None = None,
    *,
    replay: Sequence[Sample] = (),
    channel: ChannelChoice | None = None,
    task: str | None = None,
    names: Sequence[str] = (),
    colours: Sequence[str] = (),
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
        Images of the kind that the model knows, mixed in so that it forgets less, with
        labels of the same task; see `napari_unet.replay_samples`.
    channel : str, int or sequence of them, optional
        Channel of the samples that the model learns from, by its number from 1; several
        in the model's order, such as "3,1".
    task : str, optional
        What the model should predict from now on: "instances", "classes" or
        "regression". Another one than the model's gives it a new head.
    names : sequence of str
        Of the classes, from 0, or of the variables; others than the model's give it a
        new head.
    colours : sequence of str
        Of the classes, from 0, such as "#ff8800".

    Returns
    -------
    Model
        The best one; where it starts, where nothing was better.

    Raises
    ------
    InputError
        If there is nothing to learn from, or images, labels and names do not fit.
    DeviceError, TrainingError
        If the training cannot go on; of `iter_fit` the best model so far would remain.
    """
    check_model(model)
    request = TaskRequest(task or model.spec.task, names, colours)
    find_task(request.task)
    given = with_channels(as_samples(samples), channel)
    plain, notes = with_plain_labels(given, task_of(request).labels.kind)
    for note in notes:
        logger.warning(note)
    start = adapt(model, request, plain)
    return drain_logged(iter_fit(start, plain, config, replay=replay)).model
