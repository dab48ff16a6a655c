"""What is learned from an image larger than memory: the parts in which it is verified.

A part is a chunk of the labels, cut to what is verified in it and some pixels around.
Nothing is read before the training reads it: pixels by regions, and labels that are not
in memory from the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_unet.annotation.large import LargeAnnotation, Lesson
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.provenance import is_verified
from napari_unet.geometry.box import Box
from napari_unet.images.channels import Channels
from napari_unet.images.chosen import chosen_channels
from napari_unet.images.source import as_source
from napari_unet.project.identity import ImageIdentity
from napari_unet.session.images.image import OpenImage
from napari_unet.tasks.sample import Sample

_AROUND = 96
"""Pixels around what is verified that a network sees, too."""

_NONE = ObjectCounts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class LargeLesson:
    """A part of a large image in which something may be verified.

    `counts` are those of the image in its first part, and nothing in all others, so
    that their sum is right.
    """

    identity: ImageIdentity
    pixels: Any
    channels: Channels | None
    lesson: Lesson
    counts: ObjectCounts

    def as_sample(self) -> Sample | None:
        """Return it as training takes it; None if nothing in it can be learned."""
        read = self.lesson.read()
        if read is None:
            return None
        labels, provenance = read
        trainable = is_verified(provenance)
        if self.lesson.open:
            trainable &= ~np.isin(labels, list(self.lesson.open))
        if not trainable.any():
            return None
        box = _around(trainable)
        seen, axes = chosen_channels(self.pixels, self.identity.axes, self.channels)
        pixels = as_source(seen)
        place = _with_channels(box.placed_in(self.lesson.box), axes, pixels.shape)
        part = pixels.read(place)
        return Sample(part, labels[box.slices], trainable[box.slices], axes)


def large_lessons_of(image: OpenImage) -> list[LargeLesson]:
    """Return the parts of an image, if it is large, of which something is verified."""
    annotation = image.annotation
    if not isinstance(annotation, LargeAnnotation):
        return []
    counts = [annotation.counts()]
    return [
        LargeLesson(
            image.identity,
            image.pixels,
            image.reading.channels,
            lesson,
            counts.pop() if counts else _NONE,
        )
        for lesson in annotation.lessons()
    ]


def _around(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Box:
    places = np.nonzero(mask)
    box = Box(
        tuple(int(each.min()) for each in places),
        tuple(int(each.max()) + 1 for each in places),
    )
    grown = box.grow(_AROUND, mask.shape)
    lone = mask.ndim - 2
    start = (*box.start[:lone], *grown.start[lone:])
    return Box(start, (*box.stop[:lone], *grown.stop[lone:]))


def _with_channels(box: Box, axes: str, shape: tuple[int, ...]) -> Box:
    """Return a box of labels as a box of their image."""
    ends = iter(box.slices)
    start, stop = [], []
    for axis, n in zip(axes, shape, strict=True):
        each = slice(0, n) if axis == "C" else next(ends)
        start.append(int(each.start))
        stop.append(int(each.stop))
    return Box(tuple(start), tuple(stop))
