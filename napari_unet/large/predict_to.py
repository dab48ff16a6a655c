"""Predict images that are larger than memory into files: the whole way.

How it flows: the image is opened (`image`), and its statistics and the size of its
objects are looked at once (`sight`); both are kept in the run's folder (`folder`). Its
blocks are predicted in shares (`work`) here or by workers (`engine`). When all are
there, objects get their ids (`numbering`), and the result is written and put in its
place (`result`). Whatever ends it, the next call goes on with what is missing.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

import napari_unet
from napari_unet.core.atomic import told_in_words
from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import drain_logged, mapped, told_as
from napari_unet.errors import InputError
from napari_unet.exports.label_zarr import LabelZarr
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.stitching import Numbering
from napari_unet.io.pairing import stem_of
from napari_unet.large.before import iter_see
from napari_unet.large.claim import claimed
from napari_unet.large.crew import Crew
from napari_unet.large.engine import Engine
from napari_unet.large.image import fit_source
from napari_unet.large.numbering import iter_number
from napari_unet.large.own_worker import leave_where_read_again
from napari_unet.large.result import (
    OutputFormat,
    box_in_result,
    empty_zarr,
    iter_write,
)
from napari_unet.large.run import Run, planned, predictor_for
from napari_unet.large.settings import Settings
from napari_unet.large.task import CHUNK, Task, ask
from napari_unet.large.there import begun, finished, identity_of, refuse_full
from napari_unet.large.work import shares
from napari_unet.project import FileLock
from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the image that could not be predicted, and is empty.

    Attributes
    ----------
    block : int
        Its number.
    region : str
        Where it lies, in the axes of the result.
    why : str
        What happened, in words.
    """

    block: int
    region: str
    why: str


@dataclass(frozen=True, slots=True)
class Predicted:
    """What came of a prediction.

    Attributes
    ----------
    labels : str
        The file, or folder.
    objects : int or None
        How many there are, where there are objects.
    blocks, computed : int
        Of the whole image, and those that were computed by this call.
    empty : tuple of Gap
        What could not be predicted; the same call tries it again.
    notes : tuple of str
        What was made of the image, or left out.
    was_there : bool
        Whether an earlier call had written all of it.
    """

    labels: str
    objects: int | None
    blocks: int
    computed: int
    empty: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    was_there: bool = False


def iter_predict_to(task: Task) -> Generator[PredictEvent, None, Predicted]:
    """Predict step by step; closing it leaves what the next call goes on with."""
    with closing(task):
        return (yield from _iter_predict(task))


def _iter_predict(task: Task) -> Generator[PredictEvent, None, Predicted]:
    own = identity_of(task)
    if (note := finished(task, own)) is not None:
        _clear(task, own)
        path, objects, blocks = str(task.place.path), note["objects"], note["blocks"]
        return Predicted(path, objects, blocks, 0, was_there=True)
    # What does not fit is refused before anything is made.
    fitted = fit_source(
        task.source, task.settings.axes, task.settings.channel, task.model
    )
    with claimed(task.place.path) as lock:
        steps = _iter_run(task, own, *fitted)
        return (yield from mapped(partial(_counted_up, lock), steps))


def _clear(task: Task, own: str) -> None:
    """Remove what somebody has left who was killed at the very end."""
    seen = task.folder.read()
    if seen is None or seen.identity == own:
        # Another one may just begin to replace the result.
        with suppress(InputError), claimed(task.place.path):
            task.folder.remove()


def _counted_up(lock: FileLock, event: PredictEvent) -> PredictEvent:
    lock.sync()
    return event


def _iter_run(
    task: Task, own: str, image: CanonicalImage, notes: list[str]
) -> Generator[PredictEvent, None, Predicted]:
    with task.engine.crew() as crew:
        run = yield from _iter_begin(task, own, image, notes, crew)
        before = run.folder.done()
        yield from map(Notice, run.seen.notes)
        if not run.seen.blank:
            yield from _iter_blocks(task, run, crew)
        return (yield from _iter_finish(task, run, before))


def _iter_begin(
    task: Task, own: str, image: CanonicalImage, notes: list[str], crew: Crew
) -> Generator[PredictEvent, None, Run]:
    """Go on with a run that is there, or start one."""
    planar = predictor_for(task.model, task.settings, task.engine.device)
    seen = begun(task, own)
    if seen is None:
        refuse_full(task, image)
        crew.call()
        seen = yield from iter_see(task, image, own, notes)
        task.folder.start(seen, task.model)
    task.folder.forgive()
    predictor, plan = planned(seen, image, task.model, planar)
    return Run(task.folder, seen, task.source, image, predictor, plan)


def _iter_blocks(
    task: Task, run: Run, crew: Crew
) -> Generator[PredictEvent, None, None]:
    """Predict what is missing; note what fails."""
    total = len(run.plan.blocks)
    missing = set(range(total)) - run.folder.done()
    done = total - len(missing)
    yield TilesDone(done, total)
    work = shares(run.plan, task.chunk, missing)
    for outcome in crew.iter_work(run, work) if work else ():
        if isinstance(outcome, Notice):
            yield outcome
            continue
        for number, why in outcome.failed.items():
            run.folder.fail(number, why)
        done += len(outcome.numbers) + len(outcome.failed)
        yield TilesDone(done, total)


def _iter_finish(
    task: Task, run: Run, before: set[int]
) -> Generator[PredictEvent, None, Predicted]:
    """Give objects their ids, write the result, and put it in its place."""
    plan, folder, done = run.plan, run.folder, run.folder.done()
    end = TilesDone(len(plan.blocks), len(plan.blocks))
    numbering: Numbering | None = None
    if plan.objects:
        steps = iter_number(folder, plan, done, link=plan.planar)
        numbering = yield from told_as(end, steps)
    labels = empty_zarr(
        folder,
        plan,
        run.image.axes,
        _dtype(run, task),
        task.values,
    )
    size = task.pixel_size
    with told_in_words(labels.folder):
        labels.create(stem_of(task.place.path), size)
    written = iter_write(
        folder, plan, run.image.axes, done=done, numbering=numbering, labels=labels
    )
    yield from told_as(end, written)
    empty = _gaps(run)
    found = Predicted(
        str(task.place.path),
        None if numbering is None else numbering.count,
        len(plan.blocks),
        len(done - before),
        empty,
        run.seen.notes,
    )
    said = _said(task, run, found, labels)
    labels.note(said)
    yield from told_as(end, task.place.iter_move_in(labels, size, said))
    if not empty:
        folder.remove()
    return found


def _said(task: Task, run: Run, found: Predicted, labels: LabelZarr) -> dict[str, Any]:
    """Return what a result says of where it comes from."""
    return {
        "version": napari_unet.__version__,
        "identity": run.seen.identity,
        "image": task.path,
        "model": task.model_name,
        "device": task.engine.device,
        "seen": run.seen.model_dump(mode="json"),
        "thresholds": run.plan.spec.decoding.model_dump(mode="json"),
        "objects": found.objects,
        "blocks": found.blocks,
        "axes": labels.axes,
        "shape": labels.shape,
        "dtype": labels.kind,
        "labels": labels.labels,
        "empty": [asdict(gap) for gap in found.empty],
    }


def _gaps(run: Run) -> tuple[Gap, ...]:
    found = []
    for number, why in run.folder.failed().items():
        block = run.plan.blocks[number]
        box = box_in_result(block.in_result(block.core), run.image.axes)
        letters = "".join(a for a in "TZYX" if a in run.image.axes)
        spans = zip(letters, box.start, box.stop, strict=True)
        found.append(Gap(number, ", ".join(f"{a} {b}:{c}" for a, b, c in spans), why))
    return tuple(found)


def _dtype(run: Run, task: Task) -> str:
    if task.values is not None:
        return "float32"
    return "int32" if run.plan.objects else "uint8"


def predict_to(
    image: str | Path | npt.NDArray[Any] | ImageSource,
    model: Model,
    out: str | Path,
    *,
    name: str | None = None,
    output_format: OutputFormat = "ome-zarr",
    axes: str | None = None,
    channel: str | None = None,
    device: str = "auto",
    probabilities: bool = False,
    rotations: bool = False,
    full_precision: bool = False,
    diameter: float | None = None,
    pixel_size: float | None = None,
    chunk: int = CHUNK,
    workers: int | None = None,
    scheduler: str | None = None,
    overwrite: bool = False,
) -> Predicted:
    """Predict an image that may be larger than memory, into a file.

    A prediction that was interrupted is gone on with: call it again.

    Parameters
    ----------
    image : str, Path, array_like or ImageSource
        A file, a zarr folder, or an address of one; an array, such as of dask, zarr or
        xarray, which is read by regions where it can be; or what reads regions.
    model : Model
        From `load_model`.
    out : str or Path
        The folder where the result goes.
    name : str, optional
        Of the result, without a suffix; that of the image where it is missing.
    output_format : {"ome-zarr", "tiff"}
        An OME-Zarr with a pyramid, its labels in `labels/cells`; or a tiled BigTIFF.
    axes, channel, device, probabilities, rotations, full_precision : optional
        As in `predict`.
    diameter, pixel_size : float, optional
        As in `predict`.
    chunk : int
        Extent of what is one piece of work, in pixels. Labels do not depend on it.
    workers : int, optional
        Processes on this machine; this one alone where it is missing.
    scheduler : str, optional
        The address of a scheduler of dask, whose workers reach the image and `out`.
    overwrite : bool
        Whether a result that is there is replaced.

    Returns
    -------
    Predicted
        Where the result is, what is in it, and which parts of it are empty because
        they could not be predicted.

    Raises
    ------
    InputError
        If the image does not fit, or there is a result of another image or model.
    StorageError
        If it cannot be written; what is finished stays, and is gone on with.
    """
    if workers is not None:
        leave_where_read_again()
    task = ask(
        image,
        model,
        Path(out),
        name=name,
        output_format=output_format,
        settings=Settings(
            axes=axes,
            channel=channel,
            probabilities=probabilities,
            rotations=rotations,
            full_precision=full_precision,
            diameter=diameter,
            pixel_size=pixel_size,
        ),
        chunk=chunk,
        engine=Engine(workers, scheduler, device),
        overwrite=overwrite,
    )
    return drain_logged(iter_predict_to(task))
