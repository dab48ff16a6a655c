"""When a training's checkpoints are written, and whether one is gone on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from napari_unet.core.events import Notice
from napari_unet.errors import InputError, NapariUnetError, StorageError
from napari_unet.learning.checkpoint import (
    Checkpoint,
    TrainingState,
    check_layout,
    read_checkpoint,
    remove_litter,
    write_checkpoint,
)
from napari_unet.learning.fingerprint import Fingerprint, differences
from napari_unet.learning.fit_config import FitConfig
from napari_unet.weights.tensor_file import Layout

Resume: TypeAlias = Literal["never", "if it fits", "always"]

_COST_RATIO = 5


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """Whether and where a training keeps checkpoints.

    Parameters
    ----------
    path : Path
        The file, in a folder that exists. Whoever has saved the result removes it with
        `napari_unet.learning.checkpoint.remove_checkpoint`.
    every_seconds : float
        Time between two checkpoints; a better model is written sooner.
    resume : {"never", "if it fits", "always"}
        Whether to go on where the file says. "if it fits" starts anew, and says so,
        where the file is damaged or belongs to another training, and in silence where
        there is none; "always" refuses.
    """

    path: Path
    every_seconds: float = 30.0
    resume: Resume = "never"


class Keeper:
    """Writes checkpoints now and then; a training never fails because of it.

    Parameters
    ----------
    checkpointing : Checkpointing
        Where and how often.
    fingerprint : Fingerprint
        What the training starts and learns from.
    """

    def __init__(self, checkpointing: Checkpointing, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self._how = checkpointing
        self._written = -math.inf
        self._best_step = -1
        self._cost = 0.0
        self._told = False

    def due(self, best_step: int) -> bool:
        """Return whether it is time to write.

        A better model is written at once, unless writing would then take more than a
        sixth of the time, as it can with a large network on a fast device.
        """
        pause = self._how.every_seconds
        if best_step != self._best_step:
            pause = min(pause, _COST_RATIO * self._cost)
        return time.monotonic() - self._written >= pause

    def iter_write(self, checkpoint: Checkpoint) -> Iterator[Notice]:
        """Write a checkpoint; where that fails, say so once."""
        began = time.monotonic()
        try:
            if math.isinf(self._written):
                remove_litter(self._how.path)
            write_checkpoint(checkpoint, self._how.path)
        except (StorageError, MemoryError) as error:
            if not self._told:
                yield Notice(f"No checkpoint was kept; training goes on. {error}")
            self._told = True
        self._best_step = checkpoint.state.best_step
        self._written = time.monotonic()
        self._cost = self._written - began

    def iter_resume(
        self,
        config: FitConfig,
        layout: tuple[Layout, Layout],
        restore: Callable[[Checkpoint], None],
    ) -> Generator[Notice, None, bool]:
        """Read the checkpoint and restore from it, where that is wanted.

        Parameters
        ----------
        config : FitConfig
            How to train now.
        layout : tuple of Layout
            Tensors that must be there, and those that may be missing.
        restore : callable
            Changes nothing where it raises.

        Returns
        -------
        bool
            Whether the training goes on; False if it starts anew.

        Raises
        ------
        InputError, ModelError, StorageError
            If it must go on and cannot.
        """
        path, resume = self._how.path, self._how.resume
        if resume == "never" or (resume == "if it fits" and not path.exists()):
            return False

        def check(state: TrainingState, found: Layout) -> None:
            self._refuse_other(state, config)
            check_layout(path, found, *layout)

        try:
            checkpoint = read_checkpoint(path, check)
            restore(checkpoint)
        except NapariUnetError as error:
            if resume == "always":
                raise
            yield Notice(f"The training starts anew. {error}")
            return False
        yield Notice(f"The training goes on after step {checkpoint.state.steps}.")
        return True

    def _refuse_other(self, state: TrainingState, config: FitConfig) -> None:
        found = differences(state.fingerprint, self.fingerprint, state.config, config)
        if found:
            raise InputError(
                f"The checkpoint {self._how.path} belongs to a training with "
                f"{', '.join(found)}; give the same ones, or start the training anew."
            )
