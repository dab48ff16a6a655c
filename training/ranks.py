"""Whether the score of held-out objects orders models as unopened images do.

    python -m training.ranks --data DIR --out runs/ranks.jsonl
    python -m training.ranks --out runs/ranks.jsonl --table

Ten neighbouring objects of a kind are annotated, as in `training.few`, and some of them
held out. At every validation of the training that follows, the weights are judged by
what was held out, and by the average precision on images that gave no annotation: mean
over IoU 0.50 to 0.90. A line of JSON a validation. The table has Spearman's rank
correlation of each score with that precision, within each training, and the precision
of the weights that each score would have chosen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from napari_unet.core.jobs import drain
from napari_unet.inference.predict import predict
from napari_unet.learning.config import PRESETS
from napari_unet.learning.data import iter_prepare
from napari_unet.learning.events import FitEvent
from napari_unet.learning.judging import iter_fit_thresholds
from napari_unet.learning.train import Training
from napari_unet.scores.metrics import evaluate, pool
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from training.few import annotate, read_kind, start_of

SCORES = ("maps", "likeness", "both", "both, thresholds fitted")
_TRUTH = "mean AP"
_KINDS = ("bacteria_two_channel", "nuclei_brightfield", "particles_sem")


class WatchedTraining(Training):
    """A training of which every validation is compared with unopened images."""

    judges: Sequence[Sample] = ()
    found: list[dict[str, float]]

    def _iter_validate(self) -> Generator[FitEvent, None, None]:
        judged = yield from self._iter_judge()
        fitted = drain(
            iter_fit_thresholds(judged, self._windows, self._data.known.hints)
        )
        spec = self._model.spec.model_copy(update=dict(fitted.objective.thresholds))
        model = Model(spec, self._state.publish())
        facts = {
            "step": self._steps,
            "maps": judged.judgement.of_maps,
            "likeness": judged.judgement.likeness.score,
            "both": judged.judgement.agreement,
            "both, thresholds fitted": fitted.judgement.agreement,
            _TRUTH: mean_precision(model, self.judges),
        }
        self.found.append({key: round(float(x), 4) for key, x in facts.items()})


def mean_precision(model: Model, samples: Sequence[Sample]) -> float:
    """Return the pooled average precision, mean over the IoUs from 0.5 to 0.9."""
    scores = [evaluate(s.labels, predict(s.image, model)) for s in samples]
    return float(np.mean(list(pool(scores).pooled.ap.values())))


def watch(kind: str, seed: int, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Annotate, train and compare at every validation."""
    torch.manual_seed(seed)
    samples = read_kind(kind, args.data)
    rng = np.random.default_rng([2015, seed])
    annotated, others = annotate(samples, args.objects, rng)
    model = start_of(args.start)
    config = PRESETS["fine-tune"].model_copy(update={"steps": args.steps, "seed": seed})
    objective = objective_of(model.spec)
    data, _ = drain(iter_prepare(model, objective, annotated, config, ()))
    training = WatchedTraining(model, objective, data, config)
    training.judges, training.found = others[: args.pictures], []
    drain(training.iter_run())
    about = {"kind": kind, "seed": seed, "objects": args.objects}
    return [about | each for each in training.found]


def table(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Return the rows of a Markdown table, one a score."""
    runs: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for line in lines:
        key = (line["kind"], line["seed"], line["objects"])
        runs.setdefault(key, []).append(line)
    rows = ["| chosen by | rank correlation | chosen mean AP |", "|---|---|---|"]
    for name in SCORES:
        ranks, chosen = [], []
        for run in runs.values():
            truth = [each[_TRUTH] for each in run]
            score = [each[name] for each in run]
            ranks.append(stats.spearmanr(score, truth).statistic)
            chosen.append(truth[int(np.argmax(score))])
        mean = np.nanmean(ranks)
        rows.append(f"| {name} | {mean:.2f} | {np.mean(chosen):.3f} |")
    best = np.mean([max(each[_TRUTH] for each in run) for run in runs.values()])
    last = np.mean([run[-1][_TRUTH] for run in runs.values()])
    rows += [f"| the images themselves | 1 | {best:.3f} |"]
    return [*rows, f"| the last one | | {last:.3f} |", f"{len(runs)} trainings"]


def main() -> None:
    """Parse the command line; watch what was not watched, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--start", default="cells")
    parser.add_argument("--kinds", nargs="+", default=list(_KINDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--table", action="store_true", help="train nothing")
    args = parser.parse_args()
    written = args.out.read_text().splitlines() if args.out.exists() else []
    lines = [json.loads(line) for line in written]
    done = {(line["kind"], line["seed"], line["objects"]) for line in lines}
    wanted = [(k, s) for s in args.seeds for k in args.kinds]
    for kind, seed in [] if args.table else wanted:
        if (kind, seed, args.objects) in done:
            continue
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with args.out.open("a") as file:
            for line in watch(kind, seed, args):
                lines.append(line)
                file.write(json.dumps(line) + "\n")
    print("\n".join(table(lines)))


if __name__ == "__main__":
    main()
