"""A training that was interrupted goes on, if what it learned from is still the same.

::

    training/start/                  the model that the round started from, its record
    training/run.json                the record of what the round makes: its uuid
    training/training.safetensors    where the round stood, at most half a minute ago
    training/earlier/                a round that does not go on, until its best model
                                     is kept
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from napari_unet import learning, models, weights
from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.core.validation import read_description
from napari_unet.errors import NapariUnetError
from napari_unet.models.record import (
    LARGEST_RECORD,
    ModelRecord,
    made_by,
    new_record,
    run_record,
    uuid_of,
)
from napari_unet.tasks.sample import Sample

if TYPE_CHECKING:
    from napari_unet.learning.config import Checkpointing, FitConfig
    from napari_unet.weights.model import Model

_CHECKPOINT = "training.safetensors"
_START = "start"
_RUN = "run.json"
_EARLIER = "earlier"


@dataclass(frozen=True, slots=True, eq=False)
class Interruption:
    """A training that came to no end.

    `best` is its best model, where that was better than its start; `record` is of that
    model and names the run.
    """

    steps: int
    best: Model | None
    record: ModelRecord

    def describe(self) -> str:
        """Return what a person should know of it."""
        return (
            f"A training was interrupted after step {self.steps}. Fine-tune goes on "
            "with it if nothing was corrected since, or else from the best model."
        )


@dataclass(frozen=True, slots=True, eq=False)
class RoundStart:
    """What a round of training starts with.

    `record` is of what it makes: its parent and its run. To the minutes of `config`,
    time that was `spent` before an interruption is added, in seconds.
    """

    model: Model
    record: ModelRecord
    config: FitConfig
    checkpoint: Checkpointing | None
    spent: float = 0.0


def find_interruption(folder: Path) -> Interruption | None:
    """Return what a training left in its folder; None if it left nothing usable."""
    path = folder / _CHECKPOINT
    if not path.exists():
        return None
    try:
        state = learning.read_header(path)
        best = learning.read_best_model(path) if state.best_step else None
    except NapariUnetError:
        return None
    measured = state.best_step, state.best_score, state.start_score
    began = _read_run(folder)
    if began is None:
        # An older version of the program wrote no record.
        unknown = uuid_of("interrupted", state.steps, *measured)
        began = new_record().model_copy(update={"run": unknown})
    return Interruption(state.steps, best, made_by(began, *measured))


def find_earlier(folder: Path) -> list[Interruption]:
    """Return the rounds that were set aside and whose best models are not kept yet."""
    every = sorted((folder / _EARLIER).glob("*/"))
    found = [find_interruption(each) for each in every if not each.is_symlink()]
    return [each for each in found if each is not None]


def remove_earlier(folder: Path, kept: Collection[UUID]) -> None:
    """Remove rounds that were set aside and whose best models are kept now."""
    for each in (folder / _EARLIER).glob("*/"):
        found = find_interruption(each)
        if found is not None and found.record.uuid in kept:
            shutil.rmtree(each, ignore_errors=True)


def _set_aside(folder: Path) -> None:
    """Keep the best model of a round of which nothing goes on, if it has one."""
    found, path = find_interruption(folder), folder / _CHECKPOINT
    if found is not None and found.best is not None:
        aside = folder / _EARLIER / str(uuid4())
        with told_in_words(aside):
            aside.mkdir(parents=True)
            if (folder / _RUN).exists():
                shutil.copy2(folder / _RUN, aside)
            path.replace(aside / _CHECKPOINT)
    learning.remove_checkpoint(path)


def start_round(
    model: Model, config: FitConfig, folder: Path | None, start: ModelRecord
) -> RoundStart:
    """Start a round, and write down what is needed to go on with it after a crash.

    A StorageError says that it cannot be written.
    """
    run = run_record(start)
    if folder is None:
        return RoundStart(model, run, config, None)
    _set_aside(folder)
    weights.save_model(model, folder / _START, overwrite=True, record=start)
    text = run.model_dump_json(exclude_none=True).encode()
    write_atomically(folder / _RUN, lambda file: file.write(text))
    return RoundStart(model, run, config, learning.Checkpointing(folder / _CHECKPOINT))


def _read_run(folder: Path) -> ModelRecord | None:
    return read_description(folder / _RUN, ModelRecord, most_bytes=LARGEST_RECORD)


def iter_resume_round(
    config: FitConfig, folder: Path, samples: Sequence[Sample], replay: Sequence[Sample]
) -> Generator[None, None, RoundStart | None]:
    """Return where an interrupted round goes on; None if it learned from other work."""
    path = folder / _CHECKPOINT
    try:
        start, state = weights.load_model(folder / _START), learning.read_header(path)
        yield
        learning.read_best_model(path)  # which looks at every byte
    except NapariUnetError:
        return None
    now = yield from learning.iter_fingerprint(start, samples, replay)
    if learning.differences(state.fingerprint, now, state.config, config):
        return None
    if config.minutes is not None:
        minutes = config.minutes + state.seconds / 60
        config = config.model_copy(update={"minutes": minutes})
    run = _read_run(folder) or run_record(models.read_record(folder / _START))
    go_on = learning.Checkpointing(path, resume="always")
    return RoundStart(start, run, config, go_on, state.seconds)
