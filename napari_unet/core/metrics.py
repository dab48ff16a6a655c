"""How well a label map matches the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from napari_unet.core.arrays import as_array
from napari_unet.core.ids import compact
from napari_unet.errors import InputError

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(9))
"""Intersections over union at which objects are matched: 0.50, 0.55, ... 0.90."""

Labels = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Agreement of a label map with the truth.

    Parameters
    ----------
    true_positives : tuple of int
        Matched objects at every threshold of `THRESHOLDS`.
    n_true, n_predicted : int
        Objects in the truth and in the prediction.
    overlap, foreground : int
        Common foreground pixels, and the sum of both foregrounds, for Dice.
    """

    true_positives: tuple[int, ...]
    n_true: int
    n_predicted: int
    overlap: int
    foreground: int

    @property
    def ap(self) -> dict[str, float]:
        """Average precision TP / (TP + FP + FN) by threshold, keys "0.50" to "0.90".

        1 where neither image holds an object.
        """
        total = self.n_true + self.n_predicted
        return {
            f"{t:.2f}": tp / (total - tp) if total else 1.0
            for t, tp in zip(THRESHOLDS, self.true_positives, strict=True)
        }

    @property
    def dice(self) -> float:
        """Dice coefficient of the foregrounds; 1 where both are empty."""
        return 2 * self.overlap / self.foreground if self.foreground else 1.0

    @property
    def tp(self) -> int:
        """Matched objects at IoU 0.5."""
        return self.true_positives[0]

    @property
    def fp(self) -> int:
        """Predicted objects without a match at IoU 0.5."""
        return self.n_predicted - self.tp

    @property
    def fn(self) -> int:
        """True objects without a match at IoU 0.5."""
        return self.n_true - self.tp

    def __add__(self, other: Scores) -> Scores:
        """Pool the counts of two images."""
        return Scores(
            tuple(
                a + b
                for a, b in zip(self.true_positives, other.true_positives, strict=True)
            ),
            self.n_true + other.n_true,
            self.n_predicted + other.n_predicted,
            self.overlap + other.overlap,
            self.foreground + other.foreground,
        )


@dataclass(frozen=True, slots=True)
class PooledScores:
    """Scores of several images: counts pooled, and the mean of images beside it."""

    images: int
    pooled: Scores
    ap_mean: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return plain numbers, as `napari-unet evaluate --json` prints them."""
        return {
            "images": self.images,
            "ap": self.pooled.ap,
            "ap_mean": self.ap_mean,
            "dice": self.pooled.dice,
            "tp": self.pooled.tp,
            "fp": self.pooled.fp,
            "fn": self.pooled.fn,
        }


def evaluate(truth: Labels, labels: Labels) -> Scores:
    """Compare a label map with the truth.

    Objects are matched one to one by intersection over union, in the way that gives
    most matches at each threshold.

    Parameters
    ----------
    truth, labels : ndarray of int
        Label maps of one shape; 0 is background. Arrays of dask, zarr and others,
        tensors and lists are taken, too.

    Returns
    -------
    Scores
        Average precision by threshold, Dice and counts.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.repeat([[0, 1, 2]], 4, axis=0)
    >>> evaluate(truth, truth).ap["0.90"]
    1.0
    """
    truth, labels = as_array(truth, "truth"), as_array(labels, "prediction")
    if truth.shape != labels.shape:
        raise InputError(
            f"The prediction has shape {labels.shape}, the truth {truth.shape}; "
            "compare label maps of the same image."
        )
    iou = _iou_matrix(truth, labels)
    return Scores(
        tuple(_count_matches(iou, threshold) for threshold in THRESHOLDS),
        iou.shape[0],
        iou.shape[1],
        int(np.count_nonzero((truth > 0) & (labels > 0))),
        int(np.count_nonzero(truth) + np.count_nonzero(labels)),
    )


def pool(scores: Sequence[Scores]) -> PooledScores:
    """Pool the scores of several images, at least one."""
    total = scores[0]
    for score in scores[1:]:
        total = total + score
    aps = [score.ap for score in scores]
    mean = {key: float(np.mean([ap[key] for ap in aps])) for key in total.ap}
    return PooledScores(len(scores), total, mean)


def _iou_matrix(truth: Labels, labels: Labels) -> npt.NDArray[np.float64]:
    """Return intersection over union, shape (true objects, predicted objects)."""
    true_index, n_true = _dense_index(truth)
    index, n = _dense_index(labels)
    joint = np.bincount(
        (true_index * (n + 1) + index).ravel(), minlength=(n_true + 1) * (n + 1)
    ).reshape(n_true + 1, n + 1)
    union = joint.sum(1, keepdims=True) + joint.sum(0, keepdims=True) - joint
    return np.asarray(joint[1:, 1:] / np.maximum(union[1:, 1:], 1))


def _dense_index(labels: Labels) -> tuple[npt.NDArray[np.int64], int]:
    """Renumber objects 1..n, background 0."""
    dense, ids = compact(labels)
    return dense.astype(np.int64), len(ids) - 1


def _count_matches(iou: npt.NDArray[np.float64], threshold: float) -> int:
    allowed = iou >= threshold
    rows, columns = np.flatnonzero(allowed.any(1)), np.flatnonzero(allowed.any(0))
    if not rows.size:
        return 0
    candidates = np.ix_(rows, columns)
    # Only at exactly 0.5 can an object have two candidates, so this stays small.
    cost = -(allowed[candidates] + 1e-6 * iou[candidates])
    pairs = linear_sum_assignment(cost)
    return int(np.count_nonzero(allowed[candidates][pairs]))
