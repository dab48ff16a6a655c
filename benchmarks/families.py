"""Every family of networks, trained for the same time on the same real images.

    python -m benchmarks.families --data DIR --minutes 2

`DIR` holds the folders `axons_sem`, `phase_to_fluorescence` and
`nuclei_fluorescence`; see `docs/families.md`. `smp_resnet34` is
`segmentation_models_pytorch.Unet` in the same training loop.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from benchmarks.report import Report, Row, show
from benchmarks.timing import load
from napari_unet.inference.predict import predict
from napari_unet.io.dataset import read_samples
from napari_unet.learning.config import FitConfig
from napari_unet.learning.fit import fit
from napari_unet.learning.start import TaskRequest, fill_in
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.network import Network
from napari_unet.scores.metrics import evaluate, pool
from napari_unet.scores.pixel_scores import add_counts, count_classes, score_values
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, fresh, new_model

FAMILIES = (
    "unet",
    "unet_residual",
    "unet_attention",
    "original",
    "resnet34",
    "resnext50_32x4d",
    "efficientnet_b0",
    "densenet121",
    "smp_resnet34",
)
_NUCLEI = (60, 20)


@dataclass(frozen=True, slots=True)
class Problem:
    """Images to learn from, images to be scored on, and how to score a model.

    Parameters
    ----------
    request : TaskRequest
        Task and names.
    train, test : sequence of Sample
        They share no pixel.
    score : callable
        Returns a score from a model and the test samples.
    what : str
        Name of the score.
    """

    request: TaskRequest
    train: Sequence[Sample]
    test: Sequence[Sample]
    score: Callable[[Model, Sequence[Sample]], float]
    what: str


class SmpUNet(Network):
    """`segmentation_models_pytorch.Unet` with a ResNet-34 and random weights."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        import segmentation_models_pytorch as smp

        super().__init__(
            in_channels,
            out_channels,
            stride=32,
            receptive_radius=128,
            exact_tiling=False,
        )
        self.net = smp.Unet(
            "resnet34", encoder_weights=None, in_channels=in_channels, classes=16
        )
        self.head = torch.nn.Conv2d(16, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, Y, X) to (N, out_channels, Y, X)."""
        maps: Tensor = self.head(self.net(x))
        return maps


def axons(data: Path) -> Problem:
    """Return five images of axons to learn from and two to be scored on."""
    labels = read_samples(data / "images", data / "labels", task="classes")
    samples = list(labels.samples.values())
    request = TaskRequest("classes", ("background", "myelin", "axon"))
    return Problem(request, samples[2:], samples[:2], _mean_dice, "mean Dice")


def fluorescence(data: Path) -> Problem:
    """Return the left half to learn from and the right half to be scored on."""
    (sample,) = read_samples(
        data / "images", data / "targets", axes="CYX", task="regression"
    ).samples.values()
    half = sample.image.shape[-1] // 2
    left, right = (
        Sample(sample.image[..., part], sample.labels[..., part], axes="CYX")
        for part in (slice(None, half), slice(half, None))
    )
    request = TaskRequest("regression", ("DAPI", "MAP2", "NFH"))
    return Problem(request, [left], [right], _mean_correlation, "mean correlation")


def nuclei(data: Path) -> Problem:
    """Return 60 random images of nuclei to learn from and 20 to be scored on."""
    samples = list(read_samples(data / "images", data / "labels").samples.values())
    order = np.random.default_rng(2018).permutation(len(samples))
    train, test = _NUCLEI
    chosen = [samples[i] for i in order[: train + test]]
    return Problem(
        TaskRequest(), chosen[:train], chosen[train:], _pooled_ap, "AP50, pooled"
    )


PROBLEMS: dict[str, tuple[str, Callable[[Path], Problem]]] = {
    "classes": ("axons_sem", axons),
    "regression": ("phase_to_fluorescence", fluorescence),
    "instances": ("nuclei_fluorescence", nuclei),
}


def measure(problem: Problem, family: str, minutes: float, seed: int) -> Row:
    """Train one family for some minutes and score it."""
    torch.manual_seed(seed)
    start = _start(problem, family)
    config = FitConfig.from_scratch().model_copy(
        update={"minutes": minutes, "seed": seed}
    )
    trained = fit(start, problem.train, config)
    began = time.perf_counter()
    score = problem.score(trained, problem.test)
    seconds = (time.perf_counter() - began) / len(problem.test)
    return {
        "family": family,
        "parameters": sum(p.numel() for p in start.net.parameters()),
        problem.what: score,
        "seconds an image": seconds,
    }


def _start(problem: Problem, family: str) -> Model:
    first = problem.train[0]
    axes = first.axes or "YX"
    channels = first.image.shape[axes.index("C")] if "C" in axes else 1
    network = ARCHITECTURES.get(family, ARCHITECTURES["unet"])
    spec = fill_in(
        ModelSpec(name=family, in_channels=channels, architecture=network),
        problem.request,
        problem.train,
    )
    if family == "smp_resnet34":
        return fresh(spec, SmpUNet(channels, spec.out_channels))
    return new_model(spec)


def _mean_dice(model: Model, samples: Sequence[Sample]) -> float:
    counts = [count_classes(s.labels, _predict(model, s)) for s in samples]
    return float(np.mean([d for d in add_counts(counts).dice if d is not None]))


def _mean_correlation(model: Model, samples: Sequence[Sample]) -> float:
    scores = [v for s in samples for v in score_values(s.labels, _predict(model, s))]
    return float(np.mean([score.correlation for score in scores]))


def _pooled_ap(model: Model, samples: Sequence[Sample]) -> float:
    return pool([evaluate(s.labels, _predict(model, s)) for s in samples]).pooled.ap[
        "0.50"
    ]


def _predict(model: Model, sample: Sample) -> np.ndarray:
    return predict(sample.image, model, axes=sample.axes)


def main() -> None:
    """Train and score what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", nargs="*", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--families", nargs="*", default=FAMILIES)
    options = parser.parse_args()
    console = Console()
    for task in options.tasks:
        folder, read = PROBLEMS[task]
        problem = read(options.data / folder)
        rows = []
        for family in options.families:
            row = measure(problem, family, options.minutes, options.seed)
            console.print(row)
            rows.append(row)
        title = f"{task}: {folder}, {options.minutes:g} minutes each"
        show(Report(title, rows, (load(),)), console)


if __name__ == "__main__":
    main()
