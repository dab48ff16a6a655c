"""What a training asks of the processes that share it; one that is alone costs nothing.

Several that torchrun started are in `napari_unet.learning.processes`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

E = TypeVar("E")


class Team:
    """A process that trains alone, and what a training asks of several."""

    rank = 0
    size = 1

    @property
    def leads(self) -> bool:
        """Whether this process measures, keeps, writes and tells."""
        return self.rank == 0

    def connect(self, device: str) -> None:
        """Take a device, and reach the others."""

    def deal(self, total: int, micro: int) -> list[slice]:
        """Return which crops of a step this process computes, those at once together.

        Parameters
        ----------
        total : int
            Crops of a step.
        micro : int
            How many one process computes at once, whose loss has one divisor.
        """
        return [slice(first, first + micro) for first in range(0, total, micro)]

    def iter_as_leader(
        self, steps: Generator[E, None, None]
    ) -> Generator[E, None, None]:
        """Do what one process does for all, which meet it again in the next step."""
        if self.leads:
            yield from steps

    def learner(self, net: nn.Module) -> nn.Module:
        """Return what to call instead of the network, whose weights it learns."""
        return net

    def more_to_come(self, learner: nn.Module) -> AbstractContextManager[object]:
        """Return a context in which gradients are not added up over processes yet."""
        del learner
        return nullcontext()

    def add(self, sums: Tensor) -> Tensor:
        """Add up sums over crops that are computed at once, with their gradients."""
        return sums

    def total(self, number: float) -> float:
        """Add up a number over all processes."""
        return number

    def agree(self, number: float) -> float:
        """Return the number that the leader has."""
        return number

    def is_first_to_tell(self) -> bool:
        """Return whether no other process has told yet why the training ends."""
        return True
