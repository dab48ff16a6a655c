"""What full supervision reaches: all objects of all images that may be opened."""

from __future__ import annotations

import time

from benchmarks.annotator.curves import Point, Run, judge
from benchmarks.annotator.kinds import Kind
from benchmarks.annotator.learner import UNetLearner
from napari_unet.learning.config import FitConfig
from napari_unet.weights.model import Model

EVERYTHING = "everything"
_TIMES = 12


def supervise(kind: Kind, start: Model, steps: int) -> Run:
    """Train with the truth of all images that may be opened, and judge meanwhile.

    Nothing holds the network to its start, all of it may move, and there is time: the
    recipe is that for random weights. The run is judged twelve times, so that one sees
    whether it still gets better.
    """
    config = FitConfig.from_scratch().model_copy(
        update={"steps": steps, "validate_every": max(1, steps // _TIMES)}
    )
    learner = UNetLearner(EVERYTHING, start, config)
    samples = [image.sample() for image in kind.opened]
    objects = sum(image.objects for image in kind.opened)
    points = [Point(0.0, 0, 0, 0, 0.0, judge(learner, kind.judges))]
    seconds, done, wall = 0.0, 0, 0.0
    began = time.monotonic()
    for passed in learner.learn(samples, 0):
        seconds += passed.seconds
        done += passed.steps
        if passed.improved:
            wall += time.monotonic() - began
            quality = judge(learner, kind.judges)
            cost = (round(seconds, 1), 0, objects, done, round(wall, 1))
            points.append(Point(*cost, quality))
            began = time.monotonic()
    return Run(kind.name, EVERYTHING, 0, "", tuple(points))
