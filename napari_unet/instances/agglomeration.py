"""Fragments become objects, unless the borders between them are contacts."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap

_FEW = 20_000
"""So many borders are soon merged one by one."""

_WORTH = 0.95
"""Merging many at once ends when more than this share of the borders is left."""

_MERGES_A_STEP = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Pairs of fragments that touch, along how many pixels, and the sum of contacts."""

    first: npt.NDArray[np.integer[Any]]
    second: npt.NDArray[np.integer[Any]]
    pixels: npt.NDArray[np.integer[Any]]
    contact: npt.NDArray[np.float64]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """How much each is a contact."""
        return self.contact / self.pixels


def sum_borders(
    first: npt.NDArray[np.integer[Any]],
    second: npt.NDArray[np.integer[Any]],
    pixels: npt.NDArray[np.integer[Any]],
    contact: npt.NDArray[np.floating[Any]],
) -> Borders:
    """Return one border for every two that touch, whatever their order."""
    low, high = np.minimum(first, second), np.maximum(first, second).astype(np.int64)
    size = int(high.max(initial=0)) + 1
    pairs, inverse = np.unique(low * np.int64(size) + high, return_inverse=True)
    return Borders(
        pairs // size,
        pairs % size,
        np.bincount(inverse, pixels, len(pairs)).astype(np.int64),
        np.asarray(np.bincount(inverse, contact, len(pairs)), np.float64),
    )


def iter_merge(
    count: int, borders: Borders, most: float
) -> Generator[None, None, LabelMap]:
    """Merge the two fragments whose border is least a contact, again and again.

    The border of what was merged is that of its parts, together: average linkage, as in
    GASP (Bailoni et al., CVPR 2022). It ends when the mean contact of every border is
    `most` or more.

    A mean never falls below all of its parts. So two fragments each of which has no
    border that is less of a contact than that between them will be merged, whatever
    else is merged before: where there are many, all of these are merged at once.

    Returns
    -------
    ndarray of int32, shape (count + 1,)
        The fragment that stands for each one's object; 0 for 0.
    """
    owner = np.arange(count + 1, dtype=np.int32)
    before = np.inf
    while _FEW < len(borders.first) < _WORTH * before:
        before = len(borders.first)
        into = _closest(count, borders, most)
        owner = into[owner]
        first, second = into[borders.first], into[borders.second]
        apart = first != second
        borders = sum_borders(
            first[apart], second[apart], borders.pixels[apart], borders.contact[apart]
        )
        yield
    into = yield from _iter_merge_one_by_one(count, borders, most)
    return into[owner]


def _closest(count: int, borders: Borders, most: float) -> LabelMap:
    """Return what each fragment is merged into: those that are each other's closest."""
    mean = borders.mean
    lowest = np.full(count + 1, most)
    for side in (borders.first, borders.second):
        np.minimum.at(lowest, side, mean)
    alike = (mean == lowest[borders.first]) & (mean == lowest[borders.second])
    places = np.flatnonzero(alike & (mean < most))
    first, second = borders.first[places], borders.second[places]
    # Of equal ones any may be the first, but in order a row would be merged in turn.
    turn = np.random.default_rng(0).permutation(len(places))
    earliest = np.full(count + 1, len(places))
    for side in (first, second):
        np.minimum.at(earliest, side, turn)
    chosen = (turn == earliest[first]) & (turn == earliest[second])
    into = np.arange(count + 1, dtype=np.int32)
    into[second[chosen]] = first[chosen]
    return into


def _iter_merge_one_by_one(
    count: int, borders: Borders, most: float
) -> Generator[None, None, LabelMap]:
    """Do the same by a queue of all borders."""
    around: list[dict[int, tuple[int, float]]] = [{} for _ in range(count + 1)]
    queue: list[tuple[float, int, int, int, float]] = []

    def offer(a: int, b: int, pixels: int, contact: float) -> None:
        around[a][b] = around[b][a] = (pixels, contact)
        if contact < most * pixels:
            heapq.heappush(queue, (contact / pixels, a, b, pixels, contact))

    for border in zip(
        borders.first.tolist(),
        borders.second.tolist(),
        borders.pixels.tolist(),
        borders.contact.tolist(),
        strict=True,
    ):
        offer(*border)
    owner = np.arange(count + 1, dtype=np.int32)
    tries = 0
    while queue:
        tries += 1
        if tries % _MERGES_A_STEP == 0:
            yield
        _, a, b, *seen = heapq.heappop(queue)
        if around[a].get(b) != tuple(seen):
            continue  # one of them was merged meanwhile, or their border grew
        if len(around[a]) < len(around[b]):
            a, b = b, a
        owner[b] = a
        del around[a][b]
        gone, around[b] = around[b], {}
        for other, (pixels, contact) in gone.items():
            if other == a:
                continue
            del around[other][b]
            more_pixels, more_contact = around[a].get(other, (0, 0.0))
            offer(a, other, pixels + more_pixels, contact + more_contact)
    return settled(owner)


def settled(owner: LabelMap) -> LabelMap:
    """Return the last owner of each, where owners are owned themselves."""
    while not np.array_equal(owner[owner], owner):
        owner = owner[owner]
    return owner
