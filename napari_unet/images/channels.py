"""Channels of an image: which ones are looked at, by number or by name.

People count them from 1, as Fiji does; inside of the program they count from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError

ChannelChoice: TypeAlias = str | int | Sequence[str | int]
"""What a person gives for a channel, or for several, counted from 1."""

Channels: TypeAlias = tuple[int, ...]
"""Channels in the order in which a model gets them, from 0."""


def channel_count(shape: tuple[int, ...], axes: str) -> int:
    """Return how many channels an image has; 1 where it has no such axis."""
    return shape[axes.index("C")] if "C" in axes else 1


def parse_channels(
    choice: ChannelChoice, count: int, names: Sequence[str] = ()
) -> Channels:
    """Return the channels that a person names, such as 2, "DAPI", "3,1" or [3, 1].

    Numbers count from 1; several are separated by commas, or a list.

    Raises an InputError if there is no such channel, or one is named twice.
    """
    parts = _parts(choice, names)
    found = tuple(_parse_channel(part.strip(), count, names) for part in parts)
    if len(set(found)) != len(found):
        text = ",".join(parts)
        raise InputError(f"Channels {text!r} name one twice; name each one once.")
    return found


def _parts(choice: ChannelChoice, names: Sequence[str]) -> list[str]:
    if isinstance(choice, list | tuple | np.ndarray):
        # Of nothing, there is no channel.
        return [str(part) for part in choice] or [""]
    text = str(choice)
    # A name may hold a comma itself.
    return [text] if _by_name(text, names) else text.split(",")


def _parse_channel(text: str, count: int, names: Sequence[str]) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= count:
        return int(text) - 1
    matches = _by_name(text, names)
    if len(matches) == 1:
        return matches[0]
    if len(matches) > 1:
        numbers = ", ".join(str(n + 1) for n in matches)
        raise InputError(
            f"Several channels are called {text!r} ({numbers}); give a number."
        )
    known = ", ".join(channel_titles(count, names)) if any(names) else ""
    has = f"{count} channels" if count > 1 else "1 channel"
    numbers = f"a number from 1 to {count}" if count > 1 else "1"
    raise InputError(
        f"There is no channel {text!r}: the image has {has}"
        f"{f' ({known})' if known else ''}; give {numbers}"
        f"{' or a name' if known else ''}."
    )


def _by_name(text: str, names: Sequence[str]) -> list[int]:
    wanted = text.strip()
    exact = [n for n, name in enumerate(names) if wanted and name == wanted]
    folded = [n for n, name in enumerate(names) if name.casefold() == wanted.casefold()]
    return exact or (folded if wanted else [])


def names_or_colours(names: Sequence[str], axes: str, count: int) -> tuple[str, ...]:
    """Return names of channels; those of a colour image are its colours."""
    if not any(names) and axes.endswith("C") and count in (3, 4):
        return ("red", "green", "blue", "alpha")[:count]
    return tuple(names)


def channel_titles(count: int, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return how channels are called for people, such as "2 DAPI"."""
    told = [*names[:count], *[""] * (count - len(names))]
    return tuple(f"{n} {name}".strip() for n, name in enumerate(told, start=1))


def take_channels(
    array: npt.NDArray[Any], axes: str, channels: Channels | None
) -> tuple[npt.NDArray[Any], str]:
    """Return an image with these channels alone, and its axes.

    One channel has no channel axis any more. None takes the image as it is.
    """
    if channels is None or "C" not in axes:
        return array, axes
    place = axes.index("C")
    if len(channels) == 1:
        return np.moveaxis(array, place, 0)[channels[0]], axes.replace("C", "")
    return array.take(list(channels), axis=place), axes
