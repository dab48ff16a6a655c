"""Between the viewer's layers and the session's images.

The image that is chosen, the one Labels layer with its result, and what of it is in
sight. Layers and images find each other by the pixels they share.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from psygnal import Signal

from napari_unet.core.box import Box
from napari_unet.core.mark import Mark
from napari_unet.core.values import ValueAnnotation
from napari_unet.gui.class_colors import class_colormap
from napari_unet.gui.folders import folder_of
from napari_unet.gui.geometry import (
    box_in_sight,
    pixel_size,
    source_of,
    stated_axes,
    without_channel,
)
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.napari_private import restore_history
from napari_unet.gui.overlay import VerifiedOverlay
from napari_unet.gui.result_layers import brush_for, first_label, make_layer
from napari_unet.gui.value_picture import VARIABLE_AXIS, ValuePicture, is_prediction
from napari_unet.session.image import OpenImage
from napari_unet.session.session import Session
from napari_unet.session.state import ClassState, VariableState

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ViewerLayers:
    """Chooses images, shows labels, and knows what is in sight.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its layers.
    session : Session
        Its images.

    Attributes
    ----------
    chosen_changed : Signal()
        Another image layer is chosen, or the choices have changed.
    brush_changed : Signal(int)
        The brush paints another label from now on.
    """

    chosen_changed = Signal()
    brush_changed = Signal(int)

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = viewer
        self._session = session
        self._chosen: Image | None = None
        self._bindings: dict[OpenImage, LabelsBinding] = {}
        self._overlays: dict[OpenImage, VerifiedOverlay] = {}
        self._pictures: dict[OpenImage, ValuePicture] = {}
        self._colored: tuple[ClassState, ...] = ()
        session.images.labels_shown.connect(self._show_labels)
        session.images.put_away.connect(self._put_away)
        session.models.timeline.changed.connect(self._color)
        session.predicting.completed.connect(self._hand_over)
        session.projects.opened.connect(self._open_again)
        session.projects.closed.connect(self._open_again)
        session.state_changed.connect(self._on_state)
        self._connections: list[tuple[Any, Callable[..., None]]] = [
            (viewer.layers.events.inserted, self._on_inserted),
            (viewer.layers.events.removed, self._on_removed),
            (viewer.layers.events.renamed, self._on_renamed),
            (viewer.layers.selection.events.active, self._on_active),
        ]
        for emitter, callback in self._connections:
            emitter.connect(callback)
        self._choose_what_is_there()

    @property
    def choices(self) -> list[Image]:
        """The image layers, the topmost first."""
        return [layer for layer in reversed(self._viewer.layers) if _is_image(layer)]

    @property
    def chosen(self) -> Image | None:
        """The layer whose image is predicted."""
        return self._chosen

    @property
    def labels_layer(self) -> Labels | None:
        """The layer with the labels of the chosen image."""
        binding = self._binding
        return binding.layer if binding else None

    def choose(self, layer: Image | None) -> None:
        """Work on the image of a layer from now on."""
        if layer is self._chosen:
            return
        if self._chosen is not None:
            self._chosen.events.data.disconnect(self._on_data)
        self._chosen = layer
        if layer is not None:
            layer.events.data.connect(self._on_data)
        if layer is None:
            self._session.images.select(None)
        elif image := self._session.images.find(source_of(layer)):
            self._session.images.select(image)
        else:
            self._session.images.open(
                source_of(layer),
                _name(layer),
                stated_axes(layer),
                _path(layer),
                pixel_size(layer),
                colour=layer.rgb,
            )
        self.chosen_changed.emit()

    def visible_box(self) -> Box | None:
        """Return what of the chosen image's labels is in sight.

        None in a 3-D view, and where nothing of the image is in sight.
        """
        image = self._session.images.current
        layer = self.labels_layer or self._chosen
        if image is None or layer is None or self._viewer.dims.ndisplay != 2:
            return None
        shape = image.annotation.labels.shape
        box = box_in_sight(self._viewer, layer)
        if isinstance(layer, Image) and not layer.rgb:
            box = without_channel(box, image.axes)
        box = box.intersect(Box.whole(shape))
        return None if box.empty else box

    def paint_with(self, label: int) -> None:
        """Give the brush a label, and take it in hand."""
        layer = self.labels_layer
        if layer is None:
            return
        layer.selected_label = label
        if layer.mode in ("pan_zoom", "transform", "pick", "erase"):
            layer.mode = "paint"
        self._viewer.layers.selection.active = layer

    def look_at_variable(self, variable: int) -> None:
        """Show the predicted values of a variable, where there are several."""
        image = self._session.images.current
        picture = self._pictures.get(image) if image else None
        layer = picture.layer if picture else None
        if layer is not None and layer.axis_labels[0] == VARIABLE_AXIS:
            self._viewer.dims.set_point(self._viewer.dims.ndim - layer.ndim, variable)

    def mark(self, label: int) -> Mark | None:
        """Return what a label of the chosen image says, where labels are marks."""
        image = self._session.images.current
        if image is None or not isinstance(image.annotation, ValueAnnotation):
            return None
        return image.annotation.palette.get(label)

    @property
    def selected_object(self) -> int:
        """The object whose label is selected, 0 if there is none."""
        layer = self.labels_layer
        return int(layer.selected_label) if layer is not None else 0

    @property
    def verified_shown(self) -> bool:
        """Whether the overlay of the chosen image is on screen."""
        overlay = self._overlay
        return overlay is not None and overlay.visible

    def show_verified(self, visible: bool) -> None:
        """Show or hide what is verified; its layer is made when it is shown first."""
        image, binding = self._session.images.current, self._binding
        if image is None or binding is None:
            return
        if visible and image not in self._overlays:
            self._overlays[image] = VerifiedOverlay(self._viewer.layers, binding)
        if image in self._overlays:
            self._overlays[image].visible = visible

    def close(self) -> None:
        """Let go of all layers, which stay as they are."""
        for emitter, callback in self._connections:
            emitter.disconnect(callback)
        self._connections.clear()
        for image, binding in self._bindings.items():
            binding.close()
            image.leave_canvas()
        for picture in self._pictures.values():
            picture.close(remove=False)
        self._bindings.clear()
        self._overlays.clear()
        self._pictures.clear()

    @property
    def _binding(self) -> LabelsBinding | None:
        image = self._session.images.current
        return self._bindings.get(image) if image else None

    @property
    def _overlay(self) -> VerifiedOverlay | None:
        image = self._session.images.current
        return self._overlays.get(image) if image else None

    def _choose_what_is_there(self) -> None:
        active = self._viewer.layers.selection.active
        if _is_image(active):
            self.choose(active)
        elif self._chosen is None and self.choices:
            self.choose(self.choices[0])

    def _on_inserted(self) -> None:
        self._choose_what_is_there()
        self.chosen_changed.emit()

    def _on_renamed(self) -> None:
        self.chosen_changed.emit()

    def _on_data(self) -> None:
        """Open the image anew: the layer shows another one now."""
        layer, image = self._chosen, self._session.images.current
        if layer is None or (image and image.source is source_of(layer)):
            return
        self.choose(None)
        if image is not None:
            self._let_go(image)
            self._session.images.release(image)
        self.choose(layer)

    def _on_active(self) -> None:
        self._choose_what_is_there()

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if not isinstance(layer, Image):
            return
        image = self._session.images.find(source_of(layer))
        if layer is self._chosen:
            self.choose(None)
        if image is not None:
            self._let_go(image)
            self._session.images.release(image)
        self._choose_what_is_there()
        self.chosen_changed.emit()

    def _show_labels(self, image: OpenImage) -> None:
        """Put the labels over their image, ready to paint a new object."""
        below = next(
            (layer for layer in self.choices if source_of(layer) is image.source), None
        )
        if below is None or image in self._bindings:
            return
        layer = make_layer(image, below, self._classes)
        layer.editable = not image.read_only
        restore_history(layer, image.annotation.history)
        # Before anybody listens: to choose a label finishes the objects that are open.
        layer.selected_label = first_label(image, self._variables)
        self._viewer.layers.insert(self._viewer.layers.index(below) + 1, layer)
        binding = LabelsBinding(layer, image.annotation, self._viewer.layers)
        image.canvas = binding
        if isinstance(image.annotation, ValueAnnotation):
            picture = ValuePicture(
                self._viewer.layers,
                binding,
                image.annotation,
                f"{below.name} prediction",
            )
            image.canvas = self._pictures[image] = picture
        binding.edited.connect(lambda _: self._session.note_edit(image))
        binding.settled.connect(lambda: self._session.note_edit(image))
        binding.removed.connect(lambda: self._on_labels_removed(image))
        self._bindings[image] = binding
        layer.events.selected_label.connect(self._on_brush)
        self.brush_changed.emit(int(layer.selected_label))
        self._hand_over(image)

    def _on_state(self) -> None:
        """Let the person paint only what can be saved."""
        for image, binding in self._bindings.items():
            if binding.layer.editable is bool(image.read_only):
                binding.layer.editable = not image.read_only

    def _open_again(self) -> None:
        """Open the chosen image with the work of another project."""
        chosen = self._chosen
        self.choose(None)
        self.choose(chosen)

    def _on_brush(self, event: Any) -> None:
        """Let the brush paint only what means something."""
        for image, binding in self._bindings.items():
            if binding.layer is not event.source:
                continue
            label = int(binding.layer.selected_label)
            allowed = _nearest_meaning(image, label)
            if allowed != label:
                binding.layer.selected_label = allowed
            elif binding.layer is self.labels_layer:
                self.brush_changed.emit(label)

    @property
    def _classes(self) -> tuple[ClassState, ...]:
        model = self._session.state.model
        return model.classes if model else ()

    @property
    def _variables(self) -> tuple[VariableState, ...]:
        model = self._session.state.model
        return model.variables if model else ()

    def _color(self) -> None:
        """Show classes in the colours of the model that is active now."""
        if self._classes == self._colored:
            return
        self._colored = self._classes
        for image, binding in self._bindings.items():
            if image.subject.task == "classes":
                binding.layer.colormap = class_colormap(self._classes)

    def _on_labels_removed(self, image: OpenImage) -> None:
        """Go on without the layer; the next prediction shows the labels again."""
        self._bindings.pop(image, None)
        self._overlays.pop(image, None)
        if picture := self._pictures.pop(image, None):
            picture.close(remove=False)
        image.leave_canvas()
        image.has_labels = False
        self._session.images.tell()

    def _put_away(self, image: OpenImage) -> None:
        """Take the layers of an image away: they come again with their work."""
        binding = self._bindings.get(image)
        self._let_go(image, remove=True)
        if binding is not None and binding.layer in self._viewer.layers:
            self._viewer.layers.remove(binding.layer)

    def _let_go(self, image: OpenImage, *, remove: bool = False) -> None:
        """Leave labels in the viewer whose image is gone."""
        if picture := self._pictures.pop(image, None):
            picture.close(remove=remove)
        if binding := self._bindings.pop(image, None):
            if overlay := self._overlays.pop(image, None):
                overlay.close()
            binding.close()
            image.leave_canvas()

    def _hand_over(self, image: OpenImage) -> None:
        """Select the labels, with a brush that fits the objects."""
        binding = self._bindings.get(image)
        if binding is not None and image is self._session.images.current:
            binding.layer.brush_size = brush_for(image)
            self._viewer.layers.selection.active = binding.layer


def _is_image(layer: Any) -> bool:
    if not isinstance(layer, Image) or is_prediction(layer):
        return False
    # The images of a folder are opened one by one in its place.
    return folder_of(layer) is None


def _nearest_meaning(image: OpenImage, label: int) -> int:
    """Return a label that means something in an image, this one if it does."""
    annotation = image.annotation
    if isinstance(annotation, ValueAnnotation):
        marks = annotation.palette
        return label if label in marks or not marks else max(marks)
    if image.subject.task == "classes":
        return min(label, len(image.subject.names) - 1)
    return label


def _name(layer: Image) -> str:
    path = _path(layer)
    return path.name if path else str(layer.name)


def _path(layer: Image) -> Path | None:
    return Path(layer.source.path) if layer.source.path else None
