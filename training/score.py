"""Score models on pictures that were held out.

    python -m training.score --data DIR --run runs/fold0 runs/fold1  runs, by groups
    python -m training.score --data DIR --run runs/fold0 --plain     ... without zoom
    python -m training.score --data DIR                              what is built in
    python -m training.score --data DIR --write                      ... into the cards
    python -m training.score --data DIR --rotations                  ... turned copies

The third form reproduces every score in the cards of the shipped models from their
shipped weights, on the CPU in float32, so that machines agree; it fails where one
differs by more than 0.002 (`make bench-models`). Runs are scored in the precision that
the machine is good at. Of several data sets in a recipe each is told by itself, too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.predict import predict
from napari_unet.models.folder import list_models, model_folder
from napari_unet.nets.device import resolve_device
from napari_unet.scores.metrics import Scores, evaluate, pool
from napari_unet.scores.pixel_scores import add_counts, count_classes
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model
from training.figures import Figures, by_set, card_of, figures
from training.heads import segment
from training.package import averaged_model, recipe_of, write_scores
from training.pictures import Picture
from training.recipe import RECIPES
from training.splits import Split, read_split

Segment: TypeAlias = Callable[[Picture], LabelMap]

_TOLERANCE = 0.002


def by(model: Model) -> Segment:
    """Return how a model segments pictures in the program."""
    return lambda picture: predict(picture.raw, model, axes=picture.axes)


def alike_everywhere(model: Model, *, rotations: bool = False) -> Segment:
    """Return how a model segments pictures where every machine should agree."""
    return lambda picture: predict(
        picture.raw,
        model,
        axes=picture.axes,
        device="cpu",
        rotations=rotations,
        full_precision=True,
    )


def zooming(model: Model, zoomed_to: tuple[float, float]) -> Model:
    """Return a model that brings objects to other diameters, in pixels."""
    spec = model.spec.model_copy(update={"zoomed_to": zoomed_to})
    return Model(spec, model.net)


def segment_of(
    run: Path,
    *,
    plain: bool = False,
    zoomed_to: tuple[float, float] | None = None,
    device: str = "auto",
) -> Segment:
    """Return how a run segments pictures.

    Parameters
    ----------
    plain : bool
        Without zoom, as heads that the program does not know are scored always.
    zoomed_to : tuple of float, optional
        Diameters, in pixels, instead of those that the recipe says.
    device : str
        Where that is done.
    """
    model, recipe = averaged_model(run), recipe_of(run)
    if recipe.head == "usual" and not plain:
        return by(zooming(model, zoomed_to) if zoomed_to else model)
    place = torch.device(resolve_device(device))
    objective = recipe.objective()
    return lambda picture: segment(picture, model.net, objective, place)


def score_objects(pictures: list[Picture], segment: Segment) -> dict[str, Scores]:
    """Segment pictures and compare with what is known; by stem."""
    return {p.stem: evaluate(p.values, known_part(p, segment(p))) for p in pictures}


def known_part(picture: Picture, labels: LabelMap) -> LabelMap:
    """Return labels without objects that lie mostly where nothing is known."""
    if picture.verified is None:
        return labels
    areas = np.bincount(labels.ravel())
    known = np.bincount(labels[picture.verified], minlength=len(areas))
    kept = 2 * known >= areas
    kept[0] = False
    return np.where(kept[labels], labels, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores of a model's card, and those of each data set, if there are several."""

    card: dict[str, float]
    by_set: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)

    def lines(self, name: str, seconds: float) -> list[dict[str, Any]]:
        """Return what is printed of a model."""
        sets = [
            {"model": name, "data": each, **found}
            for each, found in self.by_set.items()
        ]
        return [{"model": name, **self.card, "s": round(seconds, 1)}, *sets]


def judge(model: Model, data: Path, *, rotations: bool = False) -> Judged:
    """Score a built-in model on the pictures that it never saw."""
    recipe = RECIPES[model.name]
    split = read_split(recipe.data)
    pictures = recipe.pictures(data, list(split.test))
    segment = alike_everywhere(model, rotations=rotations)
    if recipe.classes:
        counts = [count_classes(p.values, segment(p)) for p in pictures]
        dice = add_counts(counts).dice
        named = zip(recipe.classes, dice, strict=True)
        return Judged({f"Dice {name}": round(float(d or 0), 4) for name, d in named})
    scores = score_objects(pictures, segment)
    card = card_of(pool(list(scores.values())))
    return Judged(card, by_set(list(scores.items()), split))


def held_out(run: Path, data: Path, most: int = 0) -> dict[str, list[Picture]]:
    """Read the familiar pictures ("known") and the strangers that a run held out.

    Parameters
    ----------
    most : int
        About so many of each, evenly chosen; 0 for all.
    """
    parts = json.loads((run / "parts.json").read_text())
    recipe = recipe_of(run)
    chosen = {
        part: parts[part][:: max(1, len(parts[part]) // most) if most else 1]
        for part in ("known", "strangers")
    }
    return {part: recipe.pictures(data, stems) for part, stems in chosen.items()}


def score_run(
    segment: Segment, data: Path, run: Path, most: int = 0
) -> dict[str, dict[str, Scores]]:
    """Score a segmentation of the familiar pictures and the strangers of a run.

    Parameters
    ----------
    most : int
        See `held_out`.
    """
    return {
        part: score_objects(pictures, segment)
        for part, pictures in held_out(run, data, most).items()
    }


def figures_of_runs(
    scored: list[dict[str, dict[str, Scores]]], split: Split
) -> dict[str, Figures]:
    """Return the figures of several runs of equal recipe, which held out other folds.

    A familiar picture may be one to several runs, and counts as often; a stranger is
    one to a single run.
    """
    return {
        part: figures([each for one in scored for each in one[part].items()], split)
        for part in ("known", "strangers")
        if any(one[part] for one in scored)
    }


def score_shipped(data: Path, *, write: bool, rotations: bool) -> bool:
    """Score the built-in models; return whether their cards say the same."""
    same = True
    for spec in list_models():
        begun = time.monotonic()
        judged = judge(load_model(spec.name), data, rotations=rotations)
        for line in judged.lines(spec.name, time.monotonic() - begun):
            print(json.dumps(line), flush=True)
        if rotations:
            continue
        if write:
            write_scores(model_folder(spec.name), judged.card)
            continue
        for name, value in judged.card.items():
            said = spec.card.score.get(name)
            if said is None or abs(said - value) > _TOLERANCE:
                print(f"{spec.name}: the card says {said} for {name}", file=sys.stderr)
                same = False
    return same


def main() -> None:
    """Parse the command line, score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--run", type=Path, nargs="+")
    parser.add_argument("--plain", action="store_true", help="zoom no image of a run")
    parser.add_argument(
        "--zoomed-to",
        type=float,
        nargs=2,
        metavar="PX",
        help="diameters, instead of those of the recipe",
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rotations", action="store_true")
    args = parser.parse_args()
    if args.run is None:
        same = score_shipped(args.data, write=args.write, rotations=args.rotations)
        sys.exit(0 if same else 1)
    zoomed_to = tuple(args.zoomed_to) if args.zoomed_to else None
    scored = [
        score_run(
            segment_of(run, plain=args.plain, zoomed_to=zoomed_to), args.data, run
        )
        for run in args.run
    ]
    split = read_split(recipe_of(args.run[0]).data)
    for part, found in figures_of_runs(scored, split).items():
        print(json.dumps({part: asdict(found)}))


if __name__ == "__main__":
    main()
