"""Score a model on nuclei of one size after another.

    python -m training.sizes
    python -m training.sizes --zoomed-to 12 40

The two synthetic samples of `napari-unet` are zoomed so that the median nucleus has the
diameter; of large ones a part is looked at. Prints the average precision at an IoU of
0.5, a line a sample.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from skimage.transform import resize

from napari_unet.inference.predict import predict
from napari_unet.io.samples import load_sample
from napari_unet.scores.metrics import evaluate
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model
from training.score import zooming

DIAMETERS = (6, 8, 12, 20, 30, 60, 80, 120)
_SEEN = 800


def samples() -> list[Sample]:
    """Return the samples with nuclei."""
    return [
        Sample(each.image, each.labels)
        for each in load_sample("nuclei")
        if each.labels is not None
    ]


def of_diameter(sample: Sample, diameter: float) -> Sample:
    """Return a sample with this median diameter, in pixels."""
    areas = np.bincount(sample.labels.ravel())[1:]
    zoom = diameter / np.median(2 * np.sqrt(areas[areas > 0] / np.pi))
    shape = tuple(round(n * zoom) for n in sample.labels.shape)
    grey = np.asarray(sample.image, float)
    image = resize(grey, shape, anti_aliasing=zoom < 1)[:_SEEN, :_SEEN]
    same = {"order": 0, "preserve_range": True, "anti_aliasing": False}
    labels = resize(sample.labels, shape, **same)[:_SEEN, :_SEEN]
    return Sample(image, labels.astype(np.int32))


def score_size(model: Model, sample: Sample, diameter: float) -> float:
    """Return the average precision at an IoU of 0.5."""
    zoomed = of_diameter(sample, diameter)
    found = predict(zoomed.image, model, device="cpu")
    return float(evaluate(zoomed.labels, found).ap["0.50"])


def main() -> None:
    """Parse the command line, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--zoomed-to", type=float, nargs=2, metavar="PX")
    args = parser.parse_args()
    model = load_model(args.model)
    if args.zoomed_to:
        model = zooming(model, tuple(args.zoomed_to))
    for sample in samples():
        scores = {d: round(score_size(model, sample, d), 3) for d in DIAMETERS}
        print(json.dumps(scores), flush=True)


if __name__ == "__main__":
    main()
