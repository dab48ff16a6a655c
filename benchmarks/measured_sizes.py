"""How well the size of objects is measured, in images whose objects are known.

    python -m benchmarks.measured_sizes --data DIR --kinds KIND ... --model NAME

A model is a built-in one, or a run of `training.fit`. Prints a line a kind: how many
images, the root of the mean square of the logarithm of measured over true diameter (2
at most, as where nothing was found), and how many are wrong by more than 1.6.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.annotator.kinds import Image, read_kind
from napari_unet.inference.events import Sized
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.predict import iter_predict
from napari_unet.weights.model import Model
from training.few import start_of

_NOTHING_FOUND = 2.0
_WRONG = math.log(1.6)


def error_of(image: Image, model: Model) -> float:
    """Return the logarithm of measured over true diameter, 2 where none was found."""
    true, events = typical_diameter(image.truth), iter_predict(image.pixels, model)
    measured = next(each.diameter for each in events if isinstance(each, Sized))
    events.close()
    if true is None or measured is None:
        return _NOTHING_FOUND
    return max(-_NOTHING_FOUND, min(_NOTHING_FOUND, math.log(measured / true)))


def in_words(name: str, errors: Sequence[float]) -> str:
    """Return the line of a kind."""
    mean = math.sqrt(sum(each**2 for each in errors) / len(errors))
    wrong = sum(abs(each) > _WRONG for each in errors)
    return f"{name}: {len(errors)} images, error {mean:.2f}, {wrong} wrong"


def main() -> None:
    """Measure the images of some kinds that judge in `benchmarks.annotator`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = start_of(options.model)
    for name in options.kinds:
        kind = read_kind(name, options.data)
        errors = [error_of(image, model) for image in kind.judges]
        print(in_words(name, errors), flush=True)


if __name__ == "__main__":
    main()
