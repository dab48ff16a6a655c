"""Bare forward pass, whole prediction, and MONAI with scikit-image, in turn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks import monai_pipeline
from benchmarks.agreement import differing_pixels
from benchmarks.report import Report, Row
from benchmarks.subject import (
    Subject,
    forward_pass,
    forward_pass_in_windows,
    plane_maps,
    whole_prediction,
)
from benchmarks.timing import Run, Stopwatch, interleave
from napari_unet.inference.forward import PlanePredictor

BARE = "bare forward pass"
BARE_IN_WINDOWS = "bare, windows of 512 px"


def measure(subject: Subject, watch: Stopwatch) -> Report:
    """Time the three ways, and MONAI's windows without the labels."""
    runs: dict[str, Run] = {
        BARE: forward_pass(subject),
        BARE_IN_WINDOWS: forward_pass_in_windows(subject),
        "whole prediction": whole_prediction(subject),
    }
    notes = [
        "Bare: one call for the whole image, norms folded, no labels made.",
        "In windows: the same, not overlapping, wrong along the seams.",
        "Whole: grey values in, labels out; nothing is kept between two predictions.",
    ]
    if monai_pipeline.is_installed():
        best = monai_pipeline.best_settings(subject)
        runs["MONAI + scikit-image"] = monai_pipeline.sliding_prediction(subject, best)
        runs["of that, MONAI's windows"] = monai_pipeline.sliding_maps(subject, best)
        notes.append(
            f"MONAI: {best.describe()}; scikit-image: h_maxima of the mean of all maps "
            "but the foreground, watershed."
        )
    else:
        notes.append(monai_pipeline.MISSING)
    timings = interleave(runs, watch)
    of_windows = timings.ratio("whole prediction", BARE_IN_WINDOWS)
    notes.append(f"Whole to bare in windows: {of_windows:.2f}.")
    return Report(
        f"Prediction: {subject.describe()}", timings.rows(), (*notes, watch.describe())
    )


def stages(subject: Subject, watch: Stopwatch) -> Report:
    """Time the stages of a whole prediction beside the bare forward pass."""
    normalization = subject.model.spec.normalization
    image = subject.normalized()
    limits = [normalization.limits(subject.image)]
    predictor = PlanePredictor(subject.model, subject.execution)
    maps = plane_maps(predictor, image)
    decoding = subject.model.spec.decoding
    runs: dict[str, Run] = {
        BARE: forward_pass(subject),
        "percentiles": lambda: normalization.limits(subject.image),
        "scaling": lambda: normalization.scale(subject.image[None], limits),
        "network on its device": lambda: PlanePredictor(
            subject.model, subject.execution
        ),
        BARE_IN_WINDOWS: forward_pass_in_windows(subject),
        "all windows": lambda: plane_maps(predictor, image),
        "labels from maps": lambda: decoding.decode(maps),
    }
    timings = interleave(runs, watch)
    windows = predictor.count_windows(subject.image.shape)
    notes = (
        f"All windows: {windows}, with the halo that makes them exact.",
        watch.describe(),
    )
    return Report(f"Its stages: {subject.describe()}", timings.rows(), notes)


def tune(subject: Subject, watch: Stopwatch) -> Report:
    """Search MONAI's settings: time, and how much the labels suffer from the seams.

    The best are the fastest whose labels differ from those of the network without
    windows in less than 0.1 % of the pixels, which is what this package promises.
    """
    decoding = subject.model.spec.decoding
    bare = forward_pass(subject)
    truth = decoding.decode(bare().float().sigmoid()[0].cpu().numpy())
    rows = [
        _tuning_row(sliding, subject, watch, bare, truth)
        for sliding in monai_pipeline.CANDIDATES
    ]
    return Report(f"MONAI's settings: {subject.describe()}", rows, (watch.describe(),))


def _tuning_row(
    sliding: monai_pipeline.Sliding,
    subject: Subject,
    watch: Stopwatch,
    bare: Run,
    truth: npt.NDArray[np.int32],
) -> Row:
    run = monai_pipeline.sliding_maps(subject, sliding)
    maps: list[npt.NDArray[np.float32]] = []
    ratio = watch.seconds_of(lambda: maps.append(run())) / watch.seconds_of(bare)
    labels = subject.model.spec.decoding.decode(maps[0])
    return {
        "settings": sliding.describe(),
        "ratio to bare": ratio,
        "pixels that differ %": 100 * differing_pixels(truth, labels),
    }
