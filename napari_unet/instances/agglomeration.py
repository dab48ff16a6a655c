"""Fragments become objects, unless the borders between them are contacts."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Pairs of fragments that touch, along how many pixels, and the sum of contacts."""

    first: npt.NDArray[np.integer[Any]]
    second: npt.NDArray[np.integer[Any]]
    pixels: npt.NDArray[np.integer[Any]]
    contact: npt.NDArray[np.float64]


def merge_fragments(count: int, borders: Borders, most: float) -> LabelMap:
    """Merge the two fragments whose border is least a contact, again and again.

    The border of what was merged is that of its parts, together: average linkage, as in
    GASP (Bailoni et al., CVPR 2022). It ends when the mean contact of every border is
    `most` or more.

    Returns
    -------
    ndarray of int32, shape (count + 1,)
        The fragment that stands for each one's object; 0 for 0.
    """
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
    while queue:
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
    while not np.array_equal(owner[owner], owner):
        owner = owner[owner]
    return owner
