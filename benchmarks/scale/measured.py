"""A command with all processes that it starts: time, computing, memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

# Each look takes ten milliseconds a process, from workers that fill all cores.
_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took.

    Attributes
    ----------
    seconds, computing : float
        By the clock, and of all processors.
    memory : int
        Bytes at most, of all processes; what several share is counted once.
    code : int
        How it ended.
    """

    seconds: float
    computing: float
    memory: int
    code: int
    out: str


def run(
    arguments: Sequence[object],
    at_each: Callable[[psutil.Process], None] = lambda _: None,
) -> Measured:
    """Run `napari-unet` and watch it; `at_each` may look at it, or kill it."""
    command = [sys.executable, "-m", "napari_unet", *map(str, arguments)]
    start, memory = time.perf_counter(), 0
    spent: dict[int, float] = {}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for each in _tree(watched):
            with suppress(psutil.Error):
                total += each.memory_full_info().pss
                times = each.cpu_times()
                spent[each.pid] = times.user + times.system
        memory = max(memory, total)
        at_each(watched)
        time.sleep(_EVERY_S)
    out = process.communicate()[0]
    seconds = time.perf_counter() - start
    return Measured(seconds, sum(spent.values()), memory, process.returncode, out)


def _tree(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []
