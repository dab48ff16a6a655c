"""Training on a terminal: its place, progress, Ctrl+C, and what is kept of it."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

from napari_unet import inference, learning, models, nets, project, tasks, weights
from napari_unet.cli.console import progress_bar, say
from napari_unet.core.events import Notice, TrainStep, Validated
from napari_unet.core.jobs import drain
from napari_unet.errors import (
    InputError,
    ModelError,
    NapariUnetError,
    StorageError,
    TrainingError,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.learning.config import FitConfig
    from napari_unet.learning.events import FitEvent
    from napari_unet.learning.team import Team
    from napari_unet.models.record import ModelRecord
    from napari_unet.tasks.sample import Sample
    from napari_unet.weights.model import Model


_MEASURED = 1024
_CHECKPOINT_SECONDS = 30.0
_LONGEST_NAME = 60
_LONGEST_HIDDEN_NAME = 200


def checkpoint_path(out: Path) -> Path:
    """Return where the training of a model keeps its state: hidden, beside it."""
    folder = out.resolve()
    name = folder.name
    if len(name.encode()) > _LONGEST_HIDDEN_NAME:
        name = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return folder.parent / f".{name}.training.safetensors"


@contextmanager
def claimed(out: Path) -> Iterator[project.FileLock]:
    """Keep the place of a model for one training, until that has saved it.

    The lock is to be counted up (`sync`) now and then, so that other machines see it.
    """
    lock = project.FileLock(checkpoint_path(out).with_suffix(".lock"))
    if other := lock.take():
        raise InputError(
            f"Another training is making {out} right now ({other.describe()}, "
            f"process {other.pid}); wait until it has ended, or choose another --out."
        )
    try:
        yield lock
    finally:
        lock.release()


def refuse_finished(out: Path) -> None:
    """Refuse to go on with a training whose model is there, and nothing else."""
    if (out / models.SPEC_FILE).is_file() and not checkpoint_path(out).exists():
        raise InputError(
            f"The training of {out} is finished, and nothing was done; learn more from "
            f"there with --from {out} and another --out, or replace it with "
            "--overwrite instead of --resume."
        )


def plan_checkpoint(out: Path, *, resume: bool, overwrite: bool) -> Path:
    """Return where to keep the state; refuse what contradicts one that is there."""
    path = checkpoint_path(out)
    there = path.exists()
    if resume and not there:
        raise InputError(
            f"There is no interrupted training of {out} to go on with; leave --resume "
            "away to start one."
        )
    if there and not resume and not overwrite:
        raise InputError(_found(path, out))
    return path


def _found(path: Path, out: Path) -> str:
    try:
        step = learning.read_header(path).steps
    except (ModelError, StorageError):
        return (
            f"Found an interrupted training of {out} that cannot go on, because {path} "
            "is damaged or of another version; start anew with --overwrite."
        )
    return (
        f"Found a training of {out} interrupted at step {step}; go on with --resume, "
        "or start anew with --overwrite."
    )


@dataclass(frozen=True, slots=True)
class Trained:
    """The best model so far, and whether training ran to its end.

    Or else what ended it, in words.
    """

    model: Model
    steps: int
    seconds: float
    score: dict[str, float]
    start_score: float = math.nan
    interrupted: bool = False
    failure: TrainingError | None = None


def run_training(
    model: Model,
    samples: list[Sample],
    config: FitConfig,
    path: Path,
    *,
    replay: Sequence[Sample] = (),
    resume: bool,
    team: Team,
    on_event: Callable[[], object],
) -> Trained | None:
    """Train to the end, to Ctrl+C or until that cannot go on, whichever comes first.

    Returns None after a Ctrl+C before anything was better than the start.

    The state is kept in the file `path`, for a training that is killed. It is to be
    removed when the model is saved. `on_event` is called several times a second.
    """
    best: learning.ModelImproved | None = None
    seconds, start_score = 0.0, math.nan
    checkpoint = learning.Checkpointing(
        path, _CHECKPOINT_SECONDS, "always" if resume else "never"
    )
    events = learning.iter_fit(
        model, samples, config, replay=replay, checkpoint=checkpoint, team=team
    )
    with progress_bar() as progress:
        total = config.steps or 60 * (config.minutes or 0)
        task = progress.add_task("train", total=total)

        def hear(event: FitEvent) -> None:
            nonlocal best, seconds, start_score
            if isinstance(event, learning.ModelImproved):
                best = event
            elif isinstance(event, TrainStep):
                seconds = event.seconds
                done = event.step if config.steps else seconds
                words = f"step {event.step}, loss {event.loss:.3f}"
                progress.update(task, completed=done, description=words)
            elif isinstance(event, Validated):
                start_score = event.start_score
                pixels = "held-out pixels" if event.held_out else "pixels that train"
                say(f"step {event.step}: agreement with {pixels} {event.score:.3f}")
            elif isinstance(event, Notice):
                say(event.message)
            on_event()

        try:
            end = drain(events, hear)
        except KeyboardInterrupt:
            if best is None:
                say("Interrupted before anything was better; no model was saved.")
                learning.remove_checkpoint(path)
                return None
            return _stopped(best, seconds, start_score, interrupted=True)
        except TrainingError as error:
            if best is None:
                raise
            return _stopped(best, seconds, start_score, failure=error)
    score = {"agreement": end.score, "agreement_before": end.start_score}
    return Trained(end.model, end.steps, end.seconds, score, end.start_score)


def follow_training(
    model: Model,
    samples: Mapping[Path, Sample],
    config: FitConfig,
    out: Path,
    replay: Sequence[Sample],
    team: Team,
    *,
    resume: bool,
) -> None:
    """Train with the leader of several processes, which keeps and tells everything."""
    state = checkpoint_path(out)
    checkpoint = learning.Checkpointing(state, resume="always" if resume else "never")
    given = list(samples.values())
    options: dict[str, Any] = {"checkpoint": checkpoint, "team": team}
    with suppress(TrainingError):  # so it ends for the leader, who tells it
        drain(learning.iter_fit(model, given, config, replay=replay, **options))


def _stopped(
    best: learning.ModelImproved,
    seconds: float,
    start_score: float,
    *,
    interrupted: bool = False,
    failure: TrainingError | None = None,
) -> Trained:
    """Return the best model of a training that did not come to its end."""
    return Trained(
        best.model,
        best.step,
        seconds,
        {"agreement": best.score},
        start_score,
        interrupted,
        failure,
    )


def save_trained(
    trained: Trained,
    out: Path,
    samples: Sequence[Sample],
    start: ModelRecord | None,
    notes: models.TrainingNotes,
    path: Path,
    *,
    overwrite: bool,
) -> Path:
    """Save the best model, with what it was trained on and from which start.

    One of the samples measures what tiles change where they are not exact. Returns
    where it is: in `out`, or elsewhere where that cannot be written any more. The
    training's state in `path` is removed when the model is on the disk.
    """
    old = _with_tiling(trained.model, samples[0]).spec
    data = notes.data
    origin = f"{data}, starting from {old.name!r}" if old.card.data else data
    card = models.ModelCard(data=origin, score=trained.score)
    name = Path(os.path.realpath(out)).name[:100]
    spec = old.model_copy(update={"name": name, "card": card})
    model = weights.Model(spec, trained.model.net)
    record = _record(trained, start, samples)
    save = partial(weights.save_model, model, record=record, training=notes)
    saved = _save_somewhere(save, out, overwrite=overwrite)
    learning.remove_checkpoint(path)
    return saved


def _record(
    trained: Trained, start: ModelRecord | None, samples: Sequence[Sample]
) -> ModelRecord:
    """Return what the model is: a child of its start, made by a run of its own."""
    made = models.made_by(
        models.run_record(start),
        trained.steps,
        trained.score["agreement"],
        trained.start_score,
    )
    objects: int | None = None
    if tasks.task_of(trained.model.spec).labels.objects:
        ids = (np.unique(_verified(each)) for each in samples)
        objects = sum(int(np.count_nonzero(each)) for each in ids)
    pixels = sum(_verified(each).size for each in samples)
    learned = {"seconds": trained.seconds, "pixels": pixels, "objects": objects}
    return made.model_copy(update=learned)


def _verified(sample: Sample) -> NDArray[Any]:
    """Return the labels that are trusted, one after the other."""
    if sample.verified is None:
        return sample.labels.reshape(-1)
    trusted = np.broadcast_to(sample.verified > 0, sample.labels.shape)
    return sample.labels[trusted]


def _save_somewhere(save: Callable[..., None], out: Path, *, overwrite: bool) -> Path:
    """Save a model where it is wished, or else where it can be; say so."""
    try:
        save(out, overwrite=overwrite)
        return out
    except NapariUnetError as error:
        reason = error
    for place in _other_places(out):
        try:
            save(place)
        except NapariUnetError:
            continue
        say(f"{reason} The trained model is kept in {place} instead.")
        return place
    raise StorageError(
        f"{reason} It could not be kept elsewhere either; make room, then go on "
        "with --resume."
    ) from reason


def _other_places(out: Path) -> Iterator[Path]:
    """Return places that are free: beside it, with the person's data, for the moment.

    A new name in each, so that nothing is replaced.
    """
    name = f"{out.absolute().name[:_LONGEST_NAME]}-{secrets.token_hex(3)}"
    data = platformdirs.user_data_path("napari-unet", appauthor=False)
    yield out.absolute().with_name(name)
    yield data / "models" / name
    with suppress(OSError):  # some machines have no such folder
        yield Path(tempfile.gettempdir()) / name


def _with_tiling(model: Model, sample: Sample) -> Model:
    if model.net.exact_tiling:
        return model
    plane = learning.annotated_planes(sample, model)[0].image
    execution = nets.choose_execution(nets.resolve_device("cpu"))
    return inference.with_tiling(model, plane[..., :_MEASURED, :_MEASURED], execution)
