"""Objects of any shape, by how far they reach along the axes."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.pieces import (
    connected_numbers,
    connected_pieces,
    neighbours,
)
from napari_unet.instances.agglomeration import Borders, iter_merge, sum_borders
from napari_unet.instances.contacts import Places, contacts, iter_contacts
from napari_unet.instances.crumbs import join_crumbs
from napari_unet.instances.decoding import Decoding, Maps
from napari_unet.instances.fragments import Steps, find_fragments, iter_steps
from napari_unet.instances.joints import mend_joints
from napari_unet.instances.reach import (
    Rays,
    known_along_z,
    reach_channels,
    reach_maps,
)

_TOUCHING = 6.0
"""How much more a reach counts in training that ends at another object."""


class ReachDecoding(Decoding):
    """Fragments meet in the middle of what they see, and merge unless they touch.

    Whether a border is one between objects is asked where it is, not of the shapes on
    both sides. So one threshold suits all shapes, and true maps decode to the labels
    that they were drawn from.

    Parameters
    ----------
    contact : float
        Fragments are parted where the mean of their border is the square of this, or
        more; see `napari_unet.instances.contacts.contacts`. Networks that are unsure
        differ by a factor, so the root is what moves evenly.
    farthest : int
        Pixels of the network beyond which the reach is not counted.
    """

    steps: ClassVar[dict[str, float]] = {"contact": 0.04, "foreground": 0.1}
    parting: ClassVar[str] = "contact"
    parting_limits: ClassVar[tuple[float, float]] = (0.1, 0.8)
    parting_words: ClassVar[str] = (
        "How clearly two objects must be seen to touch to be parted."
    )
    of_the_maps: ClassVar[frozenset[str]] = frozenset({"farthest"})
    drawn_from_crops: ClassVar[bool] = True
    # What is said of two neighbours is true of no others between them.
    enlarges_maps: ClassVar[bool] = False
    seen_from_sides: ClassVar[bool] = True

    kind: Literal["reach"] = "reach"
    min_size: int = Field(4, ge=1, le=2**31 - 1)
    contact: float = Field(0.15, gt=0, lt=1)
    farthest: int = Field(8, ge=1, le=64)

    def channels(self, dims: int) -> int:
        """Foreground, and two directions along each axis."""
        return reach_channels(dims)

    def map_names(self, dims: int) -> tuple[str, ...]:
        """Foreground, and the share of `farthest` pixels that an object reaches."""
        axes = "zyx"[-dims:]
        ways = (f"reach {way} along {a}" for a in axes for way in ("back", "ahead"))
        return ("foreground", *ways)

    def opposites(self, dims: int) -> tuple[tuple[int, int], ...]:
        """Backwards and forwards, for every axis."""
        return tuple((1 + 2 * axis, 2 + 2 * axis) for axis in range(dims))

    def turned(self, dims: int) -> tuple[int, ...]:
        """Backwards along X lies where Y led forwards, and so on."""
        *others, y_back, y_ahead, x_back, x_ahead = range(self.channels(dims))
        return (*others, x_back, x_ahead, y_ahead, y_back)

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
        """Return the maps, and where no reach leads out of the crop.

        Few pixels see where objects touch, and all depends on these, so they count
        more: as the gaps between cells do in Ronneberger, Fischer and Brox (2015).
        """
        rays = Rays(labels, self.farthest)
        counts = rays.known() * (1 + _TOUCHING * rays.ends_at_object())
        return rays.maps(), counts

    def known(
        self, labels: npt.NDArray[np.integer[Any]], verified: Mask
    ) -> npt.NDArray[np.float32]:
        """Return where maps are known, see `napari_unet.instances.reach`."""
        if labels.ndim == 2 or verified.all():
            return super().known(labels, verified)
        return known_along_z(labels, verified, self.farthest)

    def iter_decode(
        self, maps: Maps, zoom: float = 1.0
    ) -> Generator[None, None, LabelMap]:
        """Divide the pieces of foreground in which some neighbours seem parted."""
        foreground, reach = maps[0] >= self.foreground, maps[1:]
        links, parted = [], []
        least = self.contact**2
        for axis in range(foreground.ndim):
            pairs = yield from iter_contacts(reach, axis, foreground, least)
            link = np.ones(foreground.shape, bool)
            link.reshape(-1)[pairs] = False
            links.append(link[neighbours(foreground.ndim, axis)[0]])
            parted.append(pairs)
        labels, count = connected_pieces(foreground, links)
        yield
        steps = yield from iter_steps(reach, self.farthest / zoom, labels)
        open_ = _hold_walkers(labels, count, parted, steps)
        if open_.any():
            divided = yield from self._iter_divide(
                reach, foreground, open_[labels], links, steps
            )
            labels = np.where(divided > 0, divided + count, labels)
            yield
        return join_crumbs(labels, self.least_area(zoom))

    def _iter_divide(
        self,
        reach: Maps,
        foreground: Mask,
        inside: Mask,
        links: list[Mask],
        steps: Steps,
    ) -> Generator[None, None, LabelMap]:
        fragments, count = find_fragments(steps.leads, inside, links)
        yield
        borders = _borders(fragments, reach, foreground)
        yield
        owner = yield from iter_merge(count, borders, self.contact**2)
        return owner[fragments]


def _hold_walkers(
    labels: LabelMap, count: int, parted: list[Places], steps: Steps
) -> Mask:
    """Return which linked pieces are no objects as they are, and keep walks on land.

    These are pieces that hold both of some neighbours that are parted, and those that
    some pixels leave, or come to, when they walk. All others would be found as they
    are: nothing merges across contacts alone. Who would step over background stays, in
    place.
    """
    unsure = np.zeros(count + 1, bool)
    owner = labels.reshape(-1)
    ones, others = [], []
    for axis, pairs in enumerate(parted):
        stride = math.prod(labels.shape[axis + 1 :])
        ones.append(owner[pairs])
        others.append(owner[pairs + stride])
    first, second = np.concatenate(ones), np.concatenate(others)
    unsure[first[first == second]] = True
    lands = connected_numbers(count + 1, first, second)
    leaving = steps.leaving
    first, second = owner[leaving], owner[steps.leads[leaving]]
    stays = lands[first] != lands[second]
    steps.leads[leaving[stays]] = leaving[stays]
    unsure[first[~stays]] = unsure[second[~stays]] = True
    return unsure


def _borders(fragments: LabelMap, reach: Maps, foreground: Mask) -> Borders:
    """Sum up the contacts along the borders between fragments."""
    ones, others = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    sums = [np.zeros(0, np.float32)]
    flat = fragments.reshape(-1)
    for axis in range(fragments.ndim):
        here, there = neighbours(fragments.ndim, axis)
        border = np.zeros(fragments.shape, bool)
        np.not_equal(fragments[here], fragments[there], out=border[here])
        pairs = np.flatnonzero(border)
        first, second = flat[pairs], flat[pairs + math.prod(border.shape[axis + 1 :])]
        both = (first > 0) & (second > 0)
        ones.append(first[both])
        others.append(second[both])
        sums.append(contacts(reach, axis, foreground, pairs[both]))
    contact = np.concatenate(sums)
    pixels = np.ones(len(contact), np.int64)
    return sum_borders(np.concatenate(ones), np.concatenate(others), pixels, contact)
