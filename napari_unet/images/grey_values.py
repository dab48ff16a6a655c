"""What grey values a channel has, collected a part at a time in bounded memory.

Integers of up to 16 bits are counted, so whatever is asked of them is exact. Of all
other numbers an evenly thinned sample is kept, which is all of them in a channel of up
to eight million pixels. It depends on nothing but the shape of the channel: whoever
reads it, in whatever parts, gets the same sample and so the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import Shape
from napari_unet.geometry.box import Box
from napari_unet.images.blocks import iter_blocks

BLOCK = 2**22
"""Pixels that are looked at together."""

_SAMPLE = 4_000_000
_AT_ONCE = 2**20


class GreyValues(Protocol):
    """What can be asked of the finite grey values of a channel, one or more."""

    def percentiles(self, low: float, high: float) -> tuple[float, float]:
        """Return two percentiles, between which values are interpolated."""
        ...

    def extremes(self) -> tuple[float, float]:
        """Return the lowest and the highest value."""
        ...

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation."""
        ...


class Collector(Protocol):
    """Takes the parts of a channel, each pixel once, in any order."""

    def add(self, region: Box, values: npt.NDArray[Any]) -> None:
        """Take what lies in a region of the channel."""
        ...

    def found(self) -> GreyValues | None:
        """Return what there is; None where no pixel is finite."""
        ...


def collector_for(shape: Shape, dtype: np.dtype[Any]) -> Collector:
    """Return what collects the grey values of a channel of this shape and data type."""
    if dtype.kind in "biu" and dtype.itemsize <= 2:
        return _Counts(dtype)
    return _Thinned(shape, dtype)


def collect(channel: npt.NDArray[Any]) -> GreyValues | None:
    """Return the grey values of a channel in memory; None where no pixel is finite."""
    collector = collector_for(channel.shape, channel.dtype)
    nothing = (1,) * channel.ndim
    for block in iter_blocks(channel.shape, nothing, BLOCK):
        collector.add(block, channel[block.slices])
    return collector.found()


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often each whole number is there, from the first one on."""

    first: int
    counts: npt.NDArray[np.int64]

    def percentiles(self, low: float, high: float) -> tuple[float, float]:
        """Return what numpy returns for all pixels."""
        up_to = np.cumsum(self.counts)
        one, other = (self._percentile(each, up_to) for each in (low, high))
        return one, other

    def extremes(self) -> tuple[float, float]:
        """Return the lowest and the highest number that is there."""
        there = np.flatnonzero(self.counts)
        return float(self.first + there[0]), float(self.first + there[-1])

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation of all pixels."""
        values = np.arange(self.first, self.first + len(self.counts), dtype=np.float64)
        mean = float(np.average(values, weights=self.counts))
        variance = np.average((values - mean) ** 2, weights=self.counts)
        return mean, math.sqrt(variance)

    def _percentile(self, percent: float, up_to: npt.NDArray[np.int64]) -> float:
        place = (int(up_to[-1]) - 1) * (percent / 100)
        before = math.floor(place)
        ends = np.searchsorted(up_to, [before, min(before + 1, up_to[-1] - 1)], "right")
        low, high = (float(self.first + end) for end in ends)
        part = place - before
        # As numpy rounds.
        if part >= 0.5:
            return high - (high - low) * (1 - part)
        return low + (high - low) * part


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some or all of the values."""

    values: npt.NDArray[Any]

    def percentiles(self, low: float, high: float) -> tuple[float, float]:
        """Return two percentiles of the sample.

        Of larger channels the sample has at least four million values. As far as these
        are as good as random ones, what is returned for a percentile p lies between the
        percentiles p - d and p + d of the whole channel in 999 of 1000 images, where d
        is 0.006 at 99.9, 0.02 at 1, and 0.09 at 50 (3.3 standard deviations of the
        binomial distribution).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            one, other = np.percentile(self.values, [low, high])
        return float(one), float(other)

    def extremes(self) -> tuple[float, float]:
        """Return the lowest and the highest value of the sample."""
        return float(self.values.min()), float(self.values.max())

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation of the sample."""
        values = self.values.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            return float(values.mean()), float(values.std())


class _Counts:
    def __init__(self, dtype: np.dtype[Any]) -> None:
        bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
        self._first = int(np.iinfo(dtype).min) if dtype.kind == "i" else 0
        self._counts = np.zeros(2**bits, np.int64)

    def add(self, region: Box, values: npt.NDArray[Any]) -> None:
        del region
        places = values.astype(np.intp).ravel()
        places -= self._first
        self._counts += np.bincount(places, minlength=len(self._counts))

    def found(self) -> GreyValues | None:
        return Histogram(self._first, self._counts) if self._counts.any() else None


@dataclass(slots=True, eq=False)
class _Thinned:
    """Every n-th value, in the order of the channel, and some others in need."""

    shape: Shape
    dtype: np.dtype[Any]
    step: int = field(init=False)
    sample: npt.NDArray[Any] = field(init=False)
    finite: bool = False  # whether a finite value is in the sample
    others: list[npt.NDArray[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = math.prod(self.shape)
        self.step = max(1, size // _SAMPLE)
        self.sample = np.zeros(math.ceil(size / self.step), self.dtype)

    def add(self, region: Box, values: npt.NDArray[Any]) -> None:
        for places, inside in self._iter_places(region):
            picked = values[inside]
            self.sample[places] = picked
            self.finite = self.finite or bool(np.isfinite(picked).any())
        if not self.finite and sum(map(len, self.others)) < _SAMPLE:
            self.others.append(values[np.isfinite(values)][:_SAMPLE])

    def found(self) -> GreyValues | None:
        finite = self.sample[np.isfinite(self.sample)]
        if not finite.size and self.others:
            finite = np.concatenate(self.others)
        return Sample(finite) if finite.size else None

    def _iter_places(
        self, region: Box
    ) -> Iterator[tuple[npt.NDArray[np.intp], tuple[npt.NDArray[np.intp], ...]]]:
        """Yield places in the sample, and where in the region their values are."""
        last = tuple(stop - 1 for stop in region.stop)
        first = -(-self._flat(region.start) // self.step)
        end = self._flat(last) // self.step + 1
        for start in range(first, end, _AT_ONCE):
            places = np.arange(start, min(end, start + _AT_ONCE))
            at = np.unravel_index(places * self.step, self.shape)
            ends = zip(at, region.start, region.stop, strict=True)
            inside = np.logical_and.reduce([(n >= a) & (n < b) for n, a, b in ends])
            pairs = zip(at, region.start, strict=True)
            yield places[inside], tuple(n[inside] - a for n, a in pairs)

    def _flat(self, at: Shape) -> int:
        return int(np.ravel_multi_index(at, self.shape))
