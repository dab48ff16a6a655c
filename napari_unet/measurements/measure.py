"""Measure the objects of an image.

How it flows: a frame at a time, sums over the pixels of each object are collected in
bands (`sums`), which become sizes and shapes (`shape`); how sure a model is of an
object comes from its maps, where they are at hand (`confidence`). All of it is then
put side by side (`table`).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.jobs import drained
from napari_unet.geometry.axes import result_axes, to_canonical
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.measurements.confidence import Foreground, iter_confidence
from napari_unet.measurements.shape import Spacing, plane_shapes, volume_shapes
from napari_unet.measurements.sums import Floats, ObjectSums, iter_sums
from napari_unet.measurements.table import Column, Measurements

_TINY, _HUGE = 1e-3, 1e9

NO_SPACING: Spacing = MappingProxyType({})

_ID = "The label of the object"
_FRAME = "The frame in which it was measured, from 0"
_VERIFIED = "Whether a person stands behind all of its pixels"
_CONFIDENCE = (
    "How sure the model is, from 0 to 1: how far the foreground that it sees agrees "
    "with the object and with a ring around it. Blank where no prediction is at hand."
)
_MIDDLE = "Mean coordinate of its pixels, from 0"
_GREY = MappingProxyType(
    {
        "mean": "Mean grey value",
        "min": "Smallest grey value",
        "max": "Largest grey value",
    }
)


def iter_measure_objects(
    labels: LabelMap,
    axes: str,
    *,
    image: npt.NDArray[Any] | None = None,
    verified: Mask | None = None,
    channels: Sequence[str] = (),
    spacing: Spacing = NO_SPACING,
    foreground: Foreground | None = None,
) -> Generator[None, None, Measurements]:
    """Measure every object, a band at a time; closing it in between cancels.

    Parameters
    ----------
    labels : ndarray of int
        Ids, 0 is background, with the axes of the image without C.
    axes : str
        Those of the image, such as "CYX".
    image : ndarray, optional
        Where grey values are measured.
    verified : ndarray of bool, optional
        Shape of `labels`.
    channels : sequence of str
        How the channels are called, if they are several.
    spacing : mapping
        Micrometres from pixel to pixel along Z, Y and X, as far as they are known.
    foreground : callable, optional
        Returns what a model says of a frame and a section; see
        `napari_unet.measurements.confidence`.

    Returns
    -------
    Measurements
        Rows are ordered by frame, and by id. In several sections objects are volumes;
        with T they are measured frame by frame.
    """
    letters = result_axes(axes)
    stack = to_canonical(labels, letters)[:, 0]
    if verified is None:
        verified = np.broadcast_to(np.False_, labels.shape)
    right = to_canonical(verified, letters)[:, 0]
    grey = np.zeros((len(stack), 0, *stack.shape[1:]))
    if image is not None:
        grey = to_canonical(image, axes)
    parts, ids, scores = [], [], []
    for number, frame in enumerate(stack):
        yield
        dense, found = compact(frame)
        ids.append(found[1:])
        parts.append((yield from iter_sums(dense, right[number], grey[number])))
        score = np.full(len(ids[-1]), np.nan)
        if foreground is not None:
            score = yield from iter_confidence(dense, len(score), number, foreground)
        scores.append(score)
    sums = ObjectSums.joined(parts)
    # A lone section is a plane, whatever its axes are called.
    shapes = volume_shapes if stack.shape[1] > 1 else plane_shapes
    measured = shapes(sums, spacing)
    return _tabulate(sums, ids, np.concatenate(scores), letters, channels, measured)


measure_objects = drained(iter_measure_objects)
"""Measures every object, all at once."""


def _tabulate(
    sums: ObjectSums,
    ids: Sequence[LabelMap],
    confidence: Floats,
    letters: str,
    channels: Sequence[str],
    measured: Sequence[Column],
) -> Measurements:
    """Put side by side what was measured in all frames, of each of which are ids."""
    frame = np.repeat(np.arange(len(ids)), [len(each) for each in ids])
    columns = (
        Column("id", "", _ID, np.concatenate(ids)),
        *([Column("frame", "", _FRAME, frame)] if "T" in letters else []),
        Column("verified", "", _VERIFIED, sums.verified == sums.pixels),
        Column("confidence", "", _CONFIDENCE, confidence, 2),
        *measured,
        *_grey_values(sums, channels),
        *_middles(sums, letters),
    )
    ends = dict(zip("ZYX", sums.boxes.transpose(1, 2, 0), strict=True))
    ends["T"] = np.stack([frame, frame + 1], axis=-1)
    boxes = np.stack([ends[axis] for axis in letters], axis=-1)
    return Measurements(columns, boxes, measured[0].name)


def _grey_values(sums: ObjectSums, channels: Sequence[str]) -> list[Column]:
    columns = []
    for channel, total in enumerate(sums.total):
        of = f" {channels[channel]}" if len(sums.total) > 1 and channels else ""
        found = {
            "mean": total / sums.pixels,
            "min": sums.least[channel],
            "max": sums.most[channel],
        }
        columns += [
            Column(f"{name}{of}", "", _GREY[name], values, _decimals(values))
            for name, values in found.items()
        ]
    return columns


def _decimals(values: Floats) -> int | None:
    """Return how many decimals leave the largest number four digits that count.

    Numbers that would be long or all zeros then are written with a power of ten.
    """
    values = values[np.isfinite(values)]
    most = float(np.abs(values).max(initial=0))
    if most and not _TINY < most < _HUGE:
        return None
    whole = most == 0 or bool((values == np.round(values)).all())
    return 0 if whole else max(0, 3 - math.floor(math.log10(most)))


def _middles(sums: ObjectSums, letters: str) -> list[Column]:
    return [
        Column(axis.lower(), "px", _MIDDLE, sums.middle[place], 1)
        for axis, place in (("X", 2), ("Y", 1), ("Z", 0))
        if axis in letters
    ]
