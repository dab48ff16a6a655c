"""What was taken for one object is cut where it is two before and afterwards.

Objects divide, and never become one. So where two objects of the frame before lie in
one, and two of a frame after it, they were not told apart: nearly always they touch. It
is cut by the outlines of before; each pixel that is in none of them goes to the
nearest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import scipy  # its modules are imported when they are used first

from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.tracking.objects import FrameObjects, objects_of


def cut_merged(
    before: FrameObjects,
    here: FrameObjects,
    after: Sequence[FrameObjects],
    spacing: Sequence[float],
    *,
    whole: Collection[int] = (),
) -> FrameObjects:
    """Return the objects of a frame, of which those are cut that are several.

    Parameters
    ----------
    before, here : FrameObjects
        Of the frame before, and of this one.
    after : sequence of FrameObjects
        Of the frames that follow, as many as objects may be one in a row.
    spacing : sequence of float
        How far pixels lie from each other.
    whole : collection of int
        The numbers, from 1, of objects that stay as they are.
    """
    parts = {
        number: inside
        for number, inside in _lying_in(before, here).items()
        if len(inside) > 1 and number not in whole and _parts(number, here, after)
    }
    if not parts:
        return here
    dense = here.dense.copy()
    places = scipy.ndimage.find_objects(dense)
    highest = len(here)
    for number, inside in parts.items():
        place = places[number - 1]
        mask = here.dense[place] == number
        shares = _shares(mask, before.dense[place], inside, spacing)
        # One of them keeps the number.
        dense[place][mask] = np.append(number, highest + np.arange(1, len(inside)))[
            shares[mask]
        ]
        highest += len(inside) - 1
    return objects_of(dense, spacing)


def _lying_in(one: FrameObjects, other: FrameObjects) -> dict[int, list[int]]:
    """Return which objects lie in which of another frame, with most of their pixels.

    By numbers from 1.
    """
    both = (one.dense > 0) & (other.dense > 0)
    parts, wholes, common = count_pairs(one.dense[both], other.dense[both])
    most = 2 * common > one.pixels[parts - 1]
    found: dict[int, list[int]] = {}
    for part, each in zip(parts[most].tolist(), wholes[most].tolist(), strict=True):
        found.setdefault(each, []).append(part)
    return found


def _parts(number: int, here: FrameObjects, after: Sequence[FrameObjects]) -> bool:
    """Whether an object is several in one of the frames that follow."""
    for then in after:
        inside = _lying_in(then, here).get(number, [])
        if len(inside) != 1:
            return len(inside) > 1
        (number,), here = inside, then
    return False


def _shares(
    mask: Mask, before: LabelMap, inside: Sequence[int], spacing: Sequence[float]
) -> npt.NDArray[np.intp]:
    """Return for each pixel to which of the objects of before it is nearest."""
    known = mask & np.isin(before, inside)
    nearest = scipy.ndimage.distance_transform_edt(
        ~known, sampling=spacing, return_distances=False, return_indices=True
    )
    shares: npt.NDArray[np.intp] = np.searchsorted(inside, before[tuple(nearest)])
    return shares
