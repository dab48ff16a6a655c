"""Objects of planes that are found one by one: ids over a stack and over time."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import compact, count_pairs
from napari_unet.geometry.maps import LabelMap


def iter_link_planes(
    planes: npt.NDArray[np.integer[Any]],
) -> Generator[None, None, LabelMap]:
    """Give objects of neighbouring planes (Z, Y, X) one id where their IoU exceeds 0.5.

    Ids are 1, 2, ... in the order in which objects begin.
    """
    linked = np.zeros(planes.shape, np.int32)
    highest = 0
    for z, plane in enumerate(planes):
        dense, found = compact(plane)
        ids = np.zeros(len(found), np.int32)
        if z:
            below, above = _overlapping(linked[z - 1], dense)
            ids[above] = below
        new = np.flatnonzero(ids[1:] == 0) + 1
        ids[new] = highest + np.arange(1, len(new) + 1)
        linked[z] = ids[dense]
        highest += len(new)
        yield
    return linked


def iter_number_objects(
    stacks: LabelMap, *, link: bool = True
) -> Generator[None, None, None]:
    """Give objects of stacks (T, Z, Y, X) the ids 1, 2, ..., without gaps, in place.

    Before that, the objects of each stack are linked if its planes were found one by
    one (`link`).
    """
    highest = 0
    for stack in stacks:
        if link and len(stack) > 1:
            stack[:] = yield from iter_link_planes(stack)
        dense, ids = compact(stack)
        numbers = np.arange(highest, highest + len(ids), dtype=np.int32)
        numbers[0] = 0
        stack[:] = numbers[dense]
        highest += len(ids) - 1
        yield


def _overlapping(
    below: npt.NDArray[np.integer[Any]], above: npt.NDArray[np.integer[Any]]
) -> tuple[LabelMap, LabelMap]:
    """Return pairs of ids whose intersection over union exceeds one half."""
    both = (below > 0) & (above > 0)
    lower, upper, overlap = count_pairs(below[both], above[both])
    areas = np.bincount(below.ravel())[lower] + np.bincount(above.ravel())[upper]
    alike = 2 * overlap > areas - overlap
    return lower[alike], upper[alike]
