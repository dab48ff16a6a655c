"""Between the viewer's layers and the session's images.

Which image is chosen, where its results are shown, and what of it is in sight. Layers
and images find each other by the pixels they share, so several layers may show one
image; its work is here as long as one of them is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from psygnal import Signal

from napari_unet.core.box import Box
from napari_unet.core.mark import Mark
from napari_unet.core.values import ValueAnnotation
from napari_unet.errors import InputError
from napari_unet.gui.geometry import (
    axes_of,
    box_in_sight,
    pixel_size,
    source_of,
    without_channel,
)
from napari_unet.gui.layer_look import LayerLook
from napari_unet.gui.napari_private import insert_quietly, restore_history
from napari_unet.gui.recording import RecordingArray
from napari_unet.gui.result_layers import (
    channel_axis,
    first_label,
    make_layer,
    nearest_meaning,
    shows_labels_of,
)
from napari_unet.gui.shown_result import ShownResult
from napari_unet.gui.strangers import Strangers, labels_for, not_kept, take_over
from napari_unet.gui.target import LayerFacts, Role, resolve_target
from napari_unet.gui.value_picture import is_prediction
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
        self._shown: dict[OpenImage, ShownResult] = {}
        # What every image layer showed when it was looked at last.
        self._sources: dict[Image, Any] = {}
        self._looks: dict[Hashable, LayerLook] = {}
        self._left: dict[Hashable, Labels] = {}
        self._colored: tuple[ClassState, ...] = ()
        self._strangers = Strangers()
        self._strangers.painted.connect(self._on_stranger_painted)
        session.images.labels_shown.connect(self._show_labels)
        session.images.put_away.connect(self._put_away)
        session.models.timeline.changed.connect(self._color)
        session.predicting.completed.connect(self._hand_over)
        session.projects.opened.connect(self._open_again)
        session.projects.closed.connect(self._open_again)
        session.state_changed.connect(self._on_state)
        self._connections: list[tuple[Any, Callable[..., None]]] = [
            (viewer.layers.events.removed, self._on_removed),
            (viewer.layers.events.renamed, self._on_renamed),
            (viewer.layers.selection.events.changed, self._follow),
            (viewer.layers.selection.events.active, self._follow),
        ]
        for emitter, callback in self._connections:
            emitter.connect(callback)
        # Last, so that napari itself knows the layer before anything is done with it.
        inserted = viewer.layers.events.inserted
        inserted.connect(self._on_inserted, position="last")
        self._connections.append((inserted, self._on_inserted))
        for layer in viewer.layers:
            self._listen(layer)
        self._follow()

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
        shown = self._current
        return shown.layer if shown else None

    def pick(self, layer: Image | None) -> None:
        """Choose an image layer as a person does: what is chosen is selected, too."""
        self.choose(layer)
        if layer is not None:
            self._viewer.layers.selection.active = self.labels_layer or layer

    def choose(self, layer: Image | None) -> None:
        """Work on the image of a layer from now on."""
        if layer is self._chosen:
            return
        self._chosen = layer
        images = self._session.images
        if layer is None:
            images.select(None)
        elif image := images.find(source_of(layer)):
            if image is not images.current:
                images.select(image)
            if image in self._shown:
                self._shown[image].lie_on(layer)
        else:
            images.open(
                source_of(layer),
                _name(layer),
                axes_of(layer),
                _path(layer),
                pixel_size(layer),
            )
        self.chosen_changed.emit()

    def visible_box(self) -> Box | None:
        """Return what of the chosen image's labels is in sight.

        None in a 3-D view, and where nothing of the image is in sight.
        """
        image, shown = self._session.images.current, self._current
        layer = shown.layer if shown else self._chosen
        if image is None or layer is None or self._viewer.dims.ndisplay != 2:
            return None
        box = box_in_sight(self._viewer, layer)
        if shown:
            box = shown.binding.channel.box_of_labels(box)
        elif isinstance(layer, Image) and not layer.rgb:
            box = without_channel(box, image.axes)
        box = box.intersect(Box.whole(image.annotation.labels.shape))
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
        if shown := self._current:
            shown.look_at_variable(variable)

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
        shown = self._current
        return shown is not None and shown.verified_shown

    def show_verified(self, visible: bool) -> None:
        """Show or hide what is verified; its layer is made when it is shown first."""
        if shown := self._current:
            shown.show_verified(visible)

    def use_selected_labels(self) -> None:
        """Take what is in the selected layer, which nobody keeps, over as a stroke.

        Raises
        ------
        InputError
            If it does not fit the chosen image.
        """
        image = self._session.images.current
        stranger = self._selected_stranger()
        if image is None or stranger is None:
            raise InputError("Choose an image, and select the labels to use.")
        if image.read_only:
            raise InputError(image.read_only)
        labels = labels_for(image, stranger)
        self._session.images.show_labels(image)
        if shown := self._current:
            take_over(shown.layer, labels, shown.binding.channel)
            stranger.visible = False
            self._viewer.layers.selection.active = shown.layer

    def close(self) -> None:
        """Let go of all layers, which stay as they are."""
        for emitter, callback in self._connections:
            emitter.disconnect(callback)
        self._connections.clear()
        self._strangers.close()
        for shown in self._shown.values():
            shown.close(remove=False)
        self._shown.clear()

    @property
    def _current(self) -> ShownResult | None:
        image = self._session.images.current
        return self._shown.get(image) if image else None

    def _follow(self, *_: object) -> None:
        """Choose what is selected, and tell on what commands act."""
        layers = list(self._viewer.layers)
        facts = [self._facts(layer) for layer in layers]
        chosen = next((i for i, x in enumerate(layers) if x is self._chosen), None)
        resolved = resolve_target(facts, chosen)
        self.choose(None if resolved.image is None else layers[resolved.image])
        self._session.aim(resolved.target)

    def _facts(self, layer: Any) -> LayerFacts:
        role, image = self._role(layer)
        selected = layer in self._viewer.layers.selection
        return LayerFacts(layer.name, role, image, bool(layer.visible), selected)

    def _role(self, layer: Any) -> tuple[Role, Hashable]:
        """Return what a layer is here, and of which image."""
        for image, shown in self._shown.items():
            if role := shown.role_of(layer):
                return role, image
        if layer in self._strangers:
            return Role.STRANGER, None
        if not _is_image(layer):
            return Role.OTHER, None
        source = source_of(layer)
        return Role.IMAGE, self._session.images.find(source) or id(source)

    def _selected_stranger(self) -> Labels | None:
        selected = self._viewer.layers.selection
        return next((each for each in selected if each in self._strangers), None)

    def _listen(self, layer: Any) -> None:
        """Hear of what becomes of a layer of pixels or labels."""
        if not isinstance(layer, Image | Labels):
            return
        layer.events.visible.connect(self._follow)
        if _is_image(layer):
            self._sources[layer] = source_of(layer)
            layer.events.data.connect(self._on_data)
        elif isinstance(layer, Labels) and not self._bind(layer):
            self._strangers.watch(layer)

    def _on_inserted(self, event: Any) -> None:
        self._listen(event.value)
        self._follow()
        self.chosen_changed.emit()

    def _on_renamed(self) -> None:
        self._follow()
        self.chosen_changed.emit()

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if not isinstance(layer, Image | Labels):
            return
        layer.events.visible.disconnect(self._follow)
        self._strangers.forget(layer)
        if layer in self._sources:
            layer.events.data.disconnect(self._on_data)
            self._leave(layer, self._sources.pop(layer))
        self._follow()
        self.chosen_changed.emit()

    def _on_data(self, event: Any) -> None:
        """Open the image anew: the layer shows another one now."""
        layer = event.source
        before, self._sources[layer] = self._sources[layer], source_of(layer)
        if before is not self._sources[layer]:
            self._leave(layer, before)
            self._follow()

    def _leave(self, layer: Image, source: Any) -> None:
        """Go on without a layer that showed an image."""
        image = self._session.images.find(source)
        others = self._layers_of(image) if image else []
        if layer is self._chosen:
            self.choose(others[0] if others else None)
        if image is None:
            return
        if not others:
            self._let_go(image)
            self._session.images.release(image)
        elif image in self._shown and self._shown[image].below is layer:
            self._shown[image].lie_on(others[0])

    def _layers_of(self, image: OpenImage) -> list[Image]:
        """Return the layers that show an image, the chosen one or the topmost first."""
        find = self._session.images.find
        found = [each for each in self.choices if find(source_of(each)) is image]
        return sorted(found, key=lambda each: each is not self._chosen)

    def _show_labels(self, image: OpenImage) -> None:
        """Put the labels over their image, ready to paint a new object."""
        layers = self._viewer.layers
        below = next(iter(self._layers_of(image)), None)
        if below is None or image in self._shown:
            return
        self._remove_left(image)
        layer = make_layer(image, below, self._classes)
        in_layer = channel_axis(image, below).points_in_layer
        restore_history(layer, image.annotation.history, in_layer)
        # Before anybody listens: to choose a label finishes the objects that are open.
        layer.selected_label = first_label(image, self._variables)
        layer.editable = not image.read_only
        if look := self._looks.get(_work(image)):
            look.give(layer)
            layer.selected_label = nearest_meaning(image, layer.selected_label)
        insert_quietly(layers, layers.index(below) + 1, layer)

    def _bind(self, layer: Labels) -> bool:
        """Go on with a layer that shows the pixels of an annotation, if it is one.

        It need not be one of ours: somebody may bring back a layer that was removed,
        and what is painted there would change the annotation unheard.
        """
        for image in self._session.images:
            below = next(iter(self._layers_of(image)), None)
            if below is None or not shows_labels_of(layer, image, below):
                continue
            if image not in self._shown:
                self._show(image, below, layer)
            return True
        return False

    def _show(self, image: OpenImage, below: Image, layer: Labels) -> None:
        look = self._looks.get(_work(image))
        shown = ShownResult(self._viewer.layers, image, below, layer, look)
        self._shown[image] = shown
        self._watch(image, shown)
        image.has_labels = True
        self._session.images.tell()
        self.brush_changed.emit(int(layer.selected_label))
        self._hand_over(image)

    def _watch(self, image: OpenImage, shown: ShownResult) -> None:
        """Tell the session what a person does in a layer."""
        binding = shown.binding
        binding.edited.connect(lambda _: self._session.note_edit(image))
        binding.settled.connect(lambda: self._session.note_edit(image))
        binding.removed.connect(lambda: self._on_labels_removed(image))
        shown.layer.events.selected_label.connect(self._on_brush)

    def _on_state(self) -> None:
        """Let the person paint only what can be saved."""
        for image, shown in self._shown.items():
            if shown.layer.editable is bool(image.read_only):
                shown.layer.editable = not image.read_only

    def _open_again(self) -> None:
        """Open the chosen image with the work of another project."""
        chosen = self._chosen
        self.choose(None)
        self.choose(chosen)

    def _on_brush(self, event: Any) -> None:
        """Let the brush paint only what means something."""
        for image, shown in self._shown.items():
            if shown.layer is not event.source:
                continue
            label = int(shown.layer.selected_label)
            allowed = nearest_meaning(image, label)
            if allowed != label:
                shown.layer.selected_label = allowed
            elif shown.layer is self.labels_layer:
                self.brush_changed.emit(label)

    def _on_stranger_painted(self, layer: Labels) -> None:
        """Say at the first stroke that nobody keeps it."""
        self._session.refuse("correct", not_kept(layer.name, self.labels_layer))

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
        if self._classes != self._colored:
            self._colored = self._classes
            for shown in self._shown.values():
                shown.color(self._classes)

    def _on_labels_removed(self, image: OpenImage) -> None:
        """Go on without the layer; the next prediction shows the labels again."""
        shown = self._shown.pop(image)
        # Who asks for the labels again wants to see them.
        self._looks[_work(image)] = replace(shown.look(), visible=True)
        shown.lost()
        image.has_labels = False
        self._session.images.tell()
        self._follow()

    def _put_away(self, image: OpenImage) -> None:
        """Take the layers of an image away: they come again with their work."""
        if shown := self._shown.pop(image, None):
            self._looks[_work(image)] = shown.look()
            shown.close(remove=True)

    def _let_go(self, image: OpenImage) -> None:
        """Leave labels in the viewer whose image is gone, as an ordinary layer."""
        if shown := self._shown.pop(image, None):
            self._looks[_work(image)] = shown.look()
            shown.close(remove=False)
            self._left[_work(image)] = shown.layer
            self._strangers.watch(shown.layer)

    def _remove_left(self, image: OpenImage) -> None:
        """Remove what was left of an image that is back, unless it was painted in."""
        left = self._left.pop(_work(image), None)
        if left is not None and left in self._viewer.layers:
            labels = image.annotation.labels
            if left.data.shape == labels.shape and np.array_equal(left.data, labels):
                self._viewer.layers.remove(left)

    def _hand_over(self, image: OpenImage) -> None:
        """Select the labels, with a brush that fits the objects."""
        shown = self._shown.get(image)
        if shown is not None and image is self._session.images.current:
            shown.fit_brush()
            self._viewer.layers.selection.active = shown.layer
            self._follow()


def _is_image(layer: Any) -> bool:
    """Whether a layer holds pixels to work on: predictions and labels are none."""
    return (
        isinstance(layer, Image)
        and not is_prediction(layer)
        and not isinstance(source_of(layer), RecordingArray)
    )


def _work(image: OpenImage) -> Hashable:
    """Return what tells the work on an image from all other work."""
    return image.project.folder, image.key


def _name(layer: Image) -> str:
    path = _path(layer)
    return path.name if path else str(layer.name)


def _path(layer: Image) -> Path | None:
    return Path(layer.source.path) if layer.source.path else None
