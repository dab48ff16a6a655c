"""How far ten annotated objects go, from different starts, on unseen kinds of images.

    python -m training.few --data DIR --out runs/few.jsonl --starts runs/without-a ...
    python -m training.few --out runs/few.jsonl --table

Of every kind, that is of every data set, ten neighbouring objects are annotated, and
the background in the box around them, as a person would who corrects a part of a
prediction and accepts what is in view. The program's own training goes on from there,
and the result is scored on the images of that kind that gave no annotation. A start is
a run of `training.fit --leave-out`, which is asked for the kinds that it has not seen,
a built-in model, of which only who asks can know that, or "random weights". A line of
JSON a run; runs that are there are not run again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage as ndi

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.inference.predict import predict
from napari_unet.learning.config import PRESETS
from napari_unet.learning.fit import fit
from napari_unet.scores.metrics import PooledScores, evaluate, pool
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model, new_model
from training.package import averaged_model, recipe_of
from training.pictures import GENERATED, read_pictures
from training.recipe import RECIPES
from training.splits import read_split
from training.start import PARTS, seen_by

RANDOM = "random weights"
KINDS = tuple(
    name
    for name in RECIPES["cells"].data
    if name != GENERATED and sum(map(len, read_split([name]).groups)) > 1
)
"""One picture cannot both be annotated and judge."""

_MARGIN = 5


def read_kind(kind: str, data: Path) -> list[Sample]:
    """Read all images of a data set, colours as grey, with the objects in them."""
    pictures = read_pictures(data / kind, grey=True, objects=True)
    return [Sample(each.raw, each.values) for each in pictures if each.values.any()]


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
    shown: Mask = view & (chosen | (labels == 0))
    return shown


def unseen(start: str, kinds: Sequence[str]) -> list[str]:
    """Return the kinds that a run was not trained on; all of them for other starts."""
    run = Path(start)
    if not (run / PARTS).exists():
        return list(kinds)
    seen, recipe = seen_by(run), recipe_of(run)
    trained = {*recipe.data} - {*recipe.left_out}
    stems = {kind: {s for g in read_split([kind]).groups for s in g} for kind in kinds}
    return [k for k in kinds if k not in trained and not stems[k] & seen]


def start_of(name: str) -> Model:
    """Return a built-in model, that of a run, or a network with random weights."""
    if (Path(name) / PARTS).exists():
        return averaged_model(Path(name))
    if name != RANDOM:
        return load_model(name)
    return new_model(RECIPES["cells"].spec().model_copy(update={"name": "new"}))


def scores(model: Model, samples: Sequence[Sample]) -> PooledScores:
    """Return how well a model finds the objects of samples."""
    return pool([evaluate(s.labels, predict(s.image, model)) for s in samples])


def run(kind: str, name: str, seed: int, args: argparse.Namespace) -> dict[str, object]:
    """Annotate, train and score once."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([2015, seed])
    annotated, others = annotate(read_kind(kind, args.data), args.objects, rng)
    model = start_of(name)
    preset = PRESETS["from-scratch" if name == RANDOM else "fine-tune"]
    config = preset.model_copy(
        update={"steps": args.steps, "seed": seed, "batch_size": 4, "micro_batch": None}
    )
    judges = others[: args.pictures]
    before = scores(model, judges)
    after = scores(fit(model, annotated, config), judges)
    facts: dict[str, object] = {"kind": kind, "start": Path(name).name, "seed": seed}
    facts |= {"steps": args.steps, "objects": args.objects}
    for when, score in (("before", before), ("after", after)):
        facts[when] = round(score.pooled.ap["0.50"], 4)
        facts[f"{when}, mSA"] = round(score.pooled.msa, 4)
    return facts


def table(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Return the rows of a Markdown table: mean AP50 of the draws, and their spread."""
    rows = ["| kind | draws | before | after | least, most | mSA after |"]
    rows.append("|---|---|---|---|---|---|")
    means = []
    for kind in sorted({line["kind"] for line in lines}):
        own = [line for line in lines if line["kind"] == kind]
        after = [line["after"] for line in own]
        means.append(float(np.mean(after)))
        before = np.mean([line["before"] for line in own])
        msa = np.mean([line["after, mSA"] for line in own])
        rows.append(
            f"| {kind} | {len(own)} | {before:.2f} | {means[-1]:.2f} "
            f"| {min(after):.2f}, {max(after):.2f} | {msa:.2f} |"
        )
    return [*rows, f"| mean of kinds | | | {np.mean(means):.2f} | | |"]


def main() -> None:
    """Parse the command line and run what was not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--starts", nargs="+", default=["cells"])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--table", action="store_true", help="run nothing")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    written = args.out.read_text().splitlines() if args.out.exists() else []
    found = [json.loads(line) for line in written]
    done = {(r["kind"], r["start"], r["seed"], r["steps"]) for r in found}
    wanted = [
        (kind, name, seed)
        for seed in args.seeds
        for name in args.starts
        for kind in unseen(name, args.kinds)
        if (kind, Path(name).name, seed, args.steps) not in done
    ]
    for each in [] if args.table else wanted:
        found.append(run(*each, args))
        with args.out.open("a") as file:
            file.write(json.dumps(found[-1]) + "\n")
        print(json.dumps(found[-1]), flush=True)
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
