"""Change one thing of a recipe at a time, and see what it is worth.

    python -m training.ablate --data DIR --out runs/ablation
    python -m training.ablate --out runs/ablation --table

Every variant is trained for the same number of steps, once for every fold of groups
that are held out, and scored on familiar pictures and on strangers. A line of JSON a
run goes to `OUT/runs.jsonl`; what is there already is not run again, so the command may
be stopped, and started several times beside itself (`--share 0/2`). The table compares
every variant with a base, run by run with equal fold and seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from napari_unet.learning.sampling import Plane
from training.ablation_table import table
from training.feed import Batches
from training.fit import Resources, batches_of, begin, optimize
from training.pictures import Picture
from training.recipe import RECIPES, Recipe, changed
from training.score import figures_of_runs, score_run, segment_of
from training.splits import FOLDS, read_split

BASE = (
    "architecture.base_channels=16",
    "augmentation.blur=2",
    "augmentation.haze=0",
    "batch=8",
    "memory=0.99",
)
"""What short runs begin with: a smaller network, and nothing that was found here."""

VARIANTS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "24 channels": ("architecture.base_channels=24",),
    "32 channels": ("architecture.base_channels=32",),
    "crops of 256 px": ("crop=256",),
    "haze": ("augmentation.haze=0.6",),
    "clipping": ("augmentation.clip=0.5",),
    "blur up to 4 px": ("augmentation.blur=4",),
    "no blur": ("augmentation.blur=0",),
    "depth 3": ("architecture.depth=3",),
    "depth 5": ("architecture.depth=5",),
    "residual": ("architecture.residual=true",),
    "group norm": ("architecture.norm=group",),
    "no average of weights": ("memory=0",),
    "hardness 2": ("hardness=2",),
    "loss without Dice": ("loss=without Dice",),
    "maps alike everywhere": ("loss=alike everywhere",),
    "squares": ("loss=squares",),
    "distances": (
        'decoding={"kind": "distances", "min_size": 25, "prominence": 0.15}',
    ),
    "usual maps, never zoomed": ("head=usual",),
    "foreground and centre, never zoomed": ("head=centre",),
    "foreground and border, never zoomed": ("head=border",),
    "flows, never zoomed": ("head=flows",),
    "no noise": ("augmentation.noise=0",),
    "no illumination": ("augmentation.illumination=0",),
    "no elastic": ("augmentation.elastic=0",),
    "grey values half as varied": (
        "augmentation.gamma=0.17",
        "augmentation.contrast=0.15",
        "augmentation.offset=0.04",
    ),
    "zoom 0.2": ("augmentation.zoom=0.2",),
    "zoom 0.5": ("augmentation.zoom=0.5",),
    "pictures equally often": ("balance=0",),
    "groups equally often": ("balance=1",),
    "attention": ("architecture.attention=true",),
    "rate 0.001": ("rate=0.001",),
    "rate 0.004": ("rate=0.004",),
    "crops of 128 px": ("crop=128",),
    "all objects zoomed to 18 px": ("diameter=18",),
    "all objects zoomed to 24 px": ("diameter=24",),
}
"""What is changed; the first matter most, in case that time runs out."""

_PLANES = ("head", "decoding", "diameter", "least", "most")
"""What a plane that is ready depends on."""


@dataclass
class Bench:
    """Trains and scores variants, and keeps what they have in common.

    Parameters
    ----------
    args : Namespace
        The command line.
    """

    args: argparse.Namespace
    _pictures: dict[int, list[Picture]] = field(default_factory=dict)
    _planes: dict[tuple[object, ...], Sequence[Plane]] = field(default_factory=dict)

    def run(self, variant: str, fold: int, seed: int) -> dict[str, Any]:
        """Train and score one variant."""
        args = self.args
        steps_and_seed = (f"steps={args.steps}", f"seed={seed}")
        settings = (*BASE, *steps_and_seed, *VARIANTS[variant])
        recipe = changed(RECIPES[args.name], settings)
        out = args.out / f"{variant.replace(' ', '_')}-{fold}-{seed}"
        train = begin(recipe, out, fold)
        begun = time.monotonic()
        batches = self._ready(recipe, fold, train)
        optimize(recipe, batches, out, Resources(args.device, args.workers))
        spent = time.monotonic() - begun
        # Heads are compared as they are: the program zooms the shipped one alone.
        plain = any(setting.startswith("head=") for setting in VARIANTS[variant])
        how = segment_of(out, plain=plain, device=args.device)
        scored = score_run(how, args.data, out, args.pictures)
        found = figures_of_runs([scored], read_split(recipe.data))
        scores = {part: asdict(each) for part, each in found.items()}
        facts = {"variant": variant, "fold": fold, "seed": seed, "steps": recipe.steps}
        return {**facts, "seconds": round(spent), **scores}

    def _ready(self, recipe: Recipe, fold: int, train: list[str]) -> Batches:
        if fold not in self._pictures:
            self._pictures[fold] = recipe.pictures(self.args.data, train)
        key = (fold, *(getattr(recipe, name) for name in _PLANES))
        batches = batches_of(recipe, self._pictures[fold], self._planes.get(key))
        self._planes[key] = batches.planes
        return batches


def runs(args: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Yield what this process has to do, as variant, fold and seed."""
    share, shares = map(int, args.share.split("/"))
    every = [
        (variant, fold, seed)
        for seed in args.seeds
        for variant in args.only or VARIANTS
        for fold in args.folds
    ]
    yield from every[share::shares]


def read_log(out: Path) -> list[dict[str, Any]]:
    """Return what was run."""
    log = out / "runs.jsonl"
    return (
        [json.loads(line) for line in log.read_text().splitlines()]
        if log.exists()
        else []
    )


def check_base(args: argparse.Namespace) -> None:
    """Raise a ValueError if the runs that are there began with something else."""
    recipe = changed(RECIPES[args.name], (*BASE, f"steps={args.steps}"))
    said = {"recipe": recipe.model_dump(mode="json"), "pictures": args.pictures}
    file = args.out / "base.json"
    if not file.exists() and not read_log(args.out):
        file.write_text(json.dumps(said, indent=1))
    if not file.exists() or json.loads(file.read_text()) != said:
        raise ValueError(
            f"The runs in {args.out} have another base, which cannot be compared; "
            "choose another --out."
        )


def work(args: argparse.Namespace) -> None:
    """Run what was not run, until the time is over."""
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    check_base(args)
    bench = Bench(args)
    begun = time.monotonic()
    for run in runs(args):
        if args.until and time.monotonic() - begun > args.until:
            return
        done = [(r["variant"], r["fold"], r["seed"]) for r in read_log(args.out)]
        if run in done:
            continue
        line = json.dumps(bench.run(*run))
        with (args.out / "runs.jsonl").open("a") as file:
            file.write(line + "\n")


def main() -> None:
    """Parse the command line and run what was not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="nuclei", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--table", action="store_true", help="show what was run")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(FOLDS)))
    parser.add_argument("--pictures", type=int, default=30)
    parser.add_argument("--share", default="0/1")
    parser.add_argument("--until", type=float, help="begin no run after seconds")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    if args.table:
        print(table(read_log(args.out)))
    else:
        work(args)


if __name__ == "__main__":
    main()
