"""Score a network on the pictures that a run held out.

    python -m training.score --data DIR --run runs/short

Prints average precision over familiar pictures (of groups that train) and over
strangers (of groups that do not), pooled, as mean of pictures and of the worst group.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_unet.core.metrics import Scores, evaluate, pool
from napari_unet.engine.model import Model
from napari_unet.engine.predict import predict
from training.package import averaged_model
from training.pictures import Picture, read_pictures
from training.splits import Split, read_split

SHOWN = ("0.50", "0.75", "0.90")


@dataclass(frozen=True, slots=True)
class Figures:
    """Average precision at some IoUs over a set of pictures.

    Parameters
    ----------
    pooled, mean, worst : dict of float
        Over all objects, as mean of the pictures, and pooled in the worst group (of
        those with three pictures or more).
    by_group : dict of float
        Pooled at IoU 0.5.
    """

    pooled: dict[str, float]
    mean: dict[str, float]
    worst: dict[str, float]
    by_group: dict[int, float]


def figures(scores: dict[str, Scores], split: Split) -> Figures:
    """Return the figures of pictures by stem."""
    groups: dict[int, list[Scores]] = defaultdict(list)
    for stem, score in scores.items():
        groups[split.group_of(stem)].append(score)
    pools = {n: pool(each).pooled.ap for n, each in groups.items() if len(each) > 2}
    whole = pool(list(scores.values()))
    return Figures(
        _rounded(whole.pooled.ap),
        _rounded(whole.ap_mean),
        _rounded({k: min((p[k] for p in pools.values()), default=0) for k in SHOWN}),
        {n: round(p["0.50"], 3) for n, p in sorted(pools.items())},
    )


def _rounded(ap: dict[str, float]) -> dict[str, float]:
    return {k: round(float(ap[k]), 4) for k in SHOWN}


def score_pictures(
    pictures: list[Picture], segment: Callable[[Picture], np.ndarray]
) -> dict[str, Scores]:
    """Segment pictures and compare with what is known; by stem."""
    return {each.stem: evaluate(each.values, segment(each)) for each in pictures}


def score_run(model: Model, data: Path, run: Path, most: int = 0) -> dict[str, Figures]:
    """Score a model on the familiar pictures and the strangers of a run.

    Parameters
    ----------
    most : int
        So many pictures of each at most, evenly chosen; 0 for all.
    """
    parts = json.loads((run / "parts.json").read_text())
    recipe = json.loads((run / "recipe.json").read_text())
    split = read_split(recipe["data"])
    found = {}
    for part in ("known", "strangers"):
        stems = parts[part][:: max(1, len(parts[part]) // most) if most else 1]
        pictures = read_pictures(data / recipe["data"], stems)
        scores = score_pictures(pictures, lambda each: predict(each.raw, model))
        if scores:
            found[part] = figures(scores, split)
    return found


def main() -> None:
    """Parse the command line, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--run", required=True, type=Path)
    args = parser.parse_args()
    for part, found in score_run(averaged_model(args.run), args.data, args.run).items():
        print(part, found)


if __name__ == "__main__":
    main()
