"""Let robots correct, and compare ways to learn from what they did.

    python -m benchmarks.annotator --data DIR --out DIR --starts RUN ...

A start is a built-in model, or a run of `training.fit --leave-out`, which is asked for
the kinds that it has not seen. For every kind and seed a robot works with the program's
own way; the others learn from the same corrections. A JSON file a run, and a plot a
kind; runs that are there are not run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.annotator.ablations import ABLATIONS
from benchmarks.annotator.curves import Run, read_runs
from benchmarks.annotator.everything import EVERYTHING, supervise
from benchmarks.annotator.kinds import BAR_KINDS, read_kind
from benchmarks.annotator.learner import Learner, UNetLearner, variant
from benchmarks.annotator.play import Plan, Play, replay
from benchmarks.annotator.rivals import (
    DenseLearner,
    ForestLearner,
    RootPainterLearner,
)
from benchmarks.annotator.summary import draw, table
from benchmarks.report import show
from napari_unet.learning.config import FitConfig
from napari_unet.weights.model import Model
from training.few import start_of, unseen

OURS = "ours"

RIVALS: dict[str, Callable[[Model, FitConfig], Learner]] = {
    "dense": lambda start, config: DenseLearner("dense", start, config),
    "rootpainter": lambda start, config: RootPainterLearner(
        "rootpainter", start, config.steps or 1
    ),
    "forest": lambda *_: ForestLearner("forest"),
}
ASKED_FOR = {**RIVALS, **ABLATIONS}


def iter_play(robot: Play, rivals: Sequence[Learner]) -> Iterator[Run]:
    """Let a robot work, and rivals learn from what it did."""
    yield robot.run()
    for rival in rivals:
        yield replay(robot.kind, robot.lessons, rival, robot.seed)


def name_of(options: argparse.Namespace) -> str:
    """Return what the program's own way is called in tables."""
    return f"{OURS}, where next" if options.telling else OURS


def supervise_all(options: argparse.Namespace) -> None:
    """Find out what full supervision reaches, for every kind where nobody knows."""
    known = {r.kind for r in read_runs(options.out) if r.learner == EVERYTHING}
    for name in options.starts:
        for kind_name in set(unseen(name, options.kinds)) - known:
            kind = read_kind(kind_name, options.data, own=options.own)
            tell(supervise(kind, start_of(name), options.everything), options.out)


def tell(run: Run, folder: Path) -> None:
    """Write a run, and print its curve."""
    path = run.save(folder)
    found = [point.quality.ap50 for point in run.points]
    print(path.name, *(f"{each:.3f}" for each in found), flush=True)


def report(folder: Path) -> None:
    """Print the table of all runs of a folder, and draw their plots."""
    runs = read_runs(folder)
    show(table(runs), Console(width=200))
    for kind in sorted({run.kind for run in runs}):
        draw([run for run in runs if run.kind == kind], folder / f"{kind}.png")


def main(arguments: list[str] | None = None) -> None:
    """Play what was not played, and report everything."""
    options = _parser().parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    plan = Plan(
        options.corrections,
        options.minutes * 60,
        options.each,
        telling=options.telling,
    )
    config = FitConfig(steps=options.steps)
    played = [run for run in read_runs(options.out) if run.learner == name_of(options)]
    done = {(run.kind, run.seed) for run in played}
    if options.everything:
        supervise_all(options)
    for seed in options.seeds:
        for name in options.starts:
            for kind_name in unseen(name, options.kinds):
                if (kind_name, seed) in done:
                    continue
                kind = read_kind(kind_name, options.data, own=options.own)
                start = start_of(name)
                robot = Play(
                    kind, UNetLearner(name_of(options), start, config), plan, seed
                )
                rivals = [ASKED_FOR[each](start, config) for each in options.rivals]
                rivals += [variant(each, start, config) for each in options.variants]
                for run in iter_play(robot, rivals):
                    tell(run, options.out)
    report(options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.annotator", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--starts", nargs="*", default=[])
    parser.add_argument("--kinds", nargs="+", default=list(BAR_KINDS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument(
        "--rivals",
        nargs="*",
        default=list(RIVALS),
        choices=list(ASKED_FOR),
        help="others that learn from the same corrections, or our way altered",
    )
    parser.add_argument(
        "--telling", action="store_true", help="views as the dock shows them, not any"
    )
    parser.add_argument(
        "--own", action="store_true", help="open only what no shipped model has seen"
    )
    parser.add_argument(
        "--variants", nargs="*", default=[], help='such as "slow:learning_rate=0.001"'
    )
    parser.add_argument("--corrections", type=int, default=150)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--each", type=int, default=20, help="objects before training")
    parser.add_argument("--steps", type=int, default=400, help="of every training")
    parser.add_argument(
        "--everything",
        type=int,
        metavar="STEPS",
        help="also train with the truth of all images, for so long",
    )
    parser.add_argument("--threads", type=int, help="that torch computes with")
    return parser


if __name__ == "__main__":
    main()
