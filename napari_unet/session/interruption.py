"""A training that was interrupted goes on, if what it learned from is still the same.

::

    training/start/                  the model that the round started from
    training/training.safetensors    where the round stood, at most half a minute ago
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.core.sample import Sample
from napari_unet.errors import NapariUnetError

if TYPE_CHECKING:
    from napari_unet.engine.model import Model
    from napari_unet.engine.train import Checkpointing, FitConfig

_CHECKPOINT = "training.safetensors"
_START = "start"


@dataclass(frozen=True, slots=True, eq=False)
class Interruption:
    """A training that came to no end.

    Parameters
    ----------
    steps : int
        Steps that it had taken.
    best : Model or None
        Its best model, where that was better than its start.
    score, start_score : float
        Agreement of the two with held-out pixels.
    """

    steps: int
    best: Model | None
    score: float
    start_score: float

    def describe(self) -> str:
        """Return what a person should know of it."""
        return (
            f"A training was interrupted after step {self.steps}. Fine-tune goes on "
            "with it if nothing was corrected since, or else from the best model."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """With what a round of training begins.

    Parameters
    ----------
    model : Model
        Its start.
    config : FitConfig
        How to train; time that was spent before an interruption is added.
    checkpoint : Checkpointing or None
        Where it keeps checkpoints.
    """

    model: Model
    config: FitConfig
    checkpoint: Checkpointing | None


def find_interruption(folder: Path) -> Interruption | None:
    """Return what a training left in its folder; None if it left nothing usable."""
    from napari_unet.engine.checkpoint import read_best_model, read_state

    path = folder / _CHECKPOINT
    if not path.exists():
        return None
    try:
        state = read_state(path)
        best = read_best_model(path) if state.best_step else None
    except NapariUnetError:
        return None
    return Interruption(state.steps, best, state.best_score, state.start_score)


def begin_anew(model: Model, config: FitConfig, folder: Path | None) -> Beginning:
    """Return the beginning of a round, and keep what is needed to go on with it.

    Raises
    ------
    StorageError
        If that cannot be written.
    """
    if folder is None:
        return Beginning(model, config, None)
    from napari_unet.engine.checkpoint import remove_checkpoint
    from napari_unet.engine.train import Checkpointing
    from napari_unet.engine.weights import save_model

    remove_checkpoint(folder / _CHECKPOINT)
    save_model(model, folder / _START, overwrite=True)
    return Beginning(model, config, Checkpointing(folder / _CHECKPOINT))


def iter_begin_where_it_stood(
    config: FitConfig,
    folder: Path,
    samples: Sequence[Sample],
    replay: Sequence[Sample],
) -> Generator[None, None, Beginning | None]:
    """Return where an interrupted round goes on; None if it learned from other work."""
    from napari_unet.engine.checkpoint import read_best_model, read_state
    from napari_unet.engine.fingerprint import differences, iter_fingerprint
    from napari_unet.engine.train import Checkpointing
    from napari_unet.engine.weights import load_model

    path = folder / _CHECKPOINT
    try:
        start, state = load_model(folder / _START), read_state(path)
        yield
        read_best_model(path)  # which looks at every byte
    except NapariUnetError:
        return None
    now = yield from iter_fingerprint(start, samples, replay)
    if differences(state.fingerprint, now, state.config, config):
        return None
    if config.minutes is not None:
        minutes = config.minutes + state.seconds / 60
        config = config.model_copy(update={"minutes": minutes})
    return Beginning(start, config, Checkpointing(path, resume="always"))
