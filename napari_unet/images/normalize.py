"""Bring images of any origin to one range of grey values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_unet.errors import InputError

_CLIP = (-1.0, 4.0)
_SAMPLE = 4_000_000


class PercentileNormalization(BaseModel):
    """Map two percentiles of every channel to 0 and 1.

    Statistics come from the whole image, so tiles agree with each other, and from
    finite pixels alone. One hot pixel moves nothing; a saturated or mostly empty
    channel, whose percentiles coincide, falls back to its extremes, and a constant
    channel becomes 0.

    Parameters
    ----------
    low, high : float
        Percentiles, between 0 and 100.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(1.0, ge=0, le=100)
    high: float = Field(99.9, ge=0, le=100)

    @model_validator(mode="after")
    def _ordered(self) -> PercentileNormalization:
        if self.low >= self.high:
            raise ValueError("the low percentile must be below the high one")
        return self

    def limits(self, channel: npt.NDArray[Any]) -> tuple[float, float]:
        """Return the grey values that become 0 and 1.

        Raises an InputError if no pixel is finite.
        """
        values = _finite_sample(channel)
        if values.size == 0:
            raise InputError(
                "The image has no finite pixel (all are NaN or infinite), "
                "so there is nothing to segment; check the file."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            low, high = np.percentile(values, [self.low, self.high])
        if high <= low:
            low, high = values.min(), values.max()
        return float(low), float(high)

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
        return np.stack([_scale(channel, *limit) for channel, limit in channels])


def _scale(
    channel: npt.NDArray[Any], low: float, high: float
) -> npt.NDArray[np.float32]:
    if high <= low:
        return np.zeros(channel.shape, np.float32)
    # In float64 first: float32 cannot hold the difference of large integers. In place,
    # because new memory takes as long as the computing.
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: npt.NDArray[np.float64] = np.subtract(channel, low, dtype=np.float64)
        scaled /= high - low
    # What is infinite is clipped; what is no number stays.
    np.clip(scaled, *_CLIP, out=scaled)
    if np.issubdtype(channel.dtype, np.inexact):
        scaled[np.isnan(scaled)] = 0
    return scaled.astype(np.float32)


def _finite_sample(channel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return finite pixels, evenly thinned where there are very many."""
    flat = channel.ravel()
    thinned = flat[:: max(1, flat.size // _SAMPLE)]
    if not np.issubdtype(thinned.dtype, np.inexact):
        return thinned.astype(np.uint8) if thinned.dtype == bool else thinned
    finite: npt.NDArray[Any] = thinned[np.isfinite(thinned)]
    return finite if finite.size else np.asarray(flat[np.isfinite(flat)])
