"""The grey values that become 0 and 1, of an image that is read once, part by part."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from napari_unet.core.jobs import mapped
from napari_unet.geometry.axes import CANONICAL, Shape
from napari_unet.geometry.box import Box
from napari_unet.images.blocks import iter_blocks
from napari_unet.images.grey_values import BLOCK, Collector, GreyValues, collector_for
from napari_unet.images.normalize import AnyNormalization
from napari_unet.images.source import CanonicalImage


class Statistics(BaseModel):
    """What is known of the grey values of an image; a few numbers, as JSON.

    Attributes
    ----------
    normalization : Normalization
        What they were measured for.
    limits : tuple of (float, float)
        The grey values that become 0 and 1, one pair for each channel.
    """

    # Of huge numbers the limits may be infinite.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    normalization: AnyNormalization
    limits: tuple[tuple[float, float], ...]


@runtime_checkable
class _InPieces(Protocol):
    """An image that says in which shape its pixels lie together."""

    @property
    def piece(self) -> Shape: ...


def iter_statistics(
    image: CanonicalImage, normalization: AnyNormalization
) -> Generator[float, None, Statistics]:
    """Measure an image in one pass; yields which part of it is done.

    Equal to what `Normalization.limits` says of each channel as a whole, however the
    image is cut: exact for integers of up to 16 bits, and for other numbers as
    `napari_unet.images.grey_values.Sample.percentiles` says. At most a block of a few
    million pixels is in memory, with what is known of a channel; of channels that lie
    pixel by pixel, of all of them.

    Raises an InputError if a channel has no finite pixel, or a region cannot be read.
    """
    count = image.shape[1]
    if not normalization.measures:
        limits = (normalization.limits_of(None),) * count
        return Statistics(normalization=normalization, limits=limits)
    piece = _canonical_piece(image)
    together = count if piece[1] > 1 else 1
    measured: list[tuple[float, float]] = []
    for first in range(0, count, together):
        channels = range(first, first + together)
        steps = _iter_grey_values(image, channels, piece)
        part = partial(_part_of_all, first, together, count)
        found = yield from mapped(part, steps)
        measured += map(normalization.limits_of, found)
    return Statistics(normalization=normalization, limits=tuple(measured))


def _iter_grey_values(
    image: CanonicalImage, channels: range, piece: Shape
) -> Generator[float, None, list[GreyValues | None]]:
    """Return what there is in channels that are read together."""
    shape = (image.shape[0], len(channels), *image.shape[2:])
    one = (shape[0], *shape[2:])
    collectors = [collector_for(one, image.source.dtype) for _ in channels]
    done, size = 0, math.prod(shape)
    for block in iter_blocks(shape, piece, BLOCK):
        _collect(image, block, channels.start, collectors)
        done += math.prod(block.shape)
        yield done / size
    return [collector.found() for collector in collectors]


def _collect(
    image: CanonicalImage, block: Box, first: int, collectors: Sequence[Collector]
) -> None:
    """Read a block of channels, of which the first has this number, and collect it."""
    shift = (0, first, 0, 0, 0)
    pixels = image.read(block.placed_in(Box(shift, shift)))
    start, stop = list(block.start), list(block.stop)
    numbers = range(start.pop(1), stop.pop(1))
    place = Box(tuple(start), tuple(stop))
    for number, values in zip(numbers, pixels.swapaxes(0, 1), strict=True):
        collectors[number].add(place, values)


def _part_of_all(first: int, together: int, count: int, part: float) -> float:
    return (first + part * together) / count


def _canonical_piece(image: CanonicalImage) -> Shape:
    """Return the shape in which pixels lie together, along T, C, Z, Y and X."""
    if not isinstance(image.source, _InPieces):
        return (1,) * len(CANONICAL)
    extents = dict(zip(image.axes, image.source.piece, strict=True))
    return tuple(extents.get(axis, 1) for axis in CANONICAL)
