"""What in the score of `nuclei` is due to the labels rather than to the model.

    python -m training.noise --data DIR

The first figure is what the maps and their decoding could reach at best. Three others
tell what is in the labels. On pictures that trained, a network that could learn every
label would reach the first. Where a picture scores better when all predicted outlines
in it grow, or shrink, by so many pixels, its annotator drew more generously, or more
tightly, than those of alike pictures. And nuclei of a few pixels are debris to one
annotator and nuclei to the other.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import expand_labels

from napari_unet.core.jobs import drain
from napari_unet.geometry.maps import LabelMap
from napari_unet.scores.metrics import Scores, evaluate, pool
from napari_unet.tasks.objectives import Objective
from napari_unet.weights.folder import load_model
from training.figures import of_all
from training.pictures import Picture
from training.recipe import RECIPES
from training.score import alike_everywhere
from training.splits import read_split

GROWTHS = (-2, -1, 0, 1, 2, 3, 4)
TINY = 50
"""Area in pixels; that of a disk of 8 px."""


def grown(labels: LabelMap, pixels: int) -> LabelMap:
    """Return labels of which every object grew, or shrank, by some pixels."""
    if pixels >= 0:
        return np.asarray(expand_labels(labels, pixels))
    border = ndi.grey_dilation(labels, (3, 3)) != ndi.grey_erosion(labels, (3, 3))
    inside = ndi.distance_transform_edt((labels > 0) & ~border)
    return np.where(inside >= -pixels, labels, 0)


def best_growth(truth: LabelMap, labels: LabelMap) -> tuple[int, Scores]:
    """Return by how much outlines differ, and the score without that difference."""
    scores = {pixels: evaluate(truth, grown(labels, pixels)) for pixels in GROWTHS}

    def merit(pixels: int) -> tuple[float, int]:
        return scores[pixels].msa, -abs(pixels)

    pixels = max(GROWTHS, key=merit)
    return pixels, scores[pixels]


def without_tiny(labels: LabelMap) -> LabelMap:
    """Return labels without objects of less than `TINY` pixels."""
    small = np.bincount(labels.ravel()) < TINY
    return np.where(small[labels], 0, labels)


def pooled(scores: list[Scores]) -> dict[str, float]:
    """Return pooled average precision, and mSA."""
    return {key: round(value, 3) for key, value in of_all(pool(scores)).items()}


def segmented(pictures: list[Picture]) -> list[tuple[LabelMap, LabelMap]]:
    """Return what is true of pictures, and what `nuclei` says."""
    model = load_model("nuclei")
    segment = alike_everywhere(model)
    return [(p.values, segment(p)) for p in pictures]


def decoded(truth: LabelMap, objective: Objective) -> LabelMap:
    """Return what is decoded of the maps of the truth."""
    maps = objective.targets(truth, np.ones(truth.shape, bool)).maps
    return np.asarray(drain(objective.iter_decode(maps)), np.int32)


def main() -> None:
    """Print the figures beside the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--every", type=int, default=6, help="of what trained")
    args = parser.parse_args()
    recipe = RECIPES["nuclei"]
    split = read_split(recipe.data)
    judged = segmented(recipe.pictures(args.data, split.test))
    trained = recipe.pictures(args.data, split.parts(None)[0][:: args.every])
    best = [best_growth(truth, labels) for truth, labels in judged]
    objective = recipe.objective()
    lines = {
        "labels as maps, decoded": pooled(
            [evaluate(t, decoded(t, objective)) for t, _ in judged]
        ),
        "held out": pooled([evaluate(*each) for each in judged]),
        "outlines of each picture as its annotator drew them": pooled(
            [score for _, score in best]
        ),
        "nothing tiny": pooled(
            [evaluate(without_tiny(t), without_tiny(p)) for t, p in judged]
        ),
        "pictures that trained": pooled([evaluate(*e) for e in segmented(trained)]),
    }
    for name, ap in lines.items():
        print(json.dumps({name: ap}))
    print(
        "pictures by growth in pixels:",
        dict(sorted(Counter(g for g, _ in best).items())),
    )


if __name__ == "__main__":
    main()
