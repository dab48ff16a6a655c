"""The story in numbers: predict, correct, fine-tune, and predict better.

How it flows: the shipped `nuclei`, which has never seen such cells, predicts the
phase-contrast samples. For every seed a scripted annotator opens two images and
corrects at most 40 objects; the model is fine-tuned on them; and both models are scored
on the images that nobody opened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.io import imsave
from skimage.segmentation import find_boundaries

import napari_unet as nu
from napari_unet import io, learning
from napari_unet.annotation.annotation import Annotation
from napari_unet.cli.annotator import ScriptedAnnotator, take_over
from napari_unet.core.events import Validated
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.samples import SampleImage
from napari_unet.learning.events import FitEvent, FitResult
from napari_unet.scores.metrics import PooledScores, Scores, pool

BUDGET = 40
"""Objects that the annotator may paint or erase."""

_OPENED = 4
"""Of the samples, the first four may be opened; the rest only measure."""

_TRUE = (0.0, 0.75, 1.0)
_FOUND = (1.0, 0.75, 0.0)


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One run of the story, with the seed of the annotator and of the training."""

    seed: int
    corrections: int  # objects painted or erased
    ap: dict[str, float]  # afterwards, pooled over the images nobody opened
    msa: float  # the mean over more thresholds
    seconds: float  # of fine-tuning


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came out: before, and once for every seed; pictures show both."""

    before: PooledScores  # the shipped model on the images nobody opened
    runs: tuple[SeedResult, ...]
    seconds: float
    pictures: tuple[Path, ...]

    @property
    def after(self) -> dict[str, float]:
        """Average precision afterwards, the mean of the seeds."""
        keys = self.before.pooled.ap
        return {key: float(np.mean([run.ap[key] for run in self.runs])) for key in keys}

    @property
    def msa_after(self) -> float:
        """Mean average precision afterwards, the mean of the seeds."""
        return float(np.mean([run.msa for run in self.runs]))

    def as_json(self) -> dict[str, Any]:
        """Return plain numbers, as `napari-unet demo --json` prints them."""
        return {
            "before": {"ap": self.before.pooled.ap, "msa": self.before.pooled.msa},
            "after": {"ap": self.after, "msa": self.msa_after},
            "corrections": max(run.corrections for run in self.runs),
            "seconds": round(self.seconds, 1),
            "pictures": [str(path) for path in self.pictures],
            "seeds": [asdict(run) for run in self.runs],
        }


def tell_story(
    out: Path,
    tell: Callable[[str], object],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    device: str = "auto",
    config: nu.FitConfig | None = None,
    model_name: str = "nuclei",
) -> DemoResult:
    """Play the story once for every seed, and say in words what happens.

    `out` is an existing folder for the pictures. Fine-tuning takes a minute or so per
    seed where no other `config` is given.
    """
    started = time.monotonic()
    config = config or nu.FitConfig(steps=90, minutes=1.2)
    config = config.model_copy(update={"device": device})
    tell(f"Loading the model {model_name} and the phase-contrast samples")
    model = nu.load_model(model_name)
    samples = io.load_sample("phase")
    unseen = samples[_OPENED:]
    found = _predict_all(model, unseen, device)
    before = _score(unseen, found)
    tell(_words("Before any correction", before.pooled))
    runs: list[SeedResult] = []
    pictures: list[Path] = []
    for seed in seeds:
        samples_of_seed, corrections = _correct(model, samples, seed, device)
        tell(f"Seed {seed}: {corrections} objects corrected")
        seeded = config.model_copy(update={"seed": seed})
        tuned = _fine_tune(model, samples_of_seed, seeded, tell)
        better = _predict_all(tuned.model, unseen, device)
        scores = _score(unseen, better).pooled
        spent = round(tuned.seconds, 1)
        runs.append(SeedResult(seed, corrections, scores.ap, scores.msa, spent))
        pictures.append(_draw(out, seed, unseen[0], found[0], better[0]))
        tell(_words(f"Seed {seed}: after fine-tuning", scores))
    seconds = time.monotonic() - started
    return DemoResult(before, tuple(runs), seconds, tuple(pictures))


def _predict_all(
    model: nu.Model, samples: Sequence[SampleImage], device: str
) -> list[LabelMap]:
    return [nu.predict(s.image, model, axes=s.axes, device=device) for s in samples]


def _score(samples: Sequence[SampleImage], found: Sequence[LabelMap]) -> PooledScores:
    pairs = zip(samples, found, strict=True)
    return pool([nu.evaluate(_truth(sample), labels) for sample, labels in pairs])


def _truth(sample: SampleImage) -> LabelMap:
    if sample.labels is None:
        raise InputError(f"The sample {sample.name} has no true labels to score with.")
    return sample.labels


def _correct(
    model: nu.Model, samples: Sequence[SampleImage], seed: int, device: str
) -> tuple[list[nu.Sample], int]:
    """Open two images, predict and correct them; return what was verified."""
    rng = np.random.default_rng(seed)
    annotator = ScriptedAnnotator(rng)
    chosen = rng.choice(_OPENED, 2, replace=False)
    corrected, spent = [], 0
    for share, index in zip((BUDGET // 2, BUDGET), chosen, strict=True):
        sample = samples[index]
        work = Annotation(np.zeros(_truth(sample).shape, np.int32))
        take_over(work, *_predict_all(model, [sample], device))
        spent += annotator.correct(work, _truth(sample), share - spent)
        verified = work.trainable()
        corrected.append(nu.Sample(sample.image, work.labels, verified, sample.axes))
    return corrected, spent


def _fine_tune(
    model: nu.Model,
    samples: Sequence[nu.Sample],
    config: nu.FitConfig,
    tell: Callable[[str], object],
) -> FitResult:
    def hear(event: FitEvent) -> None:
        if isinstance(event, Validated):
            tell(
                f"Seed {config.seed}: step {event.step}, agreement with held-out "
                f"corrections {event.score:.2f} (was {event.start_score:.2f})"
            )

    return drain(learning.iter_fit(model, samples, config), hear)


def _draw(
    out: Path, seed: int, sample: SampleImage, before: LabelMap, after: LabelMap
) -> Path:
    """Save pictures side by side, with a white line between."""
    path = out / f"{sample.name}_seed{seed}_before_after.png"
    truth = _truth(sample)
    left, right = (draw_outlines(sample.image, a, truth) for a in (before, after))
    gap = np.full((len(left), 6, 3), 255, np.uint8)
    both = np.concatenate([left, gap, right], axis=1)
    imsave(path, both, check_contrast=False)
    return path


def _words(when: str, scores: Scores) -> str:
    half, most = scores.ap["0.50"], scores.ap["0.75"]
    return (
        f"{when}: AP50 {half:.2f}, AP75 {most:.2f}, mSA {scores.msa:.2f} on unopened "
        "images"
    )


def draw_outlines(
    image: npt.NDArray[Any], found: LabelMap, truth: LabelMap | None = None
) -> npt.NDArray[np.uint8]:
    """Return an RGB picture: found objects outlined in orange, true ones in blue.

    The two colours are told apart by colour-blind people too.
    """
    low, high = np.percentile(image, [0.5, 99.8])
    grey = np.clip((image - float(low)) / max(float(high - low), 1e-9), 0, 1)
    picture = np.repeat(0.85 * grey[..., None], 3, axis=-1)
    if truth is not None:
        picture[find_boundaries(truth, mode="inner")] = _TRUE
    picture[find_boundaries(found, mode="inner")] = _FOUND
    return (255 * picture).astype(np.uint8)
