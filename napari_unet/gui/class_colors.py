"""Colours of pixel classes: the model's own, or ones that are told apart easily."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from napari.utils.colormaps import DirectLabelColormap

from napari_unet.session.status import ClassState

# Okabe and Ito's colours, told apart with every kind of colour blindness, without the
# blue and the orange in which verified pixels are shown.
_DEFAULTS = (
    "#56B4E9",
    "#D55E00",
    "#009E73",
    "#F0E442",
    "#CC79A7",
    "#9E8CF0",
    "#8FD14F",
    "#C49A6C",
)
UNKNOWN = "#808080"
"""Of numbers that stand for no class."""


def colors_of_classes(classes: Sequence[ClassState]) -> tuple[str, ...]:
    """Return one colour per class from 1 on; class 0, the background, has none."""
    defaults = cycle(_DEFAULTS)
    return tuple(each.color or next(defaults) for each in classes[1:])


def class_colormap(classes: Sequence[ClassState]) -> DirectLabelColormap:
    """Return how a layer shows class numbers: background lets the image through."""
    colors = dict(enumerate(colors_of_classes(classes), 1))
    return DirectLabelColormap(color_dict={None: UNKNOWN, 0: "transparent", **colors})
