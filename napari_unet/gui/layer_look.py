"""How a person has set up the layer they paint in, so that it comes back like that."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from napari.layers import Labels

from napari_unet.gui.result_layers import nearest_meaning
from napari_unet.session.images.image import OpenImage

_NOT_AGAIN = ("transform",)
"""Modes of the mouse that nobody expects in a layer that is new."""


@dataclass(frozen=True, slots=True)
class LayerLook:
    """What a person sets in a labels layer beside its pixels.

    Parameters
    ----------
    brush_size : int
        0 where the person has not chosen one.
    selected_label, contour, n_edit_dimensions : int
        As napari names them.
    opacity : float
        From 0 to 1.
    blending, mode : str
        As napari names them.
    visible, contiguous, preserve_labels, show_selected_label : bool
        As napari names them.
    colormap : object or None
        None where the person has not chosen one.
    """

    brush_size: int
    selected_label: int
    contour: int
    n_edit_dimensions: int
    opacity: float
    blending: str
    mode: str
    visible: bool
    contiguous: bool
    preserve_labels: bool
    show_selected_label: bool
    colormap: Any

    @classmethod
    def of(cls, layer: Labels) -> Self:
        """Return how a layer is set up now."""
        return cls(**{each.name: getattr(layer, each.name) for each in fields(cls)})

    def give(self, layer: Labels, image: OpenImage) -> None:
        """Set a layer up like that, with a label that means something in an image."""
        left_alone = {
            "brush_size": not self.brush_size,
            "colormap": self.colormap is None,
            "mode": self.mode in _NOT_AGAIN or not layer.editable,
            "selected_label": not _means_something(self.selected_label, image),
        }
        for name in (each.name for each in fields(self)):
            if not left_alone.get(name):
                setattr(layer, name, getattr(self, name))


def _means_something(label: int, image: OpenImage) -> bool:
    """Whether a label is an object, a class or a mark of an image.

    An id that no object had may be another object's by now.
    """
    if label != nearest_meaning(image, label):
        return False
    return image.schema.task != "instances" or image.annotation.pixels_of(label) > 0
