"""`napari-unet predict`: label maps of image files."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from typer import Argument

from napari_unet import inference, io, large, nets, tracking, weights
from napari_unet.cli import outputs
from napari_unet.cli.console import (
    about,
    plain,
    progress_bar,
    say,
)
from napari_unet.cli.named_files import named_images, named_sources
from napari_unet.cli.options import (
    AxesOption,
    ChannelOption,
    DeviceOption,
    FullPrecisionOption,
    JsonOption,
    OverwriteOption,
    flag,
    guess_in_words,
    mismatch_in_words,
    option,
)
from napari_unet.cli.origin import Recipe, recipe_of
from napari_unet.cli.predict_large import (
    ChunkOption,
    FormatOption,
    LargeOptions,
    LargeOrder,
    PlanOption,
    SchedulerOption,
    WorkersOption,
    predict_large,
)
from napari_unet.cli.predict_report import Line, RunReport, opened_report
from napari_unet.cli.predicted import Done, Written, tell
from napari_unet.cli.track import TrackOption, follow, refuse_untrackable, tracks_file
from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import drain
from napari_unet.errors import ChannelMismatchError, InputError, NapariUnetError
from napari_unet.geometry.axes import result_axes
from napari_unet.images.channels import take_channels
from napari_unet.images.source import anisotropy_of
from napari_unet.instances.three_sides import Stacks
from napari_unet.io.pairing import name_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.images.source import ArrayImage
    from napari_unet.inference.events import PredictEvent
    from napari_unet.tasks.objectives.objective import Values
    from napari_unet.weights.model import Model


_NO_SETTINGS = ("model", "device")


def predict(
    images: Annotated[
        list[str],
        Argument(metavar="IMAGE...", help="Image files, or folders of images."),
    ],
    model: Annotated[str, option("M", "A built-in model or a model folder.")],
    out: Annotated[Path, option("DIR", "Where label maps go.")],
    device: DeviceOption = "auto",
    axes: AxesOption = None,
    channel: ChannelOption = None,
    probabilities: Annotated[
        bool,
        flag("--probabilities", "Write the network's maps, float32, one a channel."),
    ] = False,
    rotations: Annotated[
        bool,
        flag(
            "--rotations", "Average over four turned copies: 4 x slower, seldom better."
        ),
    ] = False,
    full_precision: FullPrecisionOption = False,
    track: TrackOption = False,
    diameter: Annotated[
        float | None,
        option(
            "PX",
            "Typical diameter of the objects; measured where it is missing.",
            min=0.5,
            max=10_000,
        ),
    ] = None,
    pixel_size: Annotated[
        float | None,
        option(
            "UM",
            "Width of a pixel in micrometres; what the file states where it is "
            "missing.",
            min=1e-6,
            max=1e6,
        ),
    ] = None,
    anisotropy: Annotated[
        float | None,
        option(
            "N",
            "How many times as far apart the sections of a stack are as pixels are "
            "wide; what the file states where it is missing.",
            min=0.01,
            max=100,
        ),
    ] = None,
    stacks: Annotated[
        Stacks | None,
        option(
            "HOW",
            "How models of planes see stacks: from three-sides, which is usual, or by "
            "sections that are linked, which is quicker.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        option(
            "P",
            "How sure the model must be that a pixel belongs to an object: 0.5 is "
            "usual. Lower: fainter and larger objects.",
        ),
    ] = None,
    keep_together: Annotated[
        float | None,
        option(
            "P",
            "Lower: more objects that touch are parted; higher: more stay together.",
        ),
    ] = None,
    smallest: Annotated[
        float | None,
        option("PX", "Least area of an object, in pixels that the model sees."),
    ] = None,
    output_format: FormatOption = None,
    chunk: ChunkOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    plan: PlanOption = False,
    overwrite: OverwriteOption = False,
    resume: Annotated[
        bool,
        flag(
            "--resume",
            "Leave results that are there of the same images, model and settings; "
            "make those that are missing, cut short or of others.",
        ),
    ] = False,
    report: Annotated[
        Path | None,
        option(
            "FILE.csv",
            "Write a line for every image as soon as it is done; with --resume, add "
            "to those that are there.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Segment images, or predict classes or values of their pixels.

    For example: napari-unet predict plate --model nuclei --out labels

    Writes DIR/<image name>.tif for every image: ids of objects (int32, 0 for
    background), classes (uint8) or values (float32, one channel a variable). Images
    that fail are listed; the others are written. What was interrupted goes on with the
    same command and --resume. With --output-format images may be larger than memory,
    and the exit code is 3 if a part of one stays empty.
    """
    if overwrite and resume:
        raise InputError(
            "--resume leaves results that are there, and --overwrite replaces them; "
            "give one of the two."
        )
    options = LargeOptions(output_format, chunk, workers, scheduler, plan)
    if options.wanted:
        options.refuse_others(resume=resume, report=report, track=track)
        loaded = _loaded(model, device, threshold, keep_together, smallest)
        settings = large.Settings(
            axes=axes,
            channel=channel,
            probabilities=probabilities,
            rotations=rotations,
            full_precision=full_precision,
            diameter=diameter,
            pixel_size=pixel_size,
            anisotropy=anisotropy,
            stacks=stacks,
        )
        large_order = LargeOrder(model, loaded, out, settings, device, overwrite)
        predict_large(named_sources(images), large_order, options, as_json=as_json)
        return
    targets = _plan(images, out, replace=overwrite or resume)
    if report is not None:
        outputs.refuse_replacing_inputs(targets, [report])
        outputs.refuse_replacing_inputs(targets.values(), [report], "one of them")
        if not (overwrite or resume):
            outputs.refuse_existing([report])
    loaded = _loaded(model, device, threshold, keep_together, smallest)
    ask = partial(
        inference.iter_predict,
        model=loaded,
        device=device,
        probabilities=probabilities,
        rotations=rotations,
        full_precision=full_precision,
        diameter=diameter,
        stacks=stacks,
    )
    sizes = _Sizes(pixel_size, anisotropy)
    order = _Order(loaded, axes, channel, sizes, ask, overwrite, resume, track)
    order.refuse_untracked(targets.values())
    with (
        outputs.output_folder(out),
        opened_report(report, go_on=resume) as lines,
    ):
        done = _predict_all(targets, order, lines)
    tell(done, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What a person says of pixels and sections, where files say nothing, or wrong."""

    pixel_size: float | None
    anisotropy: float | None

    def of(self, stated: Mapping[str, float]) -> dict[str, float]:
        """Return micrometres along each axis."""
        sizes = dict(stated)
        if self.pixel_size is not None:
            sizes |= {"Y": self.pixel_size, "X": self.pixel_size}
        if self.anisotropy is not None and "X" in sizes:
            sizes["Z"] = self.anisotropy * sizes["X"]
        return sizes


@dataclass(frozen=True)
class _Order:
    """How all images are predicted."""

    model: Model
    axes: str | None
    channel: str | None
    sizes: _Sizes
    ask: partial[Generator[PredictEvent, None, Values]]
    overwrite: bool
    resume: bool
    track: bool

    def refuse_untracked(self, targets: Iterable[Path]) -> None:
        """Refuse to track what has no objects, or to replace tables that are there."""
        if not self.track:
            return
        refuse_untrackable(self.model, probabilities=self.ask.keywords["probabilities"])
        if not (self.overwrite or self.resume):
            outputs.refuse_existing(map(tracks_file, targets))

    @cached_property
    def recipe(self) -> Recipe:
        """What decides about results."""
        # On whatever device, results are alike.
        how = {k: v for k, v in self.ask.keywords.items() if k not in _NO_SETTINGS}
        of_files = {
            "axes": self.axes,
            "channel": self.channel,
            "pixel_size": self.sizes.pixel_size,
            "anisotropy": self.sizes.anisotropy,
            "track": self.track,
        }
        return recipe_of(self.model, how | of_files)


def _loaded(model: str, device: str, *thresholds: float | None) -> Model:
    """Load the model, with other thresholds, if the device is there."""
    nets.resolve_device(device)
    return weights.load_model(model).with_thresholds(*thresholds)


def _plan(images: list[str], out: Path, *, replace: bool) -> dict[Path, Path]:
    """Return where the labels of each image go, after checking all of it."""
    targets = {path: out / f"{name_of(path)}.tif" for path in named_images(images)}
    outputs.refuse_one_target(targets)
    outputs.refuse_replacing_inputs(targets, targets.values())
    if not replace:
        outputs.refuse_existing(targets.values(), "go on with --resume, ")
    return targets


def _predict_all(targets: dict[Path, Path], order: _Order, report: RunReport) -> Done:
    done = Done()
    with progress_bar() as progress:
        task = progress.add_task("predict", total=len(targets))
        for number, (path, target) in enumerate(targets.items()):
            progress.update(task, completed=number, description=path.name)

            def advance(share: float, number: int = number) -> None:
                progress.update(task, completed=number + share)

            began = time.monotonic()
            names = (str(path), str(target))
            try:
                if order.resume and order.recipe.is_done(path, target):
                    done.kept.append(dict(zip(("image", "labels"), names, strict=True)))
                    report.add(Line(*names, "kept"))
                    continue
                one = _predict_one(path, target, order, advance)
            except NapariUnetError as error:
                words = about(path, str(error))
                done.failed.append({"image": str(path), "error": words})
                report.add(Line(*names, "failed", message=plain(words)))
            except KeyboardInterrupt:
                say(f"Interrupted; {len(done.written)} of {len(targets)} are written.")
                done.interrupted = True
                break
            else:
                done.written.append(one)
                seconds = round(time.monotonic() - began, 3)
                notes = plain(" ".join(one.notes))
                report.add(Line(*names, "written", one.objects, seconds, notes))
    return done


def _predict_one(
    path: Path, target: Path, order: _Order, advance: Callable[[float], None]
) -> Written:
    mark = order.recipe.mark(path)  # first: the file may change meanwhile
    image = io.read_image(path)
    seen, axes, notes = _seen(path, image, order)
    diameter = None

    def hear(event: PredictEvent) -> None:
        nonlocal diameter
        if isinstance(event, Notice):
            notes.append(event.message)
        elif isinstance(event, inference.Sized):
            diameter = event.diameter and round(event.diameter, 1)
        elif isinstance(event, TilesDone):
            advance(event.done / event.total)

    sizes = order.sizes.of(image.pixel_size)
    apart = order.sizes.anisotropy or anisotropy_of(sizes)
    steps = order.ask(seen, axes=axes, pixel_size=sizes.get("X"), anisotropy=apart)
    result = drain(steps, hear)
    kept = result_axes(axes)
    table = tracks_file(target) if order.track else None
    if table is not None:
        result = follow(result, kept, table, sizes, hear)
    io.write_image(
        target,
        result,
        kept if result.ndim == len(kept) else f"C{kept}",
        overwrite=order.overwrite or order.resume,
        pixel_size=sizes,
        mark=mark,
    )
    objects = None
    if result.dtype == np.int32:
        objects = int(np.count_nonzero(np.bincount(result.ravel())[1:]))
    tracks = None if table is None else str(table)
    return Written(str(path), str(target), objects, notes, diameter, tracks)


def _seen(
    path: Path, image: ArrayImage, order: _Order
) -> tuple[NDArray[Any], str, list[str]]:
    """Return what the model sees of an image, its axes, and what is to be said."""
    known = io.axes_of_file(image, order.axes)
    if order.track:
        known = tracking.in_time(known)
    seen, axes = image.array, known.letters
    if order.channel is not None:
        channels = io.find_channels(path, seen.shape, axes, order.channel)
        seen, axes = take_channels(seen, axes, channels)
    try:
        axes = inference.check_image(seen, axes, order.model)
    except ChannelMismatchError as error:
        raise InputError(mismatch_in_words(error, path)) from error
    notes = [image.note, guess_in_words(known, image.array.shape)]
    return seen, axes, [note for note in notes if note]
