"""Scores for programs and for people: of label maps of theirs, of many images."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import numpy.typing as npt

from napari_unet.annotation.labels import as_labels, tell
from napari_unet.scores.metrics import Scores, pool
from napari_unet.scores.metrics import evaluate as compare_ids
from napari_unet.scores.pixel_scores import (
    ClassCounts,
    ValueScores,
    add_counts,
    count_classes,
    score_values,
)

S = TypeVar("S")

logger = logging.getLogger(__name__)


def evaluate(truth: Any, labels: Any) -> Scores:
    """Compare a label map with the truth.

    Objects are matched one to one by intersection over union, in the way that gives
    most matches at each threshold. Both label maps may have any whole numbers; what is
    made of them (`napari_unet.annotation.labels.as_labels`), such as of a mask that was
    split, is told as a warning.

    Parameters
    ----------
    truth, labels : array_like
        Label maps of one shape; 0 is background.

    Returns
    -------
    Scores
        Average precision by threshold and its mean (mSA), Dice and counts.

    Raises
    ------
    InputError
        If the shapes differ, or values are no ids of objects.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.repeat([[0, 1, 2]], 4, axis=0)
    >>> scores = evaluate(truth, truth)
    >>> scores.ap["0.90"], scores.msa
    (1.0, 1.0)
    """
    both = [("truth", as_labels(truth)), ("labels", as_labels(labels))]
    for note in tell(both):
        logger.warning(note)
    (_, true), (_, found) = both
    return compare_ids(true.array, found.array)


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """The same scores for programs and for people.

    People get a table, in which columns from `numbers_from` on hold numbers, and some
    words below it.
    """

    as_json: dict[str, Any]
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers_from: int = 1
    words: str = ""


@dataclass(frozen=True, slots=True)
class Scoring(Generic[S]):
    """How results are compared with the truth.

    `compare` is given the truth of an image and what was predicted; `report` the names
    of the images and what came of each.
    """

    compare: Callable[[npt.NDArray[Any], npt.NDArray[Any]], S]
    report: Callable[[Sequence[str], Sequence[S]], ScoreReport]


def report_objects(names: Sequence[str], scores: Sequence[Scores]) -> ScoreReport:
    """Report average precision by threshold, and its mean over more of them."""
    del names
    both = pool(scores)
    pooled = both.pooled
    rows = [
        (threshold, f"{value:.3f}", f"{both.ap_mean[threshold]:.3f}")
        for threshold, value in pooled.ap.items()
    ]
    return ScoreReport(
        both.as_json(),
        f"Average precision, {both.images} images",
        ("IoU", "pooled", "mean of images"),
        [*rows, ("mSA", f"{pooled.msa:.3f}", f"{both.msa_mean:.3f}")],
        words="mSA is the mean over IoU 0.50, 0.55, ... 0.95. "
        f"Dice {pooled.dice:.3f}. At IoU 0.50: {pooled.tp} found, {pooled.fp} false, "
        f"{pooled.fn} missed.",
    )


def report_classes(names: Sequence[str], counts: Sequence[ClassCounts]) -> ScoreReport:
    """Report the Dice of every class."""
    del names
    pooled = add_counts(counts)
    return ScoreReport(
        {"images": len(counts), "dice": pooled.dice, "accuracy": pooled.accuracy},
        f"Classes, {len(counts)} images",
        ("class", "Dice, pooled"),
        [
            (str(number), "-" if dice is None else f"{dice:.3f}")
            for number, dice in enumerate(pooled.dice)
        ],
        numbers_from=0,
        words=f"Accuracy {pooled.accuracy:.3f}.",
    )


def report_values(
    names: Sequence[str], scores: Sequence[list[ValueScores]]
) -> ScoreReport:
    """Report correlations and errors of every variable of every image."""
    found = dict(zip(names, scores, strict=True))
    # The mean of the images, variable by variable.
    means = [
        sum(one.correlation for one in column) / len(column)
        for column in zip(*found.values(), strict=False)
    ]
    as_json = {
        "images": len(found),
        "correlation": means,
        "variables": {
            name: [asdict(one) for one in each] for name, each in found.items()
        },
    }
    return ScoreReport(
        as_json,
        "Values",
        ("image", "variable", "correlation", "mean error", "RMS error"),
        [
            (name, str(i), f"{s.correlation:.3f}", f"{s.mae:.4g}", f"{s.rmse:.4g}")
            for name, each in found.items()
            for i, s in enumerate(each, start=1)
        ],
    )


OBJECT_SCORES = Scoring(compare_ids, report_objects)
CLASS_SCORES = Scoring(count_classes, report_classes)
VALUE_SCORES = Scoring(score_values, report_values)
