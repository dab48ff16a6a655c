"""Choose thresholds on pictures that a run did not train.

    python -m training.tune --data DIR --run runs/short

The run must have held something out (`training.fit --fold`). The network is asked once
a picture; every combination of thresholds is decoded from what it said. Prints the
combinations, the best one last, by the mean of pooled AP at IoU 0.5 and 0.75 over
familiar pictures and strangers, which count alike.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np

from napari_unet.core.events import MapsKept, Redecodable
from napari_unet.core.instances import Decoding
from napari_unet.core.metrics import evaluate, pool
from napari_unet.engine.model import Model
from napari_unet.engine.predict import iter_predict
from training.package import averaged_model
from training.pictures import Picture, read_pictures

GRID = {
    "foreground": (0.5, 0.6, 0.7),
    "prominence": (0.03, 0.05, 0.1),
    "smoothing": (0.0, 1.0),
    "min_size": (10, 16, 25),
}


def maps_of(picture: Picture, model: Model) -> Redecodable:
    """Return what the network says of a picture."""
    events = iter_predict(picture.raw, model)
    return next(e.maps for e in events if isinstance(e, MapsKept))


def labels_of(maps: Redecodable, decoding: Decoding) -> np.ndarray:
    """Return the objects in maps."""
    events = maps.iter_decode(decoding)
    while True:
        try:
            next(events)
        except StopIteration as finished:
            return finished.value


def main() -> None:
    """Parse the command line and try all combinations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--run", required=True, type=Path)
    parser.add_argument("--pictures", type=int, default=40)
    args = parser.parse_args()
    model = averaged_model(args.run)
    recipe = json.loads((args.run / "recipe.json").read_text())
    parts = json.loads((args.run / "parts.json").read_text())
    said = []
    for part in ("known", "strangers"):
        stems = parts[part][:: max(1, len(parts[part]) // args.pictures)]
        pictures = read_pictures(args.data / recipe["data"], stems)
        said.append([(p.values, maps_of(p, model)) for p in pictures])
    found = []
    for values in product(*GRID.values()):
        decoding = Decoding(**dict(zip(GRID, values, strict=True)))
        pools = [
            pool([evaluate(t, labels_of(m, decoding)) for t, m in part]).pooled.ap
            for part in said
        ]
        mean = np.mean([p[iou] for p in pools for iou in ("0.50", "0.75")])
        found.append((float(mean), decoding, [p["0.50"] for p in pools]))
    for mean, decoding, halves in sorted(found, key=lambda each: each[0]):
        print(f"{mean:.4f} {decoding} {np.round(halves, 4)}")


if __name__ == "__main__":
    main()
