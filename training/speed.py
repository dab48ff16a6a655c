"""Average precision against seconds: networks, and how large they see objects.

    python -m training.speed --data DATA --models nuclei nuclei-small
    python -m training.speed --data DATA --models nuclei --most 20 28 40

Held-out pictures of a model are predicted with objects brought to at most so many
pixels. Seconds are those of a plane of 2048 x 2048 pixels that is put together from
pictures of the last of its data sets: of one thread of the processor, and all of a
prediction, so that other programs change them little. They are told as ratios to the
first row, too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from napari_unet.inference.predict import predict
from napari_unet.scores.metrics import pool
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model
from training.figures import of_all
from training.pictures import Picture
from training.recipe import RECIPES
from training.score import by, score_objects, zooming
from training.splits import read_split

MOST = (12.0, 16.0, 20.0, 28.0, 40.0)
"""Diameters, in pixels, that larger objects are brought to."""

SIDE = 2048


def put_together(pictures: Sequence[Picture]) -> npt.NDArray[np.generic]:
    """Return a plane of `SIDE` x `SIDE` pixels from pictures of equal shape."""
    rows, columns = (-(-SIDE // extent) for extent in pictures[0].values.shape)
    chosen = [pictures[i % len(pictures)].raw for i in range(rows * columns)]
    lines = [np.hstack(chosen[i * columns : (i + 1) * columns]) for i in range(rows)]
    return np.vstack(lines)[:SIDE, :SIDE]


def seconds_of(plane: npt.NDArray[np.generic], model: Model, rounds: int = 3) -> float:
    """Return the least time of the processor that a prediction takes."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        predict(plane, model, device="cpu")
        taken.append(time.process_time() - begun)
    return min(taken)


def rows(name: str, most: Sequence[float], data: Path) -> Iterator[dict[str, float]]:
    """Yield scores and seconds of a built-in model, for one diameter after another."""
    model, recipe = load_model(name), RECIPES[name]
    split = read_split(recipe.data)
    pictures = recipe.pictures(data, list(split.test))
    last = [p for p in pictures if split.set_of(p.stem) == recipe.data[-1]]
    plane = put_together(last)
    least = recipe.zoomed_to[0]
    for diameter in most:
        zoomed = zooming(model, (min(least, diameter), diameter))
        scores = list(score_objects(pictures, by(zoomed)).values())
        yield {
            "px": diameter,
            "seconds": round(seconds_of(plane, zoomed), 2),
            **of_all(pool(scores)),
        }


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--models", nargs="+", default=["nuclei"])
    parser.add_argument("--most", type=float, nargs="+", default=MOST, metavar="PX")
    args = parser.parse_args()
    torch.set_num_threads(1)
    first: float | None = None
    for name in args.models:
        for row in rows(name, args.most, args.data):
            first = first or row["seconds"]
            ratio = round(row["seconds"] / first, 3)
            print(json.dumps({"model": name, **row, "ratio": ratio}), flush=True)


if __name__ == "__main__":
    main()
