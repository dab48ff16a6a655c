"""How well one annotated image teaches the others of its kind, over many draws.

    python -m benchmarks.one_image --data DIR --start RUN --out one.jsonl --steps 300

An image with about as many objects as are asked for is drawn, all of it is verified,
the start is fine-tuned as ever, and the same images judge every draw: none of them is
ever drawn. A line of JSON a draw; draws that are there are not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.annotator.curves import judge
from benchmarks.annotator.kinds import Image, Kind, read_kind
from benchmarks.annotator.learner import UNetLearner, variant
from napari_unet.learning.config import FitConfig
from training.few import start_of

_SIMILAR = 1.5
_JUDGES = 24


def candidates(kind: Kind, objects: int) -> list[Image]:
    """Return the images that hold about so many objects, between 2/3 and 3/2 of it."""
    low, high = objects / _SIMILAR, objects * _SIMILAR
    return [image for image in kind.opened if low <= image.objects <= high]


def draw_once(
    kind: Kind, image: Image, seed: int, learner: UNetLearner
) -> dict[str, Any]:
    """Annotate an image, learn from it, and say what that was worth."""
    before = judge(learner, kind.judges)
    began = time.monotonic()
    for _ in learner.learn([image.sample()], seed):
        pass
    seconds = time.monotonic() - began
    after = judge(learner, kind.judges)
    return {
        "way": learner.name,
        "image": image.name,
        "seed": seed,
        "objects": image.objects,
        "steps": learner.config.steps,
        "seconds": round(seconds, 1),
        "before": round(before.ap50, 4),
        "AP50": round(after.ap50, 4),
        "AP75": round(after.ap75, 4),
        "mSA": round(after.msa, 4),
    }


def summary(lines: Sequence[dict[str, Any]]) -> str:
    """Say mean and spread of one way to learn."""
    found = np.array([line["AP50"] for line in lines])
    most = max(line["seconds"] for line in lines)
    return (
        f"{lines[0]['way']}: {len(lines)} draws, AP50 {lines[0]['before']:.3f} before, "
        f"{found.mean():.3f} +- {found.std(ddof=1) if len(found) > 1 else 0:.3f} after "
        f"({found.min():.3f} to {found.max():.3f}), mSA "
        f"{np.mean([line['mSA'] for line in lines]):.3f}, at most {most:.0f} s"
    )


def main() -> None:
    """Make the draws that were not made, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--start", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", default="nuclei_fluorescence")
    parser.add_argument("--objects", type=int, default=27)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument(
        "--ways", nargs="+", default=["ours"], help='such as "slow:learning_rate=0.001"'
    )
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    kind = read_kind(options.kind, options.data, most=_JUDGES)
    drawn = candidates(kind, options.objects)
    order = np.random.default_rng(2015).permutation(len(drawn))[: options.draws]
    written = options.out.read_text().splitlines() if options.out.exists() else []
    lines = [json.loads(line) for line in written]
    for seed, index in enumerate(order):
        for words in options.ways:
            key = (words.partition(":")[0], seed)
            if key in {(line["way"], line["seed"]) for line in lines}:
                continue
            torch.manual_seed(seed)
            start = start_of(options.start)
            learner = variant(words, start, FitConfig(steps=options.steps))
            lines.append(draw_once(kind, drawn[index], seed, learner))
            with options.out.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
            print(json.dumps(lines[-1]), flush=True)
    for way in sorted({line["way"] for line in lines}):
        print(summary([line for line in lines if line["way"] == way]))


if __name__ == "__main__":
    main()
