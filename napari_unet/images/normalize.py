"""Bring images of any origin to one range of grey values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    model_validator,
)

from napari_unet.errors import InputError
from napari_unet.images.grey_values import GreyValues, collect


class Normalization(BaseModel, ABC):
    """Maps two grey values of every channel to 0 and 1.

    Statistics come from the whole image, so tiles agree with each other, and from
    finite pixels alone.

    Attributes
    ----------
    clip : tuple of float
        What is below or above these afterwards becomes these.
    measures : bool
        Whether grey values are looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    measures: ClassVar[bool] = True

    def limits(self, channel: npt.NDArray[Any]) -> tuple[float, float]:
        """Return the grey values of a channel that become 0 and 1.

        Raises an InputError if no pixel is finite.
        """
        return self.limits_of(collect(channel) if self.measures else None)

    def limits_of(self, found: GreyValues | None) -> tuple[float, float]:
        """Return the same for grey values that were collected.

        Raises an InputError if there are none, and they are needed.
        """
        if found is None:
            raise InputError(
                "The image has no finite pixel (all are NaN or infinite), "
                "so there is nothing to segment; check the file."
            )
        return self._limits_of(found)

    @abstractmethod
    def _limits_of(self, found: GreyValues) -> tuple[float, float]:
        """Return the grey values that become 0 and 1."""

    @property
    @abstractmethod
    def in_words(self) -> str:
        """What is done to an image, for people whose program does not do it."""

    def apply(self, image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Normalise an image of shape (C, ...), channel by channel, to float32."""
        return self.scale(image, [self.limits(channel) for channel in image])

    def scale(
        self, image: npt.NDArray[Any], limits: Sequence[tuple[float, float]]
    ) -> npt.NDArray[np.float32]:
        """Normalise an image (C, ...), or a part of it, with the limits of the whole.

        Pixels that are not finite become 0, which is the darkest of the usual range.
        """
        channels = zip(image, limits, strict=True)
        return np.stack([_scale(each, *ends, self.clip) for each, ends in channels])


class PercentileNormalization(Normalization):
    """Map two percentiles of every channel to 0 and 1.

    One hot pixel moves nothing; a saturated or mostly empty channel, whose percentiles
    coincide, falls back to its extremes, and a constant channel becomes 0.

    Parameters
    ----------
    low, high : float
        Percentiles, between 0 and 100.
    """

    clip: ClassVar[tuple[float, float]] = (-1.0, 4.0)

    low: float = Field(1.0, ge=0, le=100)
    high: float = Field(99.9, ge=0, le=100)

    @model_validator(mode="after")
    def _ordered(self) -> PercentileNormalization:
        if self.low >= self.high:
            raise ValueError("the low percentile must be below the high one")
        return self

    def _limits_of(self, found: GreyValues) -> tuple[float, float]:
        """Return two percentiles, or the extremes."""
        low, high = found.percentiles(self.low, self.high)
        return (low, high) if low < high else found.extremes()

    @property
    def in_words(self) -> str:
        """Which percentiles, and what is clipped."""
        low, high = self.clip
        return (
            f"Each channel: less its percentile {self.low:g} over the whole image, "
            f"divided by the difference to its percentile {self.high:g}, clipped to "
            f"{low:g} to {high:g}."
        )


class StatedPercentiles(Normalization):
    """Map two percentiles of every channel to 0 and 1 as networks of others had it.

    Parameters
    ----------
    low, high : float
        Percentiles, between 0 and 100.
    eps : float
        What the divisor is larger, so that it is never 0.
    """

    kind: Literal["percentiles"] = "percentiles"
    low: float = Field(ge=0, le=100)
    high: float = Field(ge=0, le=100)
    eps: float = Field(1e-6, gt=0, le=1)

    def _limits_of(self, found: GreyValues) -> tuple[float, float]:
        """Return the two percentiles."""
        low, high = found.percentiles(self.low, self.high)
        return low, high + self.eps

    @property
    def in_words(self) -> str:
        """Which percentiles."""
        return (
            f"Each channel: less its percentile {self.low:g} over the whole image, "
            f"divided by the difference to its percentile {self.high:g}."
        )


class Moments(Normalization):
    """Give every channel mean 0 and standard deviation 1."""

    kind: Literal["moments"] = "moments"
    eps: float = Field(1e-6, gt=0, le=1)

    def _limits_of(self, found: GreyValues) -> tuple[float, float]:
        """Return the mean, and what is a standard deviation above it."""
        mean, deviation = found.moments()
        return mean, mean + deviation + self.eps

    @property
    def in_words(self) -> str:
        """Which moments."""
        return (
            "Each channel: less its mean over the whole image, divided by its standard "
            "deviation."
        )


class AsItIs(Normalization):
    """Leave grey values as they are."""

    measures: ClassVar[bool] = False

    kind: Literal["none"] = "none"

    def limits_of(self, found: GreyValues | None) -> tuple[float, float]:
        """Return 0 and 1."""
        del found
        return 0.0, 1.0

    _limits_of = limits_of

    @property
    def in_words(self) -> str:
        """Nothing."""
        return "Grey values as they are."


_KINDS: dict[str, type[Normalization]] = {
    "": PercentileNormalization,  # ours, whose files have never named a kind
    "percentiles": StatedPercentiles,
    "moments": Moments,
    "none": AsItIs,
}


def _of_its_kind(content: Any) -> Any:
    if isinstance(content, Normalization) or not isinstance(content, dict):
        return content
    kind = content.get("kind", "")
    if not isinstance(kind, str) or kind not in _KINDS:
        known = ", ".join(repr(each) for each in _KINDS if each)
        raise ValueError(f"there is no kind {kind!r:.60}; there are: {known}")
    return _KINDS[kind].model_validate(content)


AnyNormalization: TypeAlias = Annotated[
    SerializeAsAny[Normalization], BeforeValidator(_of_its_kind)
]
"""Any of these, as a field of other descriptions."""


def _scale(
    channel: npt.NDArray[Any], low: float, high: float, clip: tuple[float, float]
) -> npt.NDArray[np.float32]:
    if high <= low:
        return np.zeros(channel.shape, np.float32)
    # In float64 first: float32 cannot hold the difference of large integers. In place,
    # because new memory takes as long as the computing.
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: npt.NDArray[np.float64] = np.subtract(channel, low, dtype=np.float64)
        scaled /= high - low
    # What is infinite is clipped, where that is done; what is no number stays.
    np.clip(scaled, *clip, out=scaled)
    if np.issubdtype(channel.dtype, np.inexact):
        scaled[~np.isfinite(scaled)] = 0
    return scaled.astype(np.float32)
