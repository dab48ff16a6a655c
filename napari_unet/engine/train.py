"""Train or fine-tune from verified pixels.

How it flows: samples become planes; about a fifth of what is verified is held out;
random crops around verified pixels teach a private copy of the network, and its
averaged weights are compared with the start on what was held out. Whenever they agree
better than ever before, they are published as a new, immutable model. Stopping at any
moment therefore loses nothing that was good.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from napari_unet.core.sample import Sample
from napari_unet.engine.fit_config import FitConfig
from napari_unet.engine.fit_result import FitEvent, FitResult, ModelImproved
from napari_unet.engine.material import prepare
from napari_unet.engine.model import Model
from napari_unet.engine.objectives import objective_of
from napari_unet.engine.training import Training

__all__ = ["FitConfig", "FitEvent", "FitResult", "ModelImproved", "fit", "iter_fit"]


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
    return (yield from Training(model, objective, material, config).iter_run())
