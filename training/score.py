"""Score a model on the held-out images of a training run.

    python -m training.score --data DIR --run runs/nuclei --model FOLDER

Prints average precision pooled over images and as mean of images, and with `--write`
puts the figures into the model's card.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from skimage import io

from napari_unet.core.metrics import PooledScores, evaluate, pool
from napari_unet.engine.model import Model
from napari_unet.engine.predict import predict
from napari_unet.engine.weights import load_model, read_spec

SHOWN = ("0.50", "0.75", "0.90")
WORDS = {"random": "random tenth", "groups": "held-out groups"}


def score(model: Model, data: Path, stems: list[str]) -> PooledScores:
    """Predict the images of these stems and compare with their labels."""
    scores = []
    for stem in stems:
        image = io.imread(data / "images" / f"{stem}.png")
        truth = io.imread(data / "labels" / f"{stem}.tif").astype(np.int32)
        scores.append(evaluate(truth, predict(image, model)))
    return pool(scores)


def named(name: str, scores: PooledScores) -> dict[str, float]:
    """Return the figures of a card."""
    where = WORDS[name]
    pooled = {f"AP{k[2:]} pooled, {where}": scores.pooled.ap[k] for k in SHOWN}
    mean = {f"AP{k[2:]} image mean, {where}": scores.ap_mean[k] for k in SHOWN}
    return {key: round(value, 4) for key, value in (pooled | mean).items()}


def write_card(folder: Path, figures: dict[str, float]) -> None:
    """Add figures to the card in a model folder."""
    spec = read_spec(folder)
    card = spec.card.model_copy(update={"score": spec.card.score | figures})
    text = spec.model_copy(update={"card": card}).model_dump_json(indent=2)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Parse the command line, score and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--run", required=True, type=Path)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    split = json.loads((args.run / "split.json").read_text())
    scores = score(load_model(args.model), args.data, split["test"])
    figures = named(split["name"], scores)
    print(json.dumps(figures, indent=1))
    if args.write:
        write_card(args.model, figures)


if __name__ == "__main__":
    main()
