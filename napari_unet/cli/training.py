"""Training on a terminal: progress, Ctrl+C, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.cli.console import progress_bar, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from napari_unet.core.sample import Sample
    from napari_unet.engine.model import Model
    from napari_unet.engine.train import FitConfig, FitEvent, FitResult


_MEASURED = 1024
_CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best model so far, and whether training ran to its end."""

    model: Model
    steps: int
    seconds: float
    score: dict[str, float]
    interrupted: bool = False


def run_training(
    model: Model,
    samples: list[Sample],
    config: FitConfig,
    path: Path,
    *,
    resume: bool,
) -> Outcome:
    """Train to the end or to Ctrl+C, whichever comes first.

    The state is kept in the file `path`, for a training that is killed. It is to be
    removed when the outcome is saved.
    """
    from napari_unet.engine.checkpoint import remove_checkpoint
    from napari_unet.engine.train import Checkpointing, ModelImproved, iter_fit

    best: ModelImproved | None = None
    seconds = 0.0
    checkpoint = Checkpointing(
        path, _CHECKPOINT_SECONDS, "always" if resume else "never"
    )
    events = iter_fit(model, samples, config, checkpoint=checkpoint)
    with progress_bar() as progress:
        show = _shower(progress, config)
        try:
            while True:
                event = next(events)
                best = event if isinstance(event, ModelImproved) else best
                seconds = show(event)
        except StopIteration as finished:
            return _finished(finished.value)
        except KeyboardInterrupt:
            if best is None:
                say("Interrupted before anything was better; no model was saved.")
                remove_checkpoint(path)
                raise
    score = {"agreement": best.score}
    return Outcome(best.model, best.step, seconds, score, interrupted=True)


def _finished(result: FitResult) -> Outcome:
    score = {"agreement": result.score, "agreement_before": result.start_score}
    return Outcome(result.model, result.steps, result.seconds, score)


def _shower(progress: Progress, config: FitConfig) -> Callable[[FitEvent], float]:
    """Return what shows an event; it returns the seconds of training so far."""
    from napari_unet.core.events import Notice, TrainStep, Validated

    total = config.steps or 60 * (config.minutes or 0)
    task: TaskID = progress.add_task("train", total=total)
    seconds = 0.0

    def show(event: FitEvent) -> float:
        nonlocal seconds
        if isinstance(event, TrainStep):
            seconds = event.seconds
            done = event.step if config.steps else event.seconds
            words = f"step {event.step}, loss {event.loss:.3f}"
            progress.update(task, completed=done, description=words)
        elif isinstance(event, Validated):
            say(f"step {event.step}: agreement with held-out pixels {event.score:.3f}")
        elif isinstance(event, Notice):
            say(event.message)
        return seconds

    return show


def save_outcome(
    outcome: Outcome,
    out: Path,
    sample: Sample,
    data: str,
    path: Path,
    *,
    overwrite: bool,
) -> None:
    """Save the best model, with what it was trained on (`data`, in words).

    `sample` is one of the images, to measure what tiles change where they are not
    exact. The training's state in `path` is removed when the model is on the disk.
    """
    from napari_unet.engine.checkpoint import remove_checkpoint
    from napari_unet.engine.model import Model
    from napari_unet.engine.weights import save_model
    from napari_unet.nets.spec import ModelCard

    old = _with_tiling(outcome.model, sample).spec
    origin = f"{data}, starting from {old.name!r}" if old.card.data else data
    card = ModelCard(data=origin, score=outcome.score)
    spec = old.model_copy(update={"name": out.resolve().name[:100], "card": card})
    save_model(Model(spec, outcome.model.net), out, overwrite=overwrite)
    remove_checkpoint(path)


def _with_tiling(model: Model, sample: Sample) -> Model:
    from napari_unet.engine.device import choose_execution, resolve_device
    from napari_unet.engine.planes import annotated_planes
    from napari_unet.engine.tile_effect import with_tiling

    if model.net.exact_tiling:
        return model
    plane = annotated_planes(sample, model)[0].image
    execution = choose_execution(resolve_device("cpu"))
    return with_tiling(model, plane[..., :_MEASURED, :_MEASURED], execution)
