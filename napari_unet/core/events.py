"""What the loops yield: frozen facts, in the order they happen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should read, in words ("memory ran out, ...")."""

    message: str


@dataclass(frozen=True, slots=True)
class TilesDone:
    """Prediction progress: `done` of `total` parts of tiles are finished."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FramesDone:
    """Objects were followed through `done` of `total` frames."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Preparing:
    """What a training learns from is being made ready: planes done, and in all."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TrainStep:
    """One optimiser step: its number from 1, training loss, seconds since the start."""

    step: int
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """An optimiser step changed nothing: its loss or gradient was no number."""

    step: int


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Part of a step is done; yielded so that slow devices can be interrupted."""

    step: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Validated:
    """A score on held-out verified pixels (higher is better, at most 1).

    `best` says whether a model follows that was measured so. Where too few pixels are
    verified for any to be `held_out`, it is a score on those that train.
    """

    step: int
    score: float
    start_score: float
    best: bool
    held_out: bool = True
