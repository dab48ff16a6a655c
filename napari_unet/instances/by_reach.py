"""Objects of any shape, by how far they reach along the axes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import scipy
from pydantic import Field

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.pieces import neighbours
from napari_unet.instances.agglomeration import Borders, contact, merge_fragments
from napari_unet.instances.crumbs import join_crumbs
from napari_unet.instances.decoding import Decoding, Maps
from napari_unet.instances.fragments import find_fragments
from napari_unet.instances.joints import mend_joints
from napari_unet.instances.reach import known_in_crop, reach_channels, reach_maps


class ReachDecoding(Decoding):
    """Fragments meet in the middle of what they see, and merge unless they touch.

    Whether a border is one between objects is asked where it is, not of the shapes on
    both sides. So one threshold suits all shapes, and true maps decode to the labels
    that they were drawn from.

    Parameters
    ----------
    contact : float
        Fragments are parted where their border is that of two objects by this much, see
        `napari_unet.instances.agglomeration.contact`.
    farthest : int
        Pixels of the network beyond which the reach is not counted.
    """

    steps: ClassVar[dict[str, float]] = {"contact": 0.1, "foreground": 0.1}
    parting: ClassVar[str] = "contact"
    drawn_from_crops: ClassVar[bool] = True

    kind: Literal["reach"] = "reach"
    min_size: int = Field(4, ge=1, le=2**31 - 1)
    contact: float = Field(0.5, gt=0, lt=1)
    farthest: int = Field(8, ge=1, le=64)

    def channels(self, dims: int) -> int:
        """Foreground, and two directions along each axis."""
        return reach_channels(dims)

    def iter_draw(
        self, labels: npt.NDArray[np.integer[Any]]
    ) -> Generator[None, None, Maps]:
        """Return `napari_unet.instances.reach.reach_maps`."""
        mended = self.mended(labels)
        yield
        return reach_maps(mended, self.farthest)

    def mended(self, labels: npt.NDArray[np.integer[Any]]) -> LabelMap:
        """Return labels with small numbers; parts that touch by corners are joined."""
        return mend_joints(compact(labels)[0])

    def draw_crop(self, labels: npt.NDArray[np.integer[Any]]) -> tuple[Maps, Maps]:
        """Return the maps, and where no reach leads out of the crop."""
        known = known_in_crop(labels, self.farthest)
        return reach_maps(labels, self.farthest), known

    def iter_decode(
        self, maps: Maps, zoom: float = 1.0
    ) -> Generator[None, None, LabelMap]:
        """Divide the pieces of foreground in which some neighbours seem parted."""
        foreground, reach = maps[0] >= self.foreground, maps[1:]
        dims = foreground.ndim
        links = []
        parted = np.zeros_like(foreground)
        for axis in range(dims):
            link: Mask = contact(*_sights(reach, axis)) < self.contact
            here, there = neighbours(dims, axis)
            parted[here] |= ~link & foreground[here] & foreground[there]
            links.append(link)
            yield
        labels, count = scipy.ndimage.label(foreground)
        contested = np.zeros(count + 1, bool)
        contested[labels[parted]] = True
        yield
        if contested[1:].any():
            inside = contested[labels]
            divided = yield from self._iter_divide(reach, inside, links, zoom)
            labels = np.where(inside, divided + count, labels)
            yield
        return join_crumbs(labels.astype(np.int32), self.least_area(zoom))

    def _iter_divide(
        self, reach: Maps, inside: Mask, links: list[Mask], zoom: float
    ) -> Generator[None, None, LabelMap]:
        pixels = self.farthest / zoom
        fragments, count = find_fragments(reach, pixels, inside, links)
        yield
        borders = _borders(fragments, count, reach)
        yield
        return merge_fragments(count, borders, self.contact)[fragments]


def _sights(reach: Maps, axis: int) -> tuple[Maps, Maps]:
    """Return how far is seen from both of two neighbours, across and away."""
    here, there = neighbours(reach.ndim - 1, axis)
    back, ahead = reach[2 * axis], reach[2 * axis + 1]
    return ahead[here] + back[there], back[here] + ahead[there]


def _borders(fragments: LabelMap, count: int, reach: Maps) -> Borders:
    """Sum up what is seen along the borders between fragments."""
    keys: list[npt.NDArray[np.int64]] = []
    across: list[Maps] = []
    away: list[Maps] = []
    for axis in range(fragments.ndim):
        here, there = neighbours(fragments.ndim, axis)
        first, second = fragments[here], fragments[there]
        border = (first != second) & (first > 0) & (second > 0)
        low = np.minimum(first[border], second[border]).astype(np.int64)
        keys.append(low * (count + 1) + np.maximum(first[border], second[border]))
        for sums, seen in zip((across, away), _sights(reach, axis), strict=True):
            sums.append(seen[border])
    pairs, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    first, second = np.divmod(pairs, count + 1)
    totals = np.zeros((2, len(pairs)))
    for total, parts in zip(totals, (across, away), strict=True):
        np.add.at(total, inverse, np.concatenate(parts))
    return Borders(first, second, totals[0], totals[1])
