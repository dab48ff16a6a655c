"""Choose thresholds on pictures that a run did not train.

    python -m training.tune --data DIR --run runs/fold0 runs/fold1

The runs must have held something out (`training.fit --fold`). The network is asked once
a picture; every combination of thresholds is decoded from what it said. Prints the
combinations, the best one last, by the mean of pooled AP at IoU 0.5 and 0.75 over
familiar pictures and strangers, which count alike.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np

from napari_unet.core.jobs import drain
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.events import MapsCached, Redecodable
from napari_unet.inference.predict import iter_predict
from napari_unet.instances.decoding import Decoding
from napari_unet.scores.metrics import evaluate, pool
from napari_unet.weights.model import Model
from training.package import averaged_model
from training.pictures import Picture
from training.score import held_out

GRID = {
    "foreground": (0.4, 0.5, 0.6),
    "prominence": (0.1, 0.15, 0.2, 0.3),
    "smoothing": (0.0, 1.0),
    "min_size": (16, 25, 40),
}


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
    said: dict[str, list[tuple[LabelMap, Redecodable]]] = defaultdict(list)
    for run in args.run:
        model = averaged_model(run)
        for part, pictures in held_out(run, args.data, args.pictures).items():
            said[part] += [(p.values, maps_of(p, model)) for p in pictures]
    found = []
    for values in product(*GRID.values()):
        decoding = Decoding(**dict(zip(GRID, values, strict=True)))
        pools = [
            pool([evaluate(t, labels_of(m, decoding)) for t, m in part]).pooled.ap
            for part in said.values()
        ]
        mean = np.mean([p[iou] for p in pools for iou in ("0.50", "0.75")])
        found.append((float(mean), decoding, [(p["0.50"], p["0.75"]) for p in pools]))
        print(f"{mean:.4f} {decoding}", file=sys.stderr, flush=True)
    for mean, decoding, halves in sorted(found, key=lambda each: each[0]):
        print(f"{mean:.4f} {decoding} {np.round(halves, 4).tolist()}")


if __name__ == "__main__":
    main()
