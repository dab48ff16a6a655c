"""Choose thresholds on pictures that a run did not train.

    python -m training.tune --data DIR --run runs/fold0 runs/fold1

The runs must have held something out (`training.fit --fold`). The network is asked once
a picture; combinations of thresholds around those of the recipe, of which its kind of
decoding says the names and steps, are decoded from what it said. Prints the
combinations, the best one last, by the mean of pooled AP at IoU 0.5 and 0.75 over
familiar pictures and strangers, which count alike; mSA is told beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import numpy as np

from napari_unet.core.jobs import drain
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.events import MapsCached, Redecodable
from napari_unet.inference.predict import iter_predict
from napari_unet.instances.decoding import Decoding
from napari_unet.scores.metrics import evaluate, pool
from napari_unet.weights.model import Model
from training.figures import MSA, of_all
from training.package import averaged_model
from training.pictures import Picture
from training.score import held_out

MOVES = (-1, 0, 1)
MOVES_OF_PARTING = (-2, -1, 0, 1, 2)
"""By how many of its steps each threshold is moved; see
`napari_unet.instances.decoding.Decoding.steps`."""

LEAST_AREAS = (2 / 3, 1.0, 1.6)
"""Of an object, as shares of the one that the recipe says."""

JUDGED_AT = ("0.50", "0.75")

Known: TypeAlias = list[tuple[LabelMap, Redecodable]]
"""What is true of some pictures, and what the network says of them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What thresholds came to in every part: pooled AP at `JUDGED_AT`, and mSA."""

    decoding: Decoding
    parts: dict[str, dict[str, float]]

    @property
    def score(self) -> float:
        """Mean of the pooled AP, in which parts count alike."""
        return float(
            np.mean([p[iou] for p in self.parts.values() for iou in JUDGED_AT])
        )


def decodings_like(usual: Decoding) -> list[Decoding]:
    """Return all combinations of thresholds around those of a decoding.

    Which ones there are, its kind says; what maps are drawn with is never changed.
    """
    grid: dict[str, list[float]] = {}
    for name, step in usual.steps.items():
        moves = MOVES_OF_PARTING if name == usual.parting else MOVES
        values = [round(getattr(usual, name) + move * step, 3) for move in moves]
        grid[name] = [value for value in values if 0 < value < 1]
    areas = {max(1, int(usual.min_size * share)) for share in LEAST_AREAS}
    grid["min_size"] = sorted(areas)
    return [
        usual.model_copy(update=dict(zip(grid, values, strict=True)))
        for values in product(*grid.values())
    ]


def tried(decoding: Decoding, said: dict[str, Known]) -> Trial:
    """Decode all pictures with some thresholds, and score them."""
    parts = {}
    for part, known in said.items():
        scores = pool([evaluate(t, labels_of(m, decoding)) for t, m in known])
        found = of_all(scores)
        parts[part] = {key: found[key] for key in (*JUDGED_AT, MSA)}
    return Trial(decoding, parts)


def maps_of(picture: Picture, model: Model) -> Redecodable:
    """Return what the network says of a picture."""
    events = iter_predict(picture.raw, model)
    return next(e.maps for e in events if isinstance(e, MapsCached))


def labels_of(maps: Redecodable, decoding: Decoding) -> np.ndarray:
    """Return the objects in maps."""
    return drain(maps.iter_decode(decoding))


def main() -> None:
    """Parse the command line and try all combinations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--run", required=True, type=Path, nargs="+")
    parser.add_argument("--pictures", type=int, default=40)
    args = parser.parse_args()
    said: dict[str, Known] = defaultdict(list)
    for run in args.run:
        model = averaged_model(run)
        for part, pictures in held_out(run, args.data, args.pictures).items():
            said[part] += [(p.values, maps_of(p, model)) for p in pictures]
    found = []
    for decoding in decodings_like(averaged_model(args.run[0]).spec.decoding):
        found.append(tried(decoding, said))
        print(f"{found[-1].score:.4f} {decoding}", file=sys.stderr, flush=True)
    for trial in sorted(found, key=lambda each: each.score):
        print(f"{trial.score:.4f} {trial.decoding} {trial.parts}")


if __name__ == "__main__":
    main()
