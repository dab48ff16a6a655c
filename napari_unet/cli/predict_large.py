"""`napari-unet predict --output-format`: images that may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_unet import large
from napari_unet.cli import outputs
from napari_unet.cli.console import (
    EXIT_INTERRUPTED,
    EXIT_MISTAKE,
    about,
    counted,
    progress_bar,
    report,
    say,
)
from napari_unet.cli.options import flag, guess_in_words, mismatch_in_words, option
from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import drain
from napari_unet.core.memory import keep
from napari_unet.errors import ChannelMismatchError, InputError, NapariUnetError
from napari_unet.io.pairing import name_of
from napari_unet.io.reader import in_words
from napari_unet.io.remote import is_local

if TYPE_CHECKING:
    from napari_unet.large import Planned, Predicted, Task
    from napari_unet.weights.model import Model

_NOTHING_LEFT = "all of it was there already, of this very image and model."

EXIT_GAPS = 3
"""Done, but parts of an image could not be predicted and are empty."""

FormatOption = Annotated[
    Literal["ome-zarr", "tiff"] | None,
    option(
        "ome-zarr|tiff",
        "Predict block by block, however large the image, into an OME-Zarr with a "
        "pyramid or a tiled BigTIFF. Call it again to go on after an interruption.",
    ),
]
ChunkOption = Annotated[
    int | None,
    option(
        "PX",
        "Width of what is one piece of work, rounded up to whole blocks; labels do "
        "not depend on it.",
        min=1,
    ),
]
WorkersOption = Annotated[
    int | None,
    option("N", "So many processes on this machine, with a thread each.", min=1),
]
SchedulerOption = Annotated[
    str | None,
    option("ADDRESS", "A scheduler of dask, such as tcp://host:8786, with workers."),
]
PlanOption = Annotated[bool, flag("--plan", "Say what would be done, and do nothing.")]


@dataclass(frozen=True, slots=True)
class LargeOptions:
    """What is said of the way in which images are predicted block by block."""

    output_format: Literal["ome-zarr", "tiff"] | None
    chunk: int | None
    workers: int | None
    scheduler: str | None
    plan: bool

    @property
    def wanted(self) -> bool:
        """Whether any of it is."""
        given = (self.output_format, self.chunk, self.workers, self.scheduler)
        return self.plan or any(each is not None for each in given)

    def refuse_others(self, *, resume: bool, report: Path | None, track: bool) -> None:
        """Refuse what belongs to the other way to predict."""
        if track:
            raise InputError(
                "--track is for images that fit into memory; leave it out, and let "
                "napari-unet track read the result if that fits."
            )
        if resume or report is not None:
            raise InputError(
                "--resume and --report are for images that fit into memory; block by "
                "block, the same command goes on by itself. Leave them out."
            )


@dataclass(frozen=True, slots=True)
class LargeOrder:
    """How all images are predicted: by the model of a name, or a path, and where to."""

    model_name: str
    model: Model
    out: Path
    settings: large.Settings
    device: str
    overwrite: bool


def predict_large(
    paths: Iterable[Path], order: LargeOrder, options: LargeOptions, *, as_json: bool
) -> None:
    """Predict images one after the other, or say what would be done."""
    if options.output_format is None and not options.plan:
        raise InputError(
            "--chunk, --workers and --scheduler are for predictions block by block; "
            "say --output-format ome-zarr or tiff, too."
        )
    if options.workers is not None and options.scheduler is not None:
        raise InputError(
            "--workers starts workers here, and --scheduler uses others; give one."
        )
    suffix = large.SUFFIXES[options.output_format or "ome-zarr"]
    targets = {path: order.out / f"{name_of(path)}{suffix}" for path in paths}
    outputs.refuse_one_target(targets)
    outputs.refuse_replacing_inputs(filter(is_local, targets), targets.values())
    ask = partial(
        large.ask,
        model=order.model,
        out=order.out,
        settings=order.settings,
        engine=large.Engine(options.workers, options.scheduler, order.device),
        model_name=_lasting(order.model_name),
        output_format=options.output_format or "ome-zarr",
        chunk=options.chunk or large.CHUNK,
        overwrite=order.overwrite,
    )
    if options.plan:
        outputs.refuse_unwritable(order.out)
        _plan_all(targets, ask, as_json=as_json)
        return
    keep()  # nothing else happens in this process
    with outputs.output_folder(order.out):
        _predict_all(targets, ask, as_json=as_json)


def _lasting(model: str) -> str:
    """Return a name by which the model is found from anywhere."""
    folders = outputs.folders_of(model)
    return str(folders[0].absolute()) if folders else model


@contextmanager
def _failing(path: Path, failed: list[dict[str, str]]) -> Iterator[None]:
    """List an image that cannot be predicted; the others go on."""
    try:
        yield
    except ChannelMismatchError as error:
        words = about(path, mismatch_in_words(error, path))
        failed.append({"image": str(path), "error": words})
    except NapariUnetError as error:
        failed.append({"image": str(path), "error": about(path, str(error))})


def _plan_all(
    paths: Iterable[Path], ask: Callable[[str], Task], *, as_json: bool
) -> None:
    plans: list[Planned] = []
    failed: list[dict[str, str]] = []
    for path in paths:
        with _failing(path, failed):
            task = ask(str(path))
            _tell_guess(path, task)
            plans.append(replace(large.plan_in_short(task), image=str(path)))
    for bad in failed:
        say(bad["error"])
    report([asdict(p) for p in plans], map(_planned, plans), as_json=as_json)
    hindered = [(p.image, words) for p in plans for words in p.hindrances]
    for image, words in hindered:
        say(f"{image}: it could not begin now: {words}")
    if failed or hindered:
        raise typer.Exit(EXIT_MISTAKE)


def _predict_all(
    paths: Iterable[Path], ask: Callable[[str], Task], *, as_json: bool
) -> None:
    written: list[tuple[str, Predicted]] = []
    failed: list[dict[str, str]] = []
    interrupted = False
    for path in paths:
        try:
            with _failing(path, failed):
                written.append((str(path), _predict_one(path, ask)))
        except KeyboardInterrupt:
            say("Interrupted; what is finished is kept: the same command goes on.")
            interrupted = True
            break
    _report(written, failed, interrupted=interrupted, as_json=as_json)


def _predict_one(path: Path, ask: Callable[[str], Task]) -> Predicted:
    with progress_bar() as progress:
        bar = progress.add_task(path.name, total=None)

        def hear(event: object) -> None:
            if isinstance(event, TilesDone):
                progress.update(bar, completed=event.done, total=event.total)
            elif isinstance(event, Notice):
                say(about(path, event.message))

        task = ask(str(path))
        _tell_guess(path, task)
        with closing(large.iter_predict_to(task)) as steps:
            return drain(steps, hear)


def _tell_guess(path: Path, task: Task) -> None:
    guess = guess_in_words(task.axes, task.source.shape)
    if guess is not None:
        say(about(path, guess))


def _report(
    written: list[tuple[str, Predicted]],
    failed: list[dict[str, str]],
    *,
    interrupted: bool,
    as_json: bool,
) -> None:
    for bad in failed:
        say(bad["error"])
    for image, one in written:
        if one.was_there:
            say(f"{image}: {_NOTHING_LEFT}")
        for gap in one.empty:
            say(f"{image}: {gap.region} is empty: {gap.why}")
    result: dict[str, Any] = {
        "written": [{"image": image, **asdict(one)} for image, one in written],
        "failed": failed,
    }
    if interrupted:
        result["interrupted"] = True
    lines = (_in_words(one) for _, one in written)
    report(result, lines, as_json=as_json)
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if failed:
        raise typer.Exit(EXIT_MISTAKE)
    if any(one.empty for _, one in written):
        say(
            "Mend what is said above, and give the same command again: only what is "
            "empty is predicted then."
        )
        raise typer.Exit(EXIT_GAPS)


def _in_words(one: Predicted) -> str:
    words = one.labels
    if one.objects is not None:
        words += f": {counted(one.objects, 'object')}"
    words += f" ({one.computed} of {counted(one.blocks, 'block')} computed now"
    if one.empty:
        words += f", {len(one.empty)} empty"
    return f"{words})"


def _planned(plan: Planned) -> str:
    shape = " x ".join(map(str, plan.shape))
    block = " x ".join(map(str, plan.block))
    zoom = "measured when it begins" if plan.zoom is None else f"{plan.zoom:.2f}"
    return (
        f"{plan.image} ({shape}, {plan.axes}) -> {plan.labels}\n"
        f"  {counted(plan.blocks, 'block')} of {block} pixels at most, in "
        f"{counted(plan.chunks, 'chunk')}; {plan.missing} to be computed\n"
        f"  zoom for the network: {zoom}\n"
        f"  about {in_words(plan.disk)} on the disk while it runs, and "
        f"{in_words(plan.memory)} of memory for each worker"
    )
