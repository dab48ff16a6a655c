"""Batches of random crops, drawn ahead by worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from napari_unet.learning.sampling import Plane, draw_batch
from training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Batches(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """The batch of every step of a recipe: images, targets and weight.

    A step has a random generator of its own. So a run that was stopped goes on with
    equal crops, and it does not matter which process draws them.
    """

    planes: Sequence[Plane]
    probabilities: npt.NDArray[np.float64]
    recipe: Recipe

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        recipe = self.recipe
        rng = np.random.default_rng([recipe.seed, step])
        batch = draw_batch(
            self.planes,
            self.probabilities,
            recipe.extent,
            recipe.batch,
            recipe.augmentation,
            rng,
        )
        return batch.images, batch.targets, batch.weight

    def __len__(self) -> int:
        return self.recipe.steps


def feed(
    batches: Batches, start: int, workers: int, *, pinned: bool
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield the batches from step `start` on.

    Parameters
    ----------
    workers : int
        Processes that draw crops ahead; 0 draws in this one.
    pinned : bool
        Whether the batches lie in memory that a GPU copies quickly.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, len(batches)),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=pinned,
    )
    yield from loader
