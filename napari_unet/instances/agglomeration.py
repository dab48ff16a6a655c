"""Fragments become objects, by what is seen across the borders between them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap

_Sum = TypeVar("_Sum", float, npt.NDArray[np.float32])


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Pairs of fragments that touch, with what was summed up along each border.

    Across is how far one sees from each side over to the other, away how far back.
    """

    first: npt.NDArray[np.integer[Any]]
    second: npt.NDArray[np.integer[Any]]
    across: npt.NDArray[np.float64]
    away: npt.NDArray[np.float64]


def contact(across: _Sum, away: _Sum) -> _Sum:
    """Return how much a border looks like one between objects that touch.

    1 where nothing is seen across it; 0 or less within an object, since from the middle
    of anything one sees as far to one side as to the other.
    """
    return (away - across) / (away + across + 1e-9)


def merge_fragments(count: int, borders: Borders, most: float) -> LabelMap:
    """Merge the two fragments whose border is least a contact, again and again.

    The border of what was merged is that of its parts, together: average linkage, as in
    GASP (Bailoni et al., CVPR 2022). It ends when every border is a contact by `most`.

    Returns
    -------
    ndarray of int32, shape (count + 1,)
        The fragment that stands for each one's object; 0 for 0.
    """
    around: list[dict[int, tuple[float, float]]] = [{} for _ in range(count + 1)]
    queue: list[tuple[float, int, int, float, float]] = []

    def offer(a: int, b: int, across: float, away: float) -> None:
        around[a][b] = around[b][a] = (across, away)
        score = contact(across, away)
        if score < most:
            heapq.heappush(queue, (score, a, b, across, away))

    for border in zip(
        borders.first.tolist(),
        borders.second.tolist(),
        borders.across.tolist(),
        borders.away.tolist(),
        strict=True,
    ):
        offer(*border)
    owner = np.arange(count + 1, dtype=np.int32)
    while queue:
        _, a, b, *seen = heapq.heappop(queue)
        if around[a].get(b) != tuple(seen):
            continue  # one of them was merged meanwhile, or their border grew
        if len(around[a]) < len(around[b]):
            a, b = b, a
        owner[b] = a
        del around[a][b]
        gone, around[b] = around[b], {}
        for other, (across, away) in gone.items():
            if other == a:
                continue
            del around[other][b]
            more_across, more_away = around[a].get(other, (0.0, 0.0))
            offer(a, other, across + more_across, away + more_away)
    while not np.array_equal(owner[owner], owner):
        owner = owner[owner]
    return owner
