"""What a run gives: quality on images that were never opened, against what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.annotator.kinds import Image
from benchmarks.annotator.learner import Learner
from napari_unet.scores.metrics import evaluate, pool


@dataclass(frozen=True, slots=True)
class Quality:
    """Scores pooled over the images that judge."""

    ap50: float
    ap75: float
    msa: float
    dice: float


@dataclass(frozen=True, slots=True)
class Point:
    """How good it was after a round, and what that had cost.

    Parameters
    ----------
    seconds : float
        Of the robot's clock, with all waiting.
    corrected : int
        Objects that were painted, merged, split or erased when Fine-tune was pressed;
        the robot goes on while the machine learns.
    verified : int
        Objects that the robot stood behind then, those that it only accepted too.
    steps : int
        Of training.
    wall : float
        Seconds that the machine has really computed for it.
    """

    seconds: float
    corrected: int
    verified: int
    steps: int
    wall: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class Run:
    """One robot, one learner, one kind of images."""

    kind: str
    learner: str
    seed: int
    first: str
    points: tuple[Point, ...]

    @property
    def worst_drop(self) -> float:
        """How much AP50 fell at most from one round to the next."""
        found = [point.quality.ap50 for point in self.points]
        return max((a - b for a, b in pairwise(found)), default=0.0)

    def at(self, corrected: int) -> Point:
        """Return the last point that had cost at most so many corrections."""
        return [p for p in self.points if p.corrected <= corrected][-1]

    def save(self, folder: Path) -> Path:
        """Write it as JSON into a folder."""
        path = folder / f"{self.kind} {self.learner} {self.seed}.json"
        path.write_bytes(_RUN.dump_json(self, indent=1))
        return path


_RUN = TypeAdapter(Run)


def read_runs(folder: Path) -> list[Run]:
    """Read all runs of a folder, by name."""
    return [
        _RUN.validate_json(path.read_bytes()) for path in sorted(folder.glob("*.json"))
    ]


def judge(learner: Learner, images: tuple[Image, ...]) -> Quality:
    """Compare what is live with the truth of images."""
    pooled = pool(
        [evaluate(each.truth, learner.predict(each)) for each in images]
    ).pooled
    return Quality(pooled.ap["0.50"], pooled.ap["0.75"], pooled.msa, pooled.dice)
