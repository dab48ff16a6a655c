"""How far ten annotated objects go, from different starts, on unseen kinds of images.

    python -m training.few --data DIR --out runs/few.jsonl

Of every kind, ten neighbouring objects are annotated, and the background in the box
around them, as a person would who corrects a part of a prediction and accepts what is
in view. The program's own training goes on from a built-in model, or from random
weights, and the result is scored on the images of that kind that gave no annotation. No
built-in model has seen these kinds. A line of JSON a run; runs that are there are not
run again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage as ndi
from skimage import io

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.inference.predict import predict
from napari_unet.learning.config import PRESETS
from napari_unet.learning.train import fit
from napari_unet.scores.metrics import evaluate, pool
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model, new_model

RANDOM = "random weights"
_MARGIN = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """Images of a kind that no built-in model was trained on.

    Parameters
    ----------
    folder : str
        Of the data set.
    channel : int, optional
        The one that is looked at; None where there is only one.
    """

    folder: str
    channel: int | None = None


KINDS = {
    "bacteria, bright field": Kind("bacteria_two_channel", channel=0),
    "nuclei, dark on bright": Kind("nuclei_brightfield"),
    "bacteria, fluorescence": Kind("bacteria_two_channel", channel=1),
}


def read_kind(kind: Kind, data: Path) -> list[Sample]:
    """Read all images of a kind."""
    samples = []
    for path in sorted((data / kind.folder / "images").iterdir()):
        image = io.imread(path)
        if kind.channel is not None:
            image = image[kind.channel]
        labels = io.imread(data / kind.folder / "labels" / f"{path.stem}.tif")
        samples.append(Sample(image, labels.astype(np.int32)))
    return samples


def annotate(
    samples: Sequence[Sample], count: int, rng: np.random.Generator
) -> tuple[list[Sample], list[Sample]]:
    """Annotate neighbouring objects in as few images as can be.

    Returns
    -------
    annotated, others : list of Sample
        Images with verified pixels, and those that judge.
    """
    order = rng.permutation(len(samples))
    annotated = []
    for used, index in enumerate(order, start=1):
        sample = samples[index]
        ids = _neighbours(sample.labels, count, rng)
        verified = _in_view(sample.labels, ids)
        annotated.append(Sample(sample.image, sample.labels, verified))
        count -= len(ids)
        if count <= 0:
            return annotated, [samples[i] for i in order[used:]]
    raise ValueError("there are not enough objects")


def _neighbours(labels: LabelMap, most: int, rng: np.random.Generator) -> list[int]:
    ids = np.unique(labels[labels > 0])
    centres = np.array(ndi.center_of_mass(labels > 0, labels, ids))
    first = centres[rng.integers(len(ids))]
    nearest = np.argsort(np.linalg.norm(centres - first, axis=1))
    return [int(ids[i]) for i in nearest[:most]]


def _in_view(labels: LabelMap, ids: list[int]) -> Mask:
    """Return the box around objects, without parts of other objects."""
    chosen = np.isin(labels, ids)
    (box,) = ndi.find_objects(chosen.astype(np.int8))
    view = np.zeros(labels.shape, bool)
    view[tuple(slice(max(0, s.start - _MARGIN), s.stop + _MARGIN) for s in box)] = True
    return view & (chosen | (labels == 0))


def start_of(name: str) -> Model:
    """Return a built-in model, or the usual network with random weights."""
    if name != RANDOM:
        return load_model(name)
    spec = load_model("cells").spec
    return new_model(spec.model_copy(update={"name": "new"}))


def ap50_and_msa(model: Model, samples: Sequence[Sample]) -> tuple[float, float]:
    """Return the pooled average precision at an IoU of 0.5, and mSA."""
    scores = [evaluate(s.labels, predict(s.image, model)) for s in samples]
    pooled = pool(scores).pooled
    return round(float(pooled.ap["0.50"]), 4), round(pooled.msa, 4)


def run(kind: str, name: str, seed: int, args: argparse.Namespace) -> dict[str, object]:
    """Annotate, train and score once."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([2015, seed])
    samples = read_kind(KINDS[kind], args.data)
    annotated, others = annotate(samples, args.objects, rng)
    model = start_of(name)
    preset = PRESETS["from-scratch" if name == RANDOM else "fine-tune"]
    config = preset.model_copy(
        update={"steps": args.steps, "seed": seed, "batch_size": 4, "micro_batch": None}
    )
    judges = others[: args.pictures]
    before, msa_before = ap50_and_msa(model, judges)
    after, msa_after = ap50_and_msa(fit(model, annotated, config), judges)
    facts = {"kind": kind, "start": name, "seed": seed, "steps": args.steps}
    scores = {"before": before, "after": after}
    means = {"msa_before": msa_before, "msa_after": msa_after}
    return {**facts, "objects": args.objects, **scores, **means}


def main() -> None:
    """Parse the command line and run what was not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--starts", nargs="+", default=["cells", "nuclei", RANDOM])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=8)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    found = [json.loads(line) for line in lines]
    done = {(r["kind"], r["start"], r["seed"], r["steps"]) for r in found}
    for seed in args.seeds:
        for kind in args.kinds:
            for name in args.starts:
                if (kind, name, seed, args.steps) in done:
                    continue
                line = json.dumps(run(kind, name, seed, args))
                with args.out.open("a") as file:
                    file.write(line + "\n")
                print(line, flush=True)


if __name__ == "__main__":
    main()
