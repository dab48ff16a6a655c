"""`napari-unet train`: a model from a folder of annotated images."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from napari_unet import io, learning, models, tasks, weights
from napari_unet.cli import outputs
from napari_unet.cli.console import (
    EXIT_INTERRUPTED,
    EXIT_MISTAKE,
    counted,
    report,
    say,
)
from napari_unet.cli.one_voice import one_voice
from napari_unet.cli.options import (
    AxesOption,
    ChannelOption,
    DeviceOption,
    FullPrecisionOption,
    JsonOption,
    OverwriteOption,
    any_task,
    flag,
    mismatch_in_words,
    option,
)
from napari_unet.cli.train_choices import (
    MINUTES_FINE_TUNING,
    MINUTES_FROM_SCRATCH,
    USUAL_TASK,
    check_choices,
    chosen_preset,
    configure,
    settings_of_preset,
    task_request,
)
from napari_unet.cli.training import (
    Trained,
    claimed,
    follow_training,
    plan_checkpoint,
    refuse_finished,
    run_training,
    save_trained,
)
from napari_unet.core.atomic import refuse_foreign
from napari_unet.errors import ChannelMismatchError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from napari_unet.learning.start import TaskRequest
    from napari_unet.models.record import ModelRecord
    from napari_unet.tasks.sample import Sample

_MOST_CLASSES = 20
"""Whose labels have more may have meant objects."""


def train(
    images: Annotated[Path, option("DIR", "Folder of images.")],
    labels: Annotated[
        Path, option("DIR", "Folder of label maps named like the images.")
    ],
    out: Annotated[Path, option("MODEL", "Model folder to make.")],
    verified: Annotated[
        Path | None,
        option("DIR", "Folder of masks: only where they are above 0 is learned."),
    ] = None,
    start: Annotated[
        str | None, option("M", "Model to start from (fine-tuning).", "--from")
    ] = None,
    task: Annotated[
        str | None,
        option(
            "TASK",
            f"What the model predicts: {any_task()}; what --from predicts, or else "
            f"{USUAL_TASK}, where it is missing.",
        ),
    ] = None,
    names: Annotated[
        str | None, option("A,B,...", "Names of the classes, from 0, or of the values.")
    ] = None,
    colours: Annotated[
        str | None,
        option(
            "C,C,...",
            "Colours of the classes, from 0, such as #000000,#ff8800,#0088ff.",
        ),
    ] = None,
    ignore: Annotated[
        int | None, option("N", "Class number that means unknown, besides 255.")
    ] = None,
    architecture: Annotated[
        str | None,
        option("NAME", 'Network of a new model, such as "unet" or "resnet34".'),
    ] = None,
    pretrained: Annotated[
        bool,
        flag("--pretrained", "Start a backbone with ImageNet weights (downloaded)."),
    ] = False,
    settings: Annotated[
        list[str] | None,
        option(
            "PATH=VALUE",
            "Option of a new model, such as architecture.base_channels=32, or of the "
            "loss, such as loss.regression=mse; may be given again.",
            "--set",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        option(
            "NAME",
            "Way to train: from-scratch, fine-tune (with --from), or "
            "original-2015, the recipe of the first U-Net.",
        ),
    ] = None,
    replay: Annotated[
        bool,
        flag(
            "--replay",
            "Mix in sample images of the built-in model that --from descends from, as "
            "the dock does, so that it forgets less.",
        ),
    ] = False,
    axes: AxesOption = None,
    channel: ChannelOption = None,
    minutes: Annotated[
        float | None,
        option(
            "N",
            f"Time limit; {MINUTES_FINE_TUNING:g} minutes where neither limit is "
            f"given, {MINUTES_FROM_SCRATCH:g} without --from.",
        ),
    ] = None,
    steps: Annotated[int | None, option("N", "Limit of training steps.")] = None,
    batch: Annotated[
        int | None,
        option(
            "N",
            "Crops of a step, of all processes together; what the preset says where "
            "it is missing: 4 in fine-tuning, 8 from scratch.",
            min=1,
            max=4096,
        ),
    ] = None,
    full_precision: FullPrecisionOption = False,
    overwrite: OverwriteOption = False,
    resume: Annotated[
        bool, flag("--resume", "Go on with a training of this model that was killed.")
    ] = False,
    device: DeviceOption = "auto",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a model on annotated images, or fine-tune one (--from).

    Ctrl+C stops early and keeps the best model so far. A training that was killed
    goes on with the same command and --resume. Several graphics cards learn together:
    torchrun --standalone --nproc-per-node 2 -m napari_unet train ...
    """
    with one_voice() as team:
        request = task_request(task, names, colours, start)
        before = models.read_record(start) if start else None
        reminders = _reminders(before, request, replay=replay)
        preset = chosen_preset(preset, start, request)
        check_choices(architecture, start, settings, pretrained=pretrained)
        sources = [images, labels, *filter(None, [verified])]
        _check_place(out, sources, start, overwrite=overwrite, resume=resume)
        config = configure(
            preset, minutes, steps, batch, device, seed, full_precision=full_precision
        )
        if any(each.strip().startswith("decoding.") for each in settings or []):
            # Thresholds that a person chose stay.
            config = config.model_copy(update={"fit_thresholds": False})
        chosen = [*settings_of_preset(preset, architecture), *(settings or [])]

        def begin() -> tuple[weights.Model, dict[Path, Sample]]:
            team.connect(device)
            found = _read(images, labels, verified, axes, channel, request, ignore)
            _seed(seed)
            what = (start, architecture, chosen, found, request)
            return _starting_model(*what, pretrained=pretrained), found

        if not team.leads:
            follow_training(*begin(), config, out, reminders, team, resume=resume)
            return
        with outputs.output_folder(out.absolute().parent), claimed(out) as claim:
            state = plan_checkpoint(out, resume=resume, overwrite=overwrite)
            model, samples = begin()
            given = list(samples.values())
            trained = run_training(
                model,
                given,
                config,
                state,
                replay=reminders,
                resume=resume,
                team=team,
                on_event=claim.sync,
            )
            if trained is None:
                nothing = {"model": None, "steps": 0, "interrupted": True}
                report(nothing, [], as_json=as_json)
                raise typer.Exit(EXIT_INTERRUPTED)
            notes = models.TrainingNotes.of(
                start or model.spec.architecture.kind,
                _called(images, samples),
                [path.name for path in samples],
                config.model_dump(mode="json"),
                before.replay if before and reminders else "",
            )
            saved = save_trained(
                trained, out, given, before, notes, state, overwrite=overwrite
            )
        _report(trained, saved, as_json=as_json)
        if saved != out:
            raise typer.Exit(EXIT_MISTAKE)


def _check_place(
    out: Path, sources: list[Path], start: str | None, *, overwrite: bool, resume: bool
) -> None:
    """Refuse a place for the model where something else is, before any work."""
    outputs.refuse_replacing_inputs(sources, [out])
    outputs.refuse_replacing_inputs(
        outputs.folders_of(start), [out], "the model that the training starts from"
    )
    if resume and not overwrite:
        refuse_finished(out)
    if not overwrite:
        outputs.refuse_existing([out])
    elif out.is_dir():  # before the work what would be refused after it
        refuse_foreign(out, models.replaceable(out))


def _called(images: Path, samples: Collection[Path]) -> str:
    """Return what a training learned from, in words."""
    count = counted(len(samples), "image")
    return f"{count} of {Path(os.path.realpath(images)).name!r}"


def _reminders(
    before: ModelRecord | None, request: TaskRequest, *, replay: bool
) -> list[Sample]:
    """Return sample images of the kind that the start knows, where they are wanted."""
    if not replay:
        return []
    if not tasks.task_of(request).labels.objects:
        raise InputError(
            "--replay mixes in images whose labels are objects, which are no "
            f"{request.task}; leave it away, or train for instances."
        )
    found = io.replay_samples(before.replay) if before is not None else []
    if not found:
        known = before.replay if before is not None else ""
        why = f"{known} has none" if known else "it descends from no built-in model"
        raise InputError(
            "--replay mixes in sample images of the built-in model that --from "
            f"descends from, and {why}; leave it away, or start from nuclei."
        )
    return found


def _read(
    images: Path,
    labels: Path,
    verified: Path | None,
    axes: str | None,
    channel: str | None,
    request: TaskRequest,
    ignore: int | None,
) -> dict[Path, Sample]:
    task = request.task
    found = io.read_samples(
        images, labels, verified=verified, axes=axes, channel=channel, task=task
    )
    for note in found.notes:
        say(note)
    samples = found.samples
    if ignore is not None:
        samples = {
            path: replace(sample, labels=_ignoring(sample.labels, ignore, request))
            for path, sample in samples.items()
        }
    masks = [sample.verified for sample in samples.values()]
    if not any(mask is None or mask.any() for mask in masks):
        raise InputError(
            f"No pixel is verified: all masks in {str(verified)!r} are 0; mark what "
            "can be trusted, or leave --verified away to trust everything."
        )
    return samples


def _ignoring(labels: NDArray[Any], ignore: int, request: TaskRequest) -> NDArray[Any]:
    """Mark as unknown what the person wants to be ignored."""
    unknown = tasks.task_of(request).labels.kind.unknown
    if unknown is None:
        raise InputError(
            "--ignore names a class number, so it needs --task classes; for other "
            "tasks give masks of what is known with --verified."
        )
    return np.where(labels == ignore, unknown, labels)


def _seed(seed: int) -> None:
    """Make a new network's weights, and its dropout, the same in every run."""
    import torch  # takes seconds, and no --help needs it

    torch.manual_seed(seed)


def _starting_model(
    start: str | None,
    architecture: str | None,
    settings: list[str],
    samples: dict[Path, Sample],
    request: TaskRequest,
    *,
    pretrained: bool,
) -> weights.Model:
    """Return the model to start from, after checking that it can take every image."""
    given = list(samples.values())
    if start is not None:
        loaded = weights.load_model(start)
        model = learning.adapt(loaded, request, given)
        if model is not loaded:
            _question_many_classes(model.spec, request)
        model = weights.Model(models.with_settings(model.spec, settings), model.net)
    else:
        model = learning.new_model(
            given,
            request.task,
            names=request.names,
            colours=request.colours,
            architecture=architecture or next(iter(models.ARCHITECTURES)),
            settings=settings,
            pretrained=pretrained,
        )
        _question_many_classes(model.spec, request)
    tasks.refuse_idle_loss_options(model.spec)
    for path, sample in samples.items():
        try:
            learning.annotated_planes(sample, model)
        except ChannelMismatchError as error:
            raise InputError(f"{path}: {mismatch_in_words(error, path)}") from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    return model


def _question_many_classes(spec: models.ModelSpec, request: TaskRequest) -> None:
    """Say that ids of objects may have been taken for classes that nobody named."""
    if len(spec.classes) > _MOST_CLASSES and not request.names:
        say(
            f"The labels hold numbers up to {len(spec.classes) - 1}, so the model "
            f"tells {len(spec.classes)} classes of pixels apart. If they are ids of "
            f"objects, stop it with Ctrl+C and give --task {USUAL_TASK}; if they are "
            "classes, give their --names."
        )


def _report(trained: Trained, out: Path, *, as_json: bool) -> None:
    steps, seconds = trained.steps, trained.seconds
    result: dict[str, Any] = {"model": str(out), "steps": steps, "score": trained.score}
    result["seconds"] = round(seconds, 2)
    if trained.interrupted:
        result["interrupted"] = True
    words = f"{out}: {counted(steps, 'step')}, {seconds:.0f} s"
    report(result, [words], as_json=as_json)
    if trained.interrupted:
        say(f"Interrupted; the best model so far is saved in {out}.")
        raise typer.Exit(EXIT_INTERRUPTED)
    if trained.failure is not None:
        say(f"The best model so far is saved in {out}.")
        raise trained.failure
