"""Scores of many images at once, for programs and for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import numpy.typing as npt

from napari_unet.scores.metrics import Scores, evaluate, pool
from napari_unet.scores.pixel_scores import (
    ClassCounts,
    ValueScores,
    add_counts,
    count_classes,
    score_values,
)

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """The same scores for programs and for people.

    Parameters
    ----------
    as_json : dict
        Plain numbers.
    title : str
        Of the table.
    columns, rows : sequence
        Headings, and a text for each; all but texts of names are numbers.
    numbers_from : int
        The first column that holds numbers.
    words : str
        What is said below the table.
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

    Parameters
    ----------
    compare : callable
        Compares the truth of an image with what was predicted.
    report : callable
        Puts what was compared together; called with the names of the images, too.
    """

    compare: Callable[[npt.NDArray[Any], npt.NDArray[Any]], S]
    report: Callable[[Sequence[str], Sequence[S]], ScoreReport]


def report_objects(names: Sequence[str], scores: Sequence[Scores]) -> ScoreReport:
    """Report average precision by threshold."""
    del names
    both = pool(scores)
    pooled = both.pooled
    return ScoreReport(
        both.as_json(),
        f"Average precision, {both.images} images",
        ("IoU", "pooled", "mean of images"),
        [
            (threshold, f"{value:.3f}", f"{both.ap_mean[threshold]:.3f}")
            for threshold, value in pooled.ap.items()
        ],
        words=f"Dice {pooled.dice:.3f}. At IoU 0.50: {pooled.tp} found, {pooled.fp} "
        f"false, {pooled.fn} missed.",
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


OBJECT_SCORES = Scoring(evaluate, report_objects)
CLASS_SCORES = Scoring(count_classes, report_classes)
VALUE_SCORES = Scoring(score_values, report_values)
