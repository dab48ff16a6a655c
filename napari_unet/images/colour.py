"""Which channels of an image a model gets, where it has others than the model wants.

One rule for the dock, the command and Python. Nothing that shows anything is left out:
transparency is, and so are channels that hold one number everywhere, and copies of
another channel. Everything else is for the person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.images.channels import channel_count

_RGB, _RGBA = 3, 4
_MOST = 4
_SAMPLE = 50_000
# Decoders of WebP round grey apart by a level; no dim image shall be grey by that.
_ROUNDING, _LEAST_RANGE = 1, 64


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """An image with as many channels as a model wants.

    Parameters
    ----------
    array : ndarray
        The pixels; a view of the image's, where that is possible.
    axes : str
        One letter per axis.
    note : str or None
        What was left out, in words.
    """

    array: npt.NDArray[Any]
    axes: str
    note: str | None = None

    @property
    def sentence(self) -> str:
        """The note as a sentence; empty if there is none."""
        return f"{self.note[0].upper()}{self.note[1:]}." if self.note else ""


def fit_channels(
    image: npt.NDArray[Any], axes: str, wanted: int, *, thinned: bool = False
) -> Fitted | None:
    """Leave out what is no channel of its own.

    Parameters
    ----------
    image : ndarray
        With the axes named in `axes`.
    axes : str
        One letter per axis. Colours have their channels in the last place.
    wanted : int
        How many channels the model has.
    thinned : bool
        Look at some pixels alone, which is quick: it may find that an image fits that
        does not, and never the other way round.

    Returns
    -------
    Fitted or None
        None if the image has other channels than the model wants.
    """
    count = channel_count(image.shape, axes)
    if count == wanted:
        return Fitted(image, axes)
    if wanted not in (1, _RGB) or not 1 < count <= _MOST:
        return None
    channels = list(np.moveaxis(image, axes.index("C"), 0))
    looked_at = [_thin(channel) for channel in channels] if thinned else channels
    kept, notes = _without_alpha(looked_at, in_last_place=axes.endswith("C"))
    if len(kept) != wanted:
        least_range = 0 if thinned else _LEAST_RANGE
        one = _one_of(looked_at, kept, least_range) if wanted == 1 else None
        kept, words = one or ([], "")
        notes.append(words)
    if len(kept) != wanted:
        return None
    return Fitted(*_take(image, axes, kept, wanted), "; ".join(notes))


def _take(
    image: npt.NDArray[Any], axes: str, kept: list[int], wanted: int
) -> tuple[npt.NDArray[Any], str]:
    place = axes.index("C")
    if wanted == 1:
        index: tuple[Any, ...] = (slice(None),) * place + (kept[0],)
        return image[index], axes.replace("C", "")
    # Only the last one is ever left out of colours.
    return image[(slice(None),) * place + (slice(0, wanted),)], axes


def _without_alpha(
    channels: list[npt.NDArray[Any]], *, in_last_place: bool
) -> tuple[list[int], list[str]]:
    """Return which channels are colours, and what is said of the others."""
    every = list(range(len(channels)))
    alpha = channels[-1]
    if len(channels) != _RGBA:
        return every, []
    if _is_constant(alpha):
        return every[:-1], ["transparency was left out (it is the same everywhere)"]
    if not in_last_place:
        return every, []
    clear = float(np.mean(alpha == 0))
    said = f" ({clear:.1%} of the pixels are fully transparent)" if clear else ""
    return every[:-1], [
        f"transparency was left out{said}, and colours were taken as they are stored"
    ]


def _one_of(
    channels: list[npt.NDArray[Any]], among: list[int], least_range: int
) -> tuple[list[int], str] | None:
    """Return the channel that says all, in a list, and why; None if there is none."""
    colours = ("red", "green", "blue") if len(among) == _RGB else ()
    if colours and _are_alike([channels[n] for n in among], least_range):
        return among[:1], "red, green and blue are equal, so it was taken for grey"
    used = [n for n in among if not _is_constant(channels[n])]
    if not used:
        return among[:1], "all channels are blank, and the first was taken"
    if len(used) > 1:
        return None
    name = colours[used[0]] if colours else f"channel {used[0] + 1}"
    return used, f"only {name} was taken: the other channels hold one number everywhere"


def _are_alike(channels: list[npt.NDArray[Any]], least_range: int) -> bool:
    first = channels[0]
    if first.dtype != np.uint8:
        return all(_are_equal(first, one) for one in channels[1:])
    if not all(_are_close(first, one) for one in channels[1:]):
        return False
    spread = int(first.max()) - int(first.min())
    return spread >= least_range or all(_are_equal(first, c) for c in channels[1:])


def _are_equal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    nan = one.dtype.kind == "f"
    quick = np.array_equal(_thin(one), _thin(other), equal_nan=nan)
    return quick and np.array_equal(one, other, equal_nan=nan)


def _are_close(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    pairs = ((_thin(one), _thin(other)), (one, other))
    return all(
        int(np.abs(np.subtract(a, b, dtype=np.int16)).max()) <= _ROUNDING
        for a, b in pairs
    )


def _is_constant(channel: npt.NDArray[Any]) -> bool:
    first = channel[(0,) * channel.ndim]
    return all(bool((each == first).all()) for each in (_thin(channel), channel))


def _thin(channel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return some pixels from all over an image."""
    step = max(1, round((channel.size / _SAMPLE) ** (1 / channel.ndim)))
    return channel[(slice(None, None, step),) * channel.ndim]
