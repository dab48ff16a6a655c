"""Lines round labels: solid where a person stands behind them, or else dashed.

They lie on the pixels of what they surround, so neighbours have a line each.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from napari_unet.annotation.provenance import Provenance, ProvenanceMap, is_verified
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask

WIDTH = 2
"""Pixels."""

# Stripes across the plane cut lines of all directions but one into dashes. That one is
# seldom met: it is no axis, and no diagonal.
_DOWN, _RIGHT, _PERIOD, _DRAWN = 2, 3, 24, 15


_Index: TypeAlias = tuple[Any, ...]


def lines_in(labels: LabelMap, provenance: ProvenanceMap, box: Box) -> ProvenanceMap:
    """Return the lines in a box of an annotation, whose last two axes are the plane.

    Parameters
    ----------
    labels, provenance : ndarray
        All of them, of one shape.

    Returns
    -------
    ndarray of uint8, of the shape of the box
        `Provenance` of the pixels on a line, ``PREDICTED`` where it is dashed; 0
        elsewhere.
    """
    wider = widened(box, labels.shape)
    inside = labels[wider.slices]
    theirs = provenance[wider.slices]
    kinds = np.where(is_verified(theirs), theirs, inside != 0).astype(np.uint8)
    kinds[~_borders(inside, kinds)] = 0
    kinds = kinds[box.relative_to(wider).slices]
    kinds[(kinds == Provenance.PREDICTED) & ~_stripes(box)] = 0
    return kinds


def widened(box: Box, shape: tuple[int, ...]) -> Box:
    """Return where lines change when labels or provenance do in a box."""
    wider = box.grow(WIDTH, shape)
    start, stop = wider.start[-2:], wider.stop[-2:]
    return Box((*box.start[:-2], *start), (*box.stop[:-2], *stop))


def _borders(labels: LabelMap, kinds: ProvenanceMap) -> Mask:
    """Return what lies as near to something else as a line is wide.

    A background has no line where an object has one, or they would be twice as wide.
    """
    border, objects = np.zeros(labels.shape, bool), labels != 0
    apart = []
    for first, second in _NEIGHBOURS:
        turns = labels[first] != labels[second]
        turns |= kinds[first] != kinds[second]
        border[first] |= turns & (objects[first] | ~objects[second])
        border[second] |= turns & (objects[second] | ~objects[first])
        apart.append(turns)
    for _ in range(WIDTH - 1):
        thinner = border.copy()
        for (first, second), turns in zip(_NEIGHBOURS, apart, strict=True):
            border[first] |= thinner[second] & ~turns
            border[second] |= thinner[first] & ~turns
    return border


_NEIGHBOURS: tuple[tuple[_Index, _Index], ...] = (
    (np.s_[..., :-1, :], np.s_[..., 1:, :]),
    (np.s_[..., :-1], np.s_[..., 1:]),
)
"""Pixels above others, and left of others."""


def _stripes(box: Box) -> Mask:
    """Return where dashes are; they stay where they are, whatever is drawn anew."""
    (top, left), (bottom, right) = box.start[-2:], box.stop[-2:]
    down = _DOWN * np.arange(top, bottom)[:, None]
    across = _RIGHT * np.arange(left, right)
    return np.asarray((down + across) % _PERIOD < _DRAWN)
