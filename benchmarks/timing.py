"""Time several ways of doing one thing, in turn, so that a busy spell hits them all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import torch

from benchmarks.report import Row

Run = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """How runs are timed.

    Parameters
    ----------
    device : torch.device
        Waited for before and after every run.
    rounds : int
        How often each run is timed.
    busy : bool
        Count the seconds that this process computed instead of those that passed:
        for a machine that also does other things. Meaningful with one thread alone,
        because threads that wait for each other count as computing.
    """

    device: torch.device
    rounds: int
    busy: bool = False

    def seconds_of(self, run: Run) -> float:
        """Return how long one run takes, until the device is idle again."""
        clock = time.process_time if self.busy else time.perf_counter
        synchronize(self.device)
        start = clock()
        run()
        synchronize(self.device)
        return clock() - start

    def describe(self) -> str:
        """Return what was counted and how busy the machine is."""
        counted = "seconds of computing, one thread" if self.busy else "elapsed time"
        return f"{counted}, {self.rounds} rounds in turn. {load()}"


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of every run in every round.

    Parameters
    ----------
    seconds : dict
        Name to seconds, one entry per round; the first name is the reference.
    """

    seconds: dict[str, list[float]]

    @property
    def reference(self) -> str:
        """Name of what the others are compared with."""
        return next(iter(self.seconds))

    def ratio(self, name: str, reference: str | None = None) -> float:
        """Return the median over rounds of time divided by a reference's time.

        Both were measured within one round, so a slow spell of the machine cancels.
        """
        others = self.seconds[reference or self.reference]
        pairs = zip(self.seconds[name], others, strict=True)
        return median(own / other for own, other in pairs)

    def rows(self) -> list[Row]:
        """Return one row per name: median and fastest in milliseconds, ratio."""
        return [
            {
                "what": name,
                "median ms": 1000 * median(seconds),
                "fastest ms": 1000 * min(seconds),
                "ratio": self.ratio(name),
            }
            for name, seconds in self.seconds.items()
        ]


def interleave(runs: Mapping[str, Run], watch: Stopwatch, warm_up: int = 1) -> Timings:
    """Time the runs in turn (A, B, C, A, B, C, ...).

    Parameters
    ----------
    runs : mapping
        What to time, by name; the first is the reference.
    watch : Stopwatch
        How to time it.
    warm_up : int
        Rounds that are thrown away: kernels are chosen and memory is taken there.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(warm_up + watch.rounds):
        for name, run in runs.items():
            spent = watch.seconds_of(run)
            if number >= warm_up:
                seconds[name].append(spent)
    return Timings(seconds)


def synchronize(device: torch.device) -> None:
    """Wait for a device that works asynchronously."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def load() -> str:
    """Return how busy the machine is: elapsed times from a busy one mean little."""
    if not hasattr(os, "getloadavg"):
        return "The machine's load is unknown."
    average, cores = os.getloadavg()[0], os.cpu_count()
    return f"Load average {average:.1f} on {cores} cores, this benchmark included."
