"""How well a label map matches the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy  # its modules are imported when they are used first

from napari_unet.annotation.labels import as_whole
from napari_unet.errors import InputError
from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.source import as_array

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""Intersections over union at which objects are matched: 0.50, 0.55, ... 0.95."""

_NAMED = THRESHOLDS[:-1]

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
        return {f"{t:.2f}": self._precision(n) for n, t in enumerate(_NAMED)}

    @property
    def msa(self) -> float:
        """Mean of the average precision over all ten of `THRESHOLDS`."""
        # Rounded once, so that it is never above the largest of them.
        return mean(self._precision(n) for n in range(len(THRESHOLDS)))

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

    def _precision(self, number: int) -> float:
        """Return the average precision at the threshold of a number."""
        tp = self.true_positives[number]
        total = self.n_true + self.n_predicted
        return tp / (total - tp) if total else 1.0

    def __add__(self, other: Scores) -> Scores:
        """Pool the counts of two images."""
        pairs = zip(self.true_positives, other.true_positives, strict=True)
        return Scores(
            tuple(one + another for one, another in pairs),
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
    msa_mean: float

    def as_json(self) -> dict[str, Any]:
        """Return plain numbers, as `napari-unet evaluate --json` prints them."""
        return {
            "images": self.images,
            "ap": self.pooled.ap,
            "ap_mean": self.ap_mean,
            "msa": self.pooled.msa,
            "msa_mean": self.msa_mean,
            "dice": self.pooled.dice,
            "tp": self.pooled.tp,
            "fp": self.pooled.fp,
            "fn": self.pooled.fn,
        }


def evaluate(truth: Labels, labels: Labels) -> Scores:
    """Do what `napari_unet.evaluate` does for ids as this program has them.

    Nothing is taken for a mask. Raises an InputError if the shapes differ.
    """
    truth, labels = as_array(truth, "truth"), as_array(labels, "prediction")
    if truth.shape != labels.shape:
        raise InputError(
            f"The prediction has shape {labels.shape}, the truth {truth.shape}; "
            "compare label maps of the same image."
        )
    # Objects that share pixels, by their numbers from 0: a table of all with all would
    # not fit into memory.
    a, b, pixels = count_pairs(as_whole(truth), as_whole(labels))
    true, size_true = _sizes(a, pixels)
    predicted, size_predicted = _sizes(b, pixels)
    both = (a > 0) & (b > 0)
    rows, columns = np.searchsorted(true, a[both]), np.searchsorted(predicted, b[both])
    shared = pixels[both]
    iou = shared / (size_true[rows] + size_predicted[columns] - shared)
    shape = (len(true), len(predicted))
    allowed = [iou >= threshold for threshold in THRESHOLDS]
    matched = tuple(_most_pairs(rows[ok], columns[ok], shape) for ok in allowed)
    foreground = int(size_true.sum() + size_predicted.sum())
    return Scores(matched, *shape, overlap=int(shared.sum()), foreground=foreground)


def pool(scores: Sequence[Scores]) -> PooledScores:
    """Pool the scores of several images, at least one."""
    total = scores[0]
    for score in scores[1:]:
        total = total + score
    aps = [score.ap for score in scores]
    ap_mean = {key: float(np.mean([ap[key] for ap in aps])) for key in total.ap}
    msa = float(np.mean([score.msa for score in scores]))
    return PooledScores(len(scores), total, ap_mean, msa)


def _sizes(
    ids: LabelMap, pixels: npt.NDArray[np.int64]
) -> tuple[LabelMap, npt.NDArray[np.int64]]:
    """Return the objects of one side, and how many pixels each has."""
    found, index = np.unique(ids, return_inverse=True)
    sizes = np.zeros(len(found), np.int64)
    np.add.at(sizes, index, pixels)
    objects = found > 0
    return found[objects], sizes[objects]


def _most_pairs(
    rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], shape: tuple[int, int]
) -> int:
    """Return the most of some pairs in which each object is in one at most."""
    if len(np.unique(rows)) == len(np.unique(columns)) == len(rows):
        return len(rows)
    # Only at exactly 0.5 can an object have two candidates.
    pairs = scipy.sparse.csr_array((np.ones(len(rows), bool), (rows, columns)), shape)
    matches = scipy.sparse.csgraph.maximum_bipartite_matching(pairs)
    return int(np.count_nonzero(matches >= 0))
