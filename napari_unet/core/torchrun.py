"""Whether torchrun started this process with others, as its environment tells."""

from __future__ import annotations

import os
from collections.abc import Mapping

_TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def count_processes(told: Mapping[str, str] = os.environ) -> int:
    """Return how many processes train together, of which this is one; or else 1.

    Systems that start jobs set some of these names too, but not all of them.
    """
    return int(told["WORLD_SIZE"]) if all(name in told for name in _TOLD) else 1


def place_on_machine(told: Mapping[str, str] = os.environ) -> int:
    """Return which of the processes on this machine it is, from 0."""
    return int(told.get("LOCAL_RANK", "0"))
