"""Tables and plots of many runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from benchmarks.annotator.curves import Run
from benchmarks.annotator.everything import EVERYTHING
from benchmarks.report import Report, Row

_CORRECTIONS = (50, 100, 150)
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_DRAWS = 2000
_NOTES = (
    "Means of seeds; the 95 % interval of the mean at the end is drawn from the seeds.",
    "Of full: the mean at the end as a share of what full supervision ends with.",
    "The drop is the largest from one round to the next, of any seed and of the mean.",
)


def table(runs: Sequence[Run]) -> Report:
    """Return a row for every kind and learner: means of seeds, and their spread."""
    full = {
        run.kind: run.points[-1].quality.ap50
        for run in runs
        if run.learner == EVERYTHING
    }
    rows = [
        _row([run for run in runs if (run.kind, run.learner) == each], full)
        for each in sorted({(run.kind, run.learner) for run in runs})
    ]
    return Report(
        "AP50 on images that were never opened, against corrected objects",
        rows,
        _NOTES,
    )


def _row(runs: Sequence[Run], full: Mapping[str, float]) -> Row:
    ends = np.array([run.points[-1].quality.ap50 for run in runs])
    low, high = interval(ends)
    row: Row = {"kind": runs[0].kind, "learner": runs[0].learner, "seeds": len(runs)}
    row["before"] = float(np.mean([run.points[0].quality.ap50 for run in runs]))
    for count in _CORRECTIONS:
        row[str(count)] = float(np.mean([run.at(count).quality.ap50 for run in runs]))
    most = full.get(runs[0].kind)
    row["of full"] = f"{ends.mean() / most:.0%}" if most else ""
    row["interval"] = f"{low:.2f} to {high:.2f}"
    row["least, most"] = f"{ends.min():.2f}, {ends.max():.2f}"
    row["AP75"] = float(np.mean([run.points[-1].quality.ap75 for run in runs]))
    row["mSA"] = float(np.mean([run.points[-1].quality.msa for run in runs]))
    row["Dice"] = float(np.mean([run.points[-1].quality.dice for run in runs]))
    row["drop"] = max(run.worst_drop for run in runs)
    row["of mean"] = mean_drop(runs)
    row["s"] = float(np.mean([run.points[-1].seconds for run in runs]))
    row["steps"] = float(np.mean([run.points[-1].steps for run in runs]))
    row["wall s"] = float(np.mean([run.points[-1].wall for run in runs]))
    return row


def interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by drawing again from the values."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (_DRAWS, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def mean_drop(runs: Sequence[Run]) -> float:
    """Return how much the mean curve falls at most, from one tenth to the next."""
    corrected = max(run.points[-1].corrected for run in runs)
    steps = np.linspace(0, corrected, 11)
    means = [np.mean([run.at(int(n)).quality.ap50 for run in runs]) for n in steps]
    return float(max(np.max(-np.diff(means)), 0.0))


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw the curves of one kind: every seed thin, the mean of a learner thick."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for learner, colour in zip(
        sorted({run.learner for run in runs}), _COLOURS, strict=False
    ):
        own = [run for run in runs if run.learner == learner]
        for run in own:
            found = [point.quality.ap50 for point in run.points]
            costs = [(p.corrected, p.seconds / 60) for p in run.points]
            for axes, cost in zip((left, right), zip(*costs, strict=True), strict=True):
                axes.plot(cost, found, color=colour, alpha=0.35, lw=0.8)
        most = max(run.points[-1].corrected for run in own)
        steps = np.arange(0, most + 1, 5)
        means = [np.mean([run.at(int(n)).quality.ap50 for run in own]) for n in steps]
        left.plot(steps, means, color=colour, lw=2, label=learner)
    left.set_xlabel("corrected objects")
    right.set_xlabel("minutes of the robot's clock")
    left.set_ylabel("AP50 on unopened images")
    left.set_ylim(0, 1)
    left.set_title(runs[0].kind, loc="left", fontsize=10)
    left.legend(fontsize=8, frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.2)
    figure.savefig(path, dpi=110)
