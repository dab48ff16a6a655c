"""`napari-unet train`: a model from a folder of annotated images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from napari_unet.cli.console import (
    EXIT_INTERRUPTED,
    AxesOption,
    DeviceOption,
    JsonOption,
    OverwriteOption,
    print_json,
    say,
)
from napari_unet.cli.outputs import (
    output_folder,
    refuse_existing,
    refuse_replacing_inputs,
)
from napari_unet.cli.training import Outcome, run_training, save_outcome
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.core.sample import Sample
    from napari_unet.engine.model import Model
    from napari_unet.engine.train import FitConfig

_MINUTES_FROM_SCRATCH = 15.0
_MINUTES_FINE_TUNING = 2.0


def train(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of images.")],
    labels: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of label maps named like the images."),
    ],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="Model folder to make.")],
    verified: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of masks: only where they are not 0 is learned."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="M", help="Model to start from (fine-tuning)."),
    ] = None,
    task: Annotated[
        str, typer.Option(metavar="TASK", help="What the model predicts.")
    ] = "instances",
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help="Network of a new model.")
    ] = None,
    axes: AxesOption = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help=f"Time limit; {_MINUTES_FINE_TUNING:g} minutes where neither limit is "
            f"given, {_MINUTES_FROM_SCRATCH:g} without --from.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Limit of training steps.")
    ] = None,
    overwrite: OverwriteOption = False,
    device: DeviceOption = "auto",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a model on annotated images, or fine-tune one (--from).

    Ctrl+C stops early and keeps the best model so far.
    """
    _check_choices(task, architecture, start)
    refuse_replacing_inputs([images, labels, *([verified] if verified else [])], [out])
    if not overwrite:
        refuse_existing([out])
    config = _configure(minutes, steps, device, seed, from_scratch=start is None)
    samples = _read(images, labels, verified, axes)
    model = _starting_model(start, architecture, samples)
    with output_folder(out.absolute().parent):
        outcome = run_training(model, list(samples.values()), config)
        data = f"{len(samples)} images of {images.resolve().name!r}"
        save_outcome(outcome, out, data, overwrite=overwrite)
    _report(outcome, out, as_json=as_json)


def _check_choices(task: str, architecture: str | None, start: str | None) -> None:
    from napari_unet.nets.spec import ARCHITECTURES, Task

    if task not in get_args(Task):
        raise InputError(
            f"Task {task!r} is not available; choose one of: "
            f"{', '.join(get_args(Task))}."
        )
    if architecture is not None and architecture not in ARCHITECTURES:
        raise InputError(
            f"Architecture {architecture!r} is not available; choose one of: "
            f"{', '.join(ARCHITECTURES)}."
        )
    if architecture is not None and start is not None:
        raise InputError(
            "--architecture describes a new model, but --from keeps the network it "
            "starts from; give one of the two."
        )


def _configure(
    minutes: float | None,
    steps: int | None,
    device: str,
    seed: int,
    *,
    from_scratch: bool,
) -> FitConfig:
    from napari_unet.engine.device import resolve_device
    from napari_unet.engine.train import FitConfig

    if minutes is not None and steps is not None:
        raise InputError("Give --minutes or --steps, not both.")
    if (minutes is not None and not minutes > 0) or (steps is not None and steps < 1):
        raise InputError("--minutes and --steps must be above 0.")
    if seed < 0:
        raise InputError("--seed must be 0 or above.")
    resolve_device(device)
    if minutes is None and steps is None:
        minutes = _MINUTES_FROM_SCRATCH if from_scratch else _MINUTES_FINE_TUNING
    base = FitConfig.from_scratch() if from_scratch else FitConfig()
    limits = {"minutes": minutes, "steps": steps, "device": device, "seed": seed}
    return base.model_copy(update=limits)


def _read(
    images: Path, labels: Path, verified: Path | None, axes: str | None
) -> dict[Path, Sample]:
    from napari_unet.io.dataset import read_samples

    samples = read_samples(images, labels, verified=verified, axes=axes)
    masks = [sample.verified for sample in samples.values()]
    if not any(mask is None or mask.any() for mask in masks):
        raise InputError(
            f"No pixel is verified: all masks in {str(verified)!r} are 0; mark what "
            "can be trusted, or leave --verified away to trust everything."
        )
    return samples


def _starting_model(
    start: str | None, architecture: str | None, samples: dict[Path, Sample]
) -> Model:
    """Return the model to start from, after checking that it can take every image."""
    from napari_unet.engine.model import new_model
    from napari_unet.engine.predict import check_image
    from napari_unet.engine.weights import load_model
    from napari_unet.nets.spec import ARCHITECTURES, ModelSpec

    if start is not None:
        model = load_model(start)
    else:
        network = ARCHITECTURES[architecture or next(iter(ARCHITECTURES))]()
        channels = _channels(next(iter(samples.values())))
        model = new_model(
            ModelSpec(name="new", in_channels=channels, architecture=network)
        )
    for path, sample in samples.items():
        try:
            check_image(sample.image, sample.axes, model)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    return model


def _channels(sample: Sample) -> int:
    axes = sample.axes or ""
    return int(sample.image.shape[axes.index("C")]) if "C" in axes else 1


def _report(outcome: Outcome, out: Path, *, as_json: bool) -> None:
    result: dict[str, Any] = {
        "model": str(out),
        "steps": outcome.steps,
        "score": outcome.score,
        "seconds": round(outcome.seconds, 2),
    }
    if as_json:
        print_json(result)
    else:
        typer.echo(f"{out}: {outcome.steps} steps, {outcome.seconds:.0f} s")
    if outcome.interrupted:
        say(f"Interrupted; the best model so far is saved in {out}.")
        raise typer.Exit(EXIT_INTERRUPTED)
