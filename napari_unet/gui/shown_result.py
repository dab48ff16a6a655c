"""The layers of the work on one image: labels, what is verified, predicted values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from napari.layers import Image, Labels
from qtpy.QtCore import QTimer

from napari_unet.annotation.values import ValueAnnotation
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.overlay import VerifiedOverlay
from napari_unet.gui.placement import LayersTogether
from napari_unet.gui.result_layers import (
    brush_for,
    channel_axis,
    class_colormap,
)
from napari_unet.gui.target import Role
from napari_unet.gui.value_picture import ValuePicture
from napari_unet.session.images.image import OpenImage
from napari_unet.tasks import task_of
from napari_unet.tasks.labeling import Brush
from napari_unet.tasks.outputs import PixelClass

if TYPE_CHECKING:
    from napari.components import LayerList

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
        schema = image.schema
        left_alone = {
            "brush_size": not self.brush_size,
            "colormap": self.colormap is None,
            "mode": self.mode in _NOT_AGAIN or not layer.editable,
            "selected_label": not task_of(schema).labels.known(
                image.annotation, schema.names, self.selected_label
            ),
        }
        for name in (each.name for each in fields(self)):
            if not left_alone.get(name):
                setattr(layer, name, getattr(self, name))


class ShownResult:
    """Keeps the layers of one image in step with its annotation and with each other.

    Parameters
    ----------
    below : napari.layers.Image
        The layer on which they lie.
    labels : napari.layers.Labels
        The layer that is painted in.
    look : LayerLook, optional
        What of the layer the person has set up before.

    Attributes
    ----------
    binding : LabelsBinding
        Between the annotation and the layer that is painted in.
    """

    def __init__(
        self,
        layers: LayerList,
        image: OpenImage,
        below: Image,
        labels: Labels,
        look: LayerLook | None = None,
    ) -> None:
        self._layers = layers
        self._image = image
        self._below = below
        self._overlay: VerifiedOverlay | None = None
        self._picture: ValuePicture | None = None
        self._together = LayersTogether()
        self.binding = LabelsBinding(
            labels, image.annotation, layers, channel=channel_axis(image, below)
        )
        image.canvas = self.binding
        # What is another one later was chosen by the person, who keeps it.
        self._given_colors = None if look and look.colormap else labels.colormap
        self._given_brush = -1 if look and look.brush_size else labels.brush_size
        self._together.add(below)
        self._together.add(labels)
        if (values := image.annotation.values) is not None:
            image.canvas = self._picture = self._show_values(values)

    def _show_values(self, annotation: ValueAnnotation) -> ValuePicture:
        name, variables = f"{self._below.name} prediction", self._image.schema.names
        names = [f"{name} {each}" for each in variables]
        if len(variables) < 2:
            names = [name]
        picture = ValuePicture(self._layers, self.binding, annotation, names)
        picture.made.connect(self._together.add)
        picture.redraw()
        return picture

    @property
    def layer(self) -> Labels:
        """The layer that is painted in."""
        return self.binding.layer

    @property
    def below(self) -> Image:
        """The layer on which the others lie, and with which they go."""
        return self._below

    def role_of(self, layer: object) -> Role | None:
        """Return what a layer is here, or None if it is none of these."""
        if layer is self.layer:
            return Role.LABELS
        if self._overlay is not None and layer is self._overlay.layer:
            return Role.OVERLAY
        pictures = self._picture.pictures.values() if self._picture else ()
        return Role.PICTURE if any(layer is each for each in pictures) else None

    def lie_on(self, below: Image) -> None:
        """Lie on another layer of the same image from now on."""
        if below is not self._below:
            self._together.discard(self._below)
            self._below = below
            self._together.add(below)
            self._together.move_to(below)

    @property
    def verified_shown(self) -> bool:
        """Whether it is on screen what is verified."""
        return self._overlay is not None and self._overlay.visible

    def show_verified(self, visible: bool) -> None:
        """Show or hide what is verified; its layer is made when it is shown first."""
        if visible and self._overlay is None:
            self._overlay = VerifiedOverlay(self._layers, self.binding)
            self._together.add(self._overlay.layer)
        if self._overlay is not None:
            self._overlay.visible = visible

    def look_at_variable(self, variable: int) -> None:
        """Show the predicted values of a variable, where there are several."""
        if self._picture is not None:
            self._picture.look_at(variable)

    def color(self, classes: Sequence[PixelClass]) -> None:
        """Show classes in these colours, unless the person has chosen others."""
        if (
            task_of(self._image.schema).labels.brush is Brush.CLASS
            and self.layer.colormap is self._given_colors
        ):
            self.layer.colormap = class_colormap(classes)
            self._given_colors = self.layer.colormap

    def fit_brush(self) -> None:
        """Give the brush a size that fits the objects, unless the person has."""
        if self.layer.brush_size == self._given_brush:
            self.layer.brush_size = self._given_brush = brush_for(self._image)

    def look(self) -> LayerLook:
        """Return how the person has set up the layer that is painted in."""
        look = LayerLook.of(self.layer)
        if self.layer.brush_size == self._given_brush:
            look = replace(look, brush_size=0)
        if self.layer.colormap is self._given_colors:
            look = replace(look, colormap=None)
        return look

    def lost(self) -> None:
        """Go, after the layer that is painted in was removed.

        A moment later: napari may hold a list with the other layers in it.
        """
        self._together.close()
        QTimer.singleShot(0, self._close_picture)
        self._image.leave_canvas()

    def close(self, *, remove: bool) -> None:
        """Let go of the annotation; layers go, or stay as ordinary layers."""
        self._together.close()
        if self._picture is not None:
            self._picture.close(remove=remove)
        if self._overlay is not None:
            self._overlay.close()
        self.binding.close()
        self._image.leave_canvas()
        if remove and self.layer in self._layers:
            self._layers.remove(self.layer)

    def _close_picture(self) -> None:
        if self._picture is not None:
            self._picture.close(remove=True)
