"""The layers of the work on one image: labels, what is verified, predicted values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels

from napari_unet.annotation.large import LargeAnnotation
from napari_unet.geometry.box import Box
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.overlays import ValuePictures, VerifiedOverlay
from napari_unet.gui.placement import LayersTogether, cover_part
from napari_unet.gui.result_layers import (
    brush_for,
    channel_axis,
    class_colormap,
    first_label,
)
from napari_unet.gui.shelf import Look, Shelf
from napari_unet.gui.target import Role
from napari_unet.session.images.image import OpenImage
from napari_unet.tasks import task_of
from napari_unet.tasks.labeling import Brush
from napari_unet.tasks.outputs import PixelClass, Variable

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Layer

_SET_BY_PERSONS = (
    "brush_size",
    "selected_label",
    "contour",
    "n_edit_dimensions",
    "opacity",
    "blending",
    "mode",
    "visible",
    "contiguous",
    "preserve_labels",
    "show_selected_label",
    "colormap",
)


_OUTLINE = 1
"""Pixels that an outline is wide."""


def make_ready(
    layer: Labels, image: OpenImage, variables: Sequence[Variable], look: Look
) -> None:
    """Set up a layer that shows the labels of an image, so that one can paint there."""
    layer.selected_label = first_label(image, variables)
    layer.editable = not image.read_only
    if look:
        give_look(look, layer, image)


def give_look(look: Look, layer: Labels, image: OpenImage) -> None:
    """Set a layer up as another was, with a label that means something in an image."""
    schema, wanted = image.schema, dict(look)
    # Nobody expects to move a layer that is new.
    if wanted["mode"] == "transform" or not layer.editable:
        del wanted["mode"]
    known, label = task_of(schema).labels.known, wanted.pop("selected_label", None)
    if label is not None and known(image.annotation, schema.names, label):
        wanted["selected_label"] = label
    for name, value in wanted.items():
        if not _is_set(layer, name, value):
            setattr(layer, name, value)


def _is_set(layer: Labels, name: str, value: Any) -> bool:
    """Return whether a layer is so already: it draws itself anew when it is told."""
    now = getattr(layer, name)
    return now is value or (isinstance(value, int | float | str) and now == value)


class ShownResult:
    """Keeps the layers of one image in step with its annotation and with each other."""

    def __init__(
        self,
        layers: LayerList,
        image: OpenImage,
        below: Image,
        labels: Labels,
        look: Look,
        shelf: Shelf,
    ) -> None:
        self._layers = layers
        self._shelf = shelf
        self._image = image
        self.below = below  # on which the others lie
        self.layer = labels  # that is painted in
        self._overlay: VerifiedOverlay | None = None
        self.values: ValuePictures | None = None  # where values are predicted
        self.marks: Labels | None = None  # of what is labelled, seen from afar
        self._together = LayersTogether()
        channel = channel_axis(image, below)
        self.binding = LabelsBinding(labels, image.annotation, layers, channel=channel)
        image.canvas = self.binding
        # What is another one later was chosen by the person, who keeps it.
        self._given = {
            name: None if name in look else getattr(labels, name)
            for name in ("colormap", "brush_size")
        }
        if image.large:
            cover_part(labels, below, channel.origin)
        else:
            self._together.add(below)
            self._together.add(labels)
        if (values := image.annotation.values) is not None:
            name = f"{below.name} prediction"
            names = [f"{name} {each}" for each in image.schema.names]
            names = names if len(names) > 1 else [name]
            self.values = ValuePictures(layers, self.binding, values, names)
            self.values.made.connect(self._together.add)
            self.values.redraw()

    def role_of(self, layer: object) -> Role | None:
        """Return what a layer is here, or None if it is none of these."""
        if layer is self.layer:
            return Role.LABELS
        overlay = self._overlay.layer if self._overlay is not None else None
        if layer is not None and layer in (overlay, self.marks):
            return Role.OVERLAY
        if self.values is not None and layer in self.values.pictures.values():
            return Role.PICTURE
        return None

    @property
    def layers(self) -> list[Layer]:
        """All layers that lie over the image, that which is painted in first."""
        overlay = [self._overlay.layer] if self._overlay is not None else []
        pictures = self.values.pictures.values() if self.values is not None else ()
        return [self.layer, *overlay, *pictures]

    def lie_on(self, below: Image) -> None:
        """Lie on another layer of the same image from now on."""
        if below is not self.below:
            self._together.discard(self.below)
            self.below = below
            self._together.add(below)
            self._together.move_to(below)

    def show_part(self, box: Box) -> None:
        """Show another part of labels larger than memory."""
        annotation = self._image.annotation
        if isinstance(annotation, LargeAnnotation):
            self.binding.flush()
            annotation.pane.move(box)
            cover_part(self.layer, self.below, box.start)
            self.layer.refresh(extent=False)
            self.binding.note_moved(channel_axis(self._image, self.below))

    def take_along(self, layer: Layer) -> None:
        """Let another layer go where these go, from now on."""
        self._together.add(layer)

    def leave_behind(self, layer: Layer) -> None:
        """Let that layer go its own way again."""
        self._together.discard(layer)

    @property
    def verified_shown(self) -> bool:
        """Whether it is on screen what is verified."""
        return self._overlay is not None and self._overlay.visible

    def show_verified(self, visible: bool) -> None:
        """Show or hide what is verified; its layer is made when it is shown first."""
        if visible and self._overlay is None:
            schema, layer = self._image.schema, self.layer
            kept = self._shelf.take(Role.OVERLAY, self.below, layer.ndim, schema)
            self._overlay = VerifiedOverlay(self._layers, self.binding, kept)
            if not self._image.large:
                self._together.add(self._overlay.layer)
        if self._overlay is not None:
            self._overlay.visible = visible

    def color(self, classes: Sequence[PixelClass]) -> None:
        """Show classes in these colours, unless the person has chosen others."""
        by_class = task_of(self._image.schema).labels.brush is Brush.CLASS
        if by_class and self._is_given("colormap"):
            self._give("colormap", class_colormap(classes))

    def fit_brush(self) -> None:
        """Give the brush a size that fits the objects, unless the person has."""
        if self._is_given("brush_size"):
            self._give("brush_size", brush_for(self._image))

    def look_next(self) -> str:
        """Show outlines after filled objects, then nothing, then these again.

        Return which it is. Nobody shall paint in what they do not see, so the layer is
        hidden then.
        """
        layer = self.layer
        if not layer.visible:
            layer.contour, layer.visible = 0, True
        elif layer.contour:
            layer.visible = False
            return "hidden"
        else:
            layer.contour = _OUTLINE
        return "outlines" if layer.contour else "filled"

    def look(self) -> Look:
        """Return how the person has set up the layer that is painted in.

        Not that it cannot be seen: perhaps the key that hides it is down.
        """
        return {
            name: getattr(self.layer, name)
            for name in _SET_BY_PERSONS
            if not self._is_given(name) and (name != "opacity" or self.layer.opacity)
        }

    def let_go(self) -> None:
        """Let go of the annotation; no layer follows another any more."""
        self._together.close()
        self.binding.close()
        self._image.leave_canvas()

    def lay_by(self) -> None:
        """Let go of the annotation; layers wait for that of another image."""
        if self._layers.selection.active in self.layers:
            self._layers.selection.active = self.below
        overlay, look, overlaid = self._overlay, self.look(), self.verified_shown
        self.let_go()
        waiting = {Role.LABELS: self.layer}
        if overlay is not None:
            overlay.let_go()
            waiting[Role.OVERLAY] = overlay.layer
            self._overlay = None
        self.close_others(remove=True)
        self._shelf.put(waiting, self._image.schema, look, overlaid=overlaid)

    def close(self, *, remove: bool) -> None:
        """Let go of the annotation; layers go, or stay as ordinary layers."""
        self.let_go()
        self.close_others(remove=remove)
        if remove and self.layer in self._layers:
            self._layers.remove(self.layer)

    def close_others(self, *, remove: bool) -> None:
        """Let go of the layers that are not painted in."""
        if self.values is not None:
            self.values.close(remove=remove)
        if self._overlay is not None:
            self._overlay.close()
        if self.marks is not None and self.marks in self._layers:
            self._layers.remove(self.marks)

    def _give(self, name: str, value: Any) -> None:
        setattr(self.layer, name, value)
        self._given[name] = getattr(self.layer, name)

    def _is_given(self, name: str) -> bool:
        """Whether the program has set this, and the person has left it alone."""
        given, now = self._given.get(name), getattr(self.layer, name)
        return now is given or (isinstance(now, int) and now == given)
