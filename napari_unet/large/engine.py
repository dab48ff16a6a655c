"""Who does the work: this process, or the workers of `dask.distributed`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from napari_unet.large.crew import Crew, Here
from napari_unet.large.workers import Workers


@dataclass(frozen=True, slots=True)
class Engine:
    """Where shares are predicted.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine, with a thread each.
    scheduler : str, optional
        The address of a scheduler of dask, which has workers.
    device : str
        Where networks compute.
    """

    workers: int | None = None
    scheduler: str | None = None
    device: str = "auto"

    @contextmanager
    def crew(self) -> Iterator[Crew]:
        """Return who does the work; they leave at the end."""
        if self.workers is None and self.scheduler is None:
            yield Here()
            return
        with closing(Workers(self.workers, self.scheduler, self.device)) as workers:
            yield workers
