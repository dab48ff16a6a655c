"""How good ways to find objects in volumes are, and how long a plane takes.

    python -m training.volumes --data DIR
    python -m training.volumes --data DIR --models nuclei-3d nuclei --run runs/deep

Prints the average precision of 3-D objects on the z-stack among the sample images,
which no model has seen, and on the volumes that were held out of `nuclei-3d`, on the
CPU in float32; networks that see planes link what overlaps in the planes beside.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from napari_unet.io.samples import load_sample
from napari_unet.scores.metrics import PooledScores, evaluate, pool
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model
from training.figures import of_all
from training.package import averaged_model
from training.pictures import Picture, picture_of
from training.recipe import RECIPES
from training.score import alike_everywhere
from training.splits import read_split

SAMPLE = "zstack"


def of_sample() -> list[Picture]:
    """Return the z-stack among the sample images."""
    return [
        picture_of(SAMPLE, sample.image, sample.labels)
        for sample in load_sample(SAMPLE)
        if sample.labels is not None
    ]


def held_out(data: Path) -> list[Picture]:
    """Return the volumes that judge `nuclei-3d`."""
    recipe = RECIPES["nuclei-3d"]
    return recipe.pictures(data, list(read_split(recipe.data).test))


def judging(data: Path) -> dict[str, list[Picture]]:
    """Return all volumes that judge: together, and those held out one by one."""
    others = held_out(data)
    one_by_one = {picture.stem: [picture] for picture in others}
    return {"sample": of_sample(), "held out": others, **one_by_one}


def score(model: Model, pictures: Sequence[Picture]) -> tuple[PooledScores, float]:
    """Return scores of a model in some volumes, and the seconds that a plane took."""
    segment = alike_everywhere(model)
    begun = time.monotonic()
    found = [segment(picture) for picture in pictures]
    seconds = time.monotonic() - begun
    pairs = zip(pictures, found, strict=True)
    scores = pool([evaluate(picture.values, labels) for picture, labels in pairs])
    return scores, seconds / sum(len(picture.values) for picture in pictures)


def main() -> None:
    """Parse the command line, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--models", nargs="*", default=["nuclei-3d", "nuclei"])
    parser.add_argument("--run", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    models = {name: load_model(name) for name in args.models}
    models |= {str(run): averaged_model(run) for run in args.run}
    for part, pictures in judging(args.data).items():
        for name, model in models.items():
            scores, seconds = score(model, pictures)
            line = {"volumes": part, "model": name, **of_all(scores)}
            print(json.dumps({**line, "s a plane": round(seconds, 3)}), flush=True)


if __name__ == "__main__":
    main()
