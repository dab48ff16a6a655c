"""Colours in which labels are told apart."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

_TURN = 0.618033988749895  # hues that are next in number are far from each other


def label_colours(count: int) -> npt.NDArray[np.uint8]:
    """Return so many colours (count, 3), red, green and blue; the first is black."""
    colours = np.zeros((count, 3), np.uint8)
    for number in range(1, count):
        hue, value = number * _TURN % 1, (1.0, 0.85, 0.7)[number % 3]
        saturation = (0.75, 0.9, 0.55)[number // 3 % 3]
        colour = colorsys.hsv_to_rgb(hue, saturation, value)
        colours[number] = np.round(255 * np.array(colour))
    return colours
