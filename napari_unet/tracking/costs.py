"""What it costs to take two objects for one: 0 where they are alike, 1 at most.

Overlap tells little where objects move by more than their size, and distance little
where long ones lie beside each other; so it is the mean of what does not overlap and of
the distance, in diameters of the objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_unet.geometry.ids import count_pairs
from napari_unet.tracking.objects import FrameObjects


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of objects of two frames that may be one, by numbers from 0."""

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    cost: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.cost)

    def __iter__(self) -> Iterator[tuple[int, int, float]]:
        columns = (self.first.tolist(), self.second.tolist(), self.cost.tolist())
        return zip(*columns, strict=True)


def likely_pairs(a: FrameObjects, b: FrameObjects, farthest: float) -> Pairs:
    """Return the pairs that overlap or are less than `farthest` diameters apart."""
    both = (a.dense > 0) & (b.dense > 0)
    over, under, met = count_pairs(a.dense[both], b.dense[both])
    width = max(len(b), 1)
    overlapping = (over.astype(np.int64) - 1) * width + under - 1
    keys = np.union1d(overlapping, _near(a, b, farthest))
    first, second = np.divmod(keys, width)
    shared = np.zeros(len(keys))
    shared[np.searchsorted(keys, overlapping)] = met
    union = a.pixels[first] + b.pixels[second] - shared
    apart = np.linalg.norm(a.centres[first] - b.centres[second], axis=1)
    apart /= farthest * _diameters(a, b, first, second)
    return Pairs(first, second, (1 - shared / union + np.minimum(apart, 1)) / 2)


def division_cost(
    mother: FrameObjects, daughters: FrameObjects, pair: tuple[int, int, int]
) -> float:
    """Return what it costs that an object became two, by the numbers of all three.

    Daughters go to both sides of where their mother was, and are of one size.
    """
    of, one, other = pair
    middle = (daughters.centres[one] + daughters.centres[other]) / 2
    aside = float(np.linalg.norm(middle - mother.centres[of])) / mother.diameters[of]
    smaller, larger = sorted(daughters.pixels[[one, other]].tolist())
    return float(min(aside, 1.0) + 1 - smaller / larger) / 2


def _near(a: FrameObjects, b: FrameObjects, farthest: float) -> npt.NDArray[np.int64]:
    """Return pairs as one number each that lie close enough to each other."""
    if not len(a) or not len(b):
        return np.zeros(0, np.int64)
    reach = farthest * (a.diameters.max() + b.diameters.max()) / 2
    found = KDTree(a.centres).sparse_distance_matrix(
        KDTree(b.centres), reach, output_type="ndarray"
    )
    near = found["v"] < farthest * _diameters(a, b, found["i"], found["j"])
    keys: npt.NDArray[np.int64] = (found["i"] * len(b) + found["j"])[near]
    return keys


def _diameters(
    a: FrameObjects, b: FrameObjects, first: npt.NDArray[Any], second: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    both: npt.NDArray[np.float64] = a.diameters[first] + b.diameters[second]
    return both / 2
