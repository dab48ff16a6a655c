"""Change one thing of a recipe at a time, and see what it is worth.

    python -m training.ablate --data DIR --out runs/ablation --steps 400 --seeds 0 1

Every variant is trained for the same number of steps on the same pictures, without the
groups of one fold, and scored on familiar pictures and on strangers. A line of JSON a
run goes to `OUT/runs.jsonl`; what is there already is not run again, so the command may
be stopped, and started several times beside itself (`--share 0/2`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from training.fit import fit
from training.package import averaged_model
from training.recipe import RECIPES, changed
from training.score import score_run

VARIANTS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "all objects zoomed to 18 px": ("diameter=18",),
    "all objects zoomed to 24 px": ("diameter=24",),
    "pictures equally often": ("balance=0",),
    "groups equally often": ("balance=1",),
    "zoom 0.2": ("augmentation.zoom=0.2",),
    "zoom 0.5": ("augmentation.zoom=0.5",),
    "no blur": ("augmentation.blur=0",),
    "no noise": ("augmentation.noise=0",),
    "no illumination": ("augmentation.illumination=0",),
    "no elastic": ("augmentation.elastic=0",),
    "grey values half as varied": (
        "augmentation.gamma=0.17",
        "augmentation.contrast=0.15",
        "augmentation.offset=0.04",
    ),
    "24 channels": ("architecture.base_channels=24",),
    "32 channels": ("architecture.base_channels=32",),
    "depth 3": ("architecture.depth=3",),
    "depth 5": ("architecture.depth=5",),
    "residual": ("architecture.residual=true",),
    "attention": ("architecture.attention=true",),
    "group norm": ("architecture.norm=group",),
    "rate 0.001": ("rate=0.001",),
    "rate 0.004": ("rate=0.004",),
    "no average of weights": ("memory=0",),
    "crops of 128 px, 18 of them": ("crop=128", "batch=18"),
    "crops of 256 px, 4 of them": ("crop=256", "batch=4", "steps=450"),
    "hardness 2": ("hardness=2",),
}


def runs(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Yield what this process has to do, as variant and seed."""
    share, shares = map(int, args.share.split("/"))
    every = [(v, seed) for seed in args.seeds for v in VARIANTS]
    if args.only:
        every = [(v, seed) for v, seed in every if v in args.only]
    yield from every[share::shares]


def done(log: Path) -> set[tuple[str, int]]:
    """Return what was run."""
    if not log.exists():
        return set()
    lines = map(json.loads, log.read_text().splitlines())
    return {(line["variant"], line["seed"]) for line in lines}


def run(variant: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Train and score one variant."""
    settings = (f"steps={args.steps}", f"seed={seed}", *VARIANTS[variant])
    recipe = changed(RECIPES[args.name], settings)
    out = args.out / f"{variant.replace(' ', '_')}-{seed}"
    begun = time.monotonic()
    fit(recipe, args.data, out, args.fold, "cpu")
    spent = time.monotonic() - begun
    found = score_run(averaged_model(out), args.data, out, args.pictures)
    scores = {part: asdict(each) for part, each in found.items()}
    facts = {"variant": variant, "seed": seed, "steps": recipe.steps}
    return {**facts, "seconds": round(spent), **scores}


def main() -> None:
    """Parse the command line and run what was not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="nuclei", choices=sorted(RECIPES))
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--share", default="0/1")
    parser.add_argument("--only", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    log = args.out / "runs.jsonl"
    for variant, seed in runs(args):
        if (variant, seed) in done(log):
            continue
        line = json.dumps(run(variant, seed, args))
        with log.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)


if __name__ == "__main__":
    main()
