"""How well classes and values of pixels match the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import UNKNOWN_CLASS
from napari_unet.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class ClassCounts:
    """Pixels by true class (rows) and predicted class (columns)."""

    confusion: npt.NDArray[np.int64]

    @property
    def dice(self) -> list[float | None]:
        """Dice of every class; None where neither side has it."""
        both = self.confusion.sum(0) + self.confusion.sum(1)
        right = 2 * np.diag(self.confusion)
        return [r / b if b else None for r, b in zip(right, both, strict=True)]

    @property
    def accuracy(self) -> float:
        """Share of pixels whose class is right."""
        return float(np.trace(self.confusion) / max(1, self.confusion.sum()))


def count_classes(
    truth: npt.NDArray[np.integer[Any]],
    predicted: npt.NDArray[np.integer[Any]],
) -> ClassCounts:
    """Compare two maps of class numbers where the truth is known.

    Parameters
    ----------
    truth, predicted : ndarray of int
        One shape; class numbers from 0. 255 in `truth` means unknown.

    Raises
    ------
    InputError
        If the shapes differ or numbers are no classes.
    """
    if truth.shape != predicted.shape:
        raise InputError(
            f"The prediction has the shape {predicted.shape}, the truth {truth.shape}; "
            "compare maps of the same image."
        )
    known = truth != UNKNOWN_CLASS
    a, b = truth[known].astype(np.int64), predicted[known].astype(np.int64)
    count = int(max(a.max(initial=0), b.max(initial=0))) + 1
    if count > 255 or min(a.min(initial=0), b.min(initial=0)) < 0:
        raise InputError(
            "Expected class numbers from 0 to 254; these look like object ids, which "
            "are compared with --task instances."
        )
    joint = np.bincount(a * count + b, minlength=count**2)
    return ClassCounts(joint.reshape(count, count))


def add_counts(counts: Sequence[ClassCounts]) -> ClassCounts:
    """Pool the counts of several images, of which some may lack the last classes."""
    size = max((len(c.confusion) for c in counts), default=1)
    total = np.zeros((size, size), np.int64)
    for each in counts:
        n = len(each.confusion)
        total[:n, :n] += each.confusion
    return ClassCounts(total)


@dataclass(frozen=True, slots=True)
class ValueScores:
    """How well one variable matches the truth, over all known pixels.

    Pearson's correlation is 0 where one side is constant. The mean absolute and the
    root mean square error are in the variable's unit.
    """

    correlation: float
    mae: float
    rmse: float
    pixels: int


def score_values(
    truth: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> list[ValueScores]:
    """Compare values, variable by variable, where the truth is finite.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n, ...)
        Variables first.

    Raises
    ------
    InputError
        If the shapes differ, or nothing is known of a variable.
    """
    if truth.shape != predicted.shape:
        raise InputError(
            f"The prediction has the shape {predicted.shape}, the truth {truth.shape}; "
            "compare values of the same image, with as many variables."
        )
    return [_score(a, b) for a, b in zip(truth, predicted, strict=True)]


def _score(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> ValueScores:
    known = np.isfinite(truth)
    if not known.any():
        raise InputError(
            "The truth has no finite value of one of the variables; give numbers "
            "where they are known and NaN elsewhere."
        )
    a, b = truth[known].astype(np.float64), predicted[known].astype(np.float64)
    spread = a.std() * b.std()
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    return ValueScores(
        float(covariance / spread) if spread > 0 else 0.0,
        float(np.abs(a - b).mean()),
        float(np.sqrt(((a - b) ** 2).mean())),
        int(known.sum()),
    )
