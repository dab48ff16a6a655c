"""Futures of dask as they are finished, and what is told when nobody works on them."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from napari_unet.core.events import Notice
from napari_unet.errors import InputError

_LOOK_EVERY_S = 10

_PATIENCE_ALONE_S = 900
"""Queues of a computing centre take workers away, and give others."""

_BEAT_S = 0.05


def count_workers(client: Any) -> int:
    """Return how many workers a scheduler has."""
    return len(client.scheduler_info(n_workers=-1)["workers"])


def none_of_others(client: Any) -> str:
    """Say that a scheduler has no workers, and what to do."""
    address = client.scheduler.address
    return (
        f"The scheduler {address!r} has no workers; start some: dask worker {address}"
    )


def iter_finished(client: Any, completed: Any) -> Generator[Any | Notice, None, None]:
    """Yield futures as they are finished, or a Notice that no worker is left.

    The library waits for ever then, and says nothing. Raises an InputError if none
    comes for a quarter of an hour.
    """
    looked, alone_since = time.monotonic(), None
    while completed.count():
        if completed.has_ready():
            yield next(completed)
            continue
        time.sleep(_BEAT_S)
        now = time.monotonic()
        if now - looked < _LOOK_EVERY_S:
            continue
        looked = now
        if count_workers(client):
            alone_since = None
        elif alone_since is None:
            alone_since = now
            yield Notice(
                f"{none_of_others(client)}. What was begun waits for them; what is "
                "finished stays, and the same command goes on with it."
            )
        elif now - alone_since > _PATIENCE_ALONE_S:
            raise InputError(f"{none_of_others(client)}. What is finished stays.")
