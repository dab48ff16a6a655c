"""Between the viewer's layers and the session's images: what commands act on."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from psygnal import Signal

from napari_unet.annotation.change import Mark
from napari_unet.annotation.edits import TakeOver
from napari_unet.annotation.labels import tell
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.gui.geometry import box_in_sight, without_channel
from napari_unet.gui.image_layers import ImageLayers, is_image
from napari_unet.gui.results import Results
from napari_unet.gui.strangers import Strangers, labels_for, not_kept
from napari_unet.gui.target import LayerFacts, Role, resolve_target
from napari_unet.session.images.image import OpenImage
from napari_unet.session.session import Session

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ViewerLayers:
    """Chooses images, shows labels, and knows what is in sight.

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
        self._images = ImageLayers(viewer.layers, session.images)
        self._results = Results(viewer.layers, self._images, session)
        self._strangers = Strangers()
        self._images.chosen_changed.connect(self.chosen_changed.emit)
        self._images.left.connect(self._let_go)
        self._images.replaced.connect(self._follow)
        self._results.brush_changed.connect(self.brush_changed.emit)
        self._results.changed.connect(self._follow)
        self._results.left.connect(self._strangers.watch)
        self._strangers.painted.connect(self._on_stranger_painted)
        session.projects.opened.connect(self._images.open_again)
        session.projects.closed.connect(self._images.open_again)
        self._connections = self._connect()
        for layer in viewer.layers:
            self._listen(layer)
        self._follow()

    def _connect(self) -> list[tuple[Any, Callable[..., None]]]:
        events = self._viewer.layers.events
        selection = self._viewer.layers.selection.events
        # Last, so that napari itself knows a layer before anything is done with it.
        events.inserted.connect(self._on_inserted, position="last")
        connections: list[tuple[Any, Callable[..., None]]] = [
            (events.removed, self._on_removed),
            (events.renamed, self._on_renamed),
            (selection.changed, self._follow),
            (selection.active, self._follow),
        ]
        for emitter, callback in connections:
            emitter.connect(callback)
        return [*connections, (events.inserted, self._on_inserted)]

    @property
    def choices(self) -> list[Image]:
        """The image layers, the topmost first."""
        return self._images.choices

    @property
    def chosen(self) -> Image | None:
        """The layer whose image is predicted."""
        return self._images.chosen

    @property
    def labels_layer(self) -> Labels | None:
        """The layer with the labels of the chosen image."""
        shown = self._results.current
        return shown.layer if shown else None

    def choose(self, layer: Image | None) -> None:
        """Work on the image of a layer from now on; it is selected, too."""
        self._images.choose(layer)
        if layer is not None:
            self._viewer.layers.selection.active = self.labels_layer or layer
            self._follow()

    def visible_box(self) -> Box | None:
        """Return what of the chosen image's labels is in sight.

        None in a 3-D view, and where nothing of the image is in sight.
        """
        image, shown = self._session.images.current, self._results.current
        layer = shown.layer if shown else self.chosen
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
        if shown := self._results.current:
            shown.look_at_variable(variable)

    def mark(self, label: int) -> Mark | None:
        """Return what a label of the chosen image says, where labels are marks."""
        image = self._session.images.current
        if image is None or image.annotation.values is None:
            return None
        return image.annotation.values.palette.get(label)

    @property
    def selected_object(self) -> int:
        """The object whose label is selected, 0 if there is none."""
        layer = self.labels_layer
        return int(layer.selected_label) if layer is not None else 0

    @property
    def verified_shown(self) -> bool:
        """Whether the overlay of the chosen image is on screen."""
        shown = self._results.current
        return shown is not None and shown.verified_shown

    def show_verified(self, visible: bool) -> None:
        """Show or hide what is verified; its layer is made when it is shown first."""
        if shown := self._results.current:
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
        found = labels_for(image, stranger)
        self._session.images.show_labels(image)
        if shown := self._results.current:
            if shown.binding.do(TakeOver(found.array)):
                self._session.note_edit(image)
            stranger.visible = False
            self._viewer.layers.selection.active = shown.layer
        if notes := tell([(stranger.name, found)]):
            self._session.tell(" ".join(notes))

    def close(self) -> None:
        """Let go of all layers, which stay as they are."""
        for emitter, callback in self._connections:
            emitter.disconnect(callback)
        self._connections.clear()
        for layer in self._viewer.layers:
            if isinstance(layer, Image | Labels):
                layer.events.visible.disconnect(self._follow)
        self._images.close()
        self._strangers.close()
        self._results.close()

    def _follow(self, *_: object) -> None:
        """Choose what is selected, and tell on what commands act."""
        layers = list(self._viewer.layers)
        facts = [self._facts(layer) for layer in layers]
        chosen = next((i for i, x in enumerate(layers) if x is self.chosen), None)
        resolved = resolve_target(facts, chosen)
        self._images.choose(None if resolved.image is None else layers[resolved.image])
        self._results.lie_on_images()
        self._session.aim(resolved.target)

    def _facts(self, layer: Any) -> LayerFacts:
        role, image = self._role(layer)
        selected = layer in self._viewer.layers.selection
        return LayerFacts(layer.name, role, image, bool(layer.visible), selected)

    def _role(self, layer: Any) -> tuple[Role, Hashable]:
        """Return what a layer is here, and of which image."""
        for image, shown in self._results:
            if role := shown.role_of(layer):
                return role, image
        if layer in self._strangers:
            return Role.STRANGER, None
        if is_image(layer):
            return Role.IMAGE, self._images.shown_by(layer)
        return Role.OTHER, None

    def _selected_stranger(self) -> Labels | None:
        selected = self._viewer.layers.selection
        return next((each for each in selected if each in self._strangers), None)

    def _listen(self, layer: Any) -> None:
        """Hear of what becomes of a layer of pixels or labels."""
        if not isinstance(layer, Image | Labels):
            return
        layer.events.visible.connect(self._follow)
        if is_image(layer):
            self._images.add(layer)
        elif isinstance(layer, Labels) and not self._results.bind(layer):
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
        self._images.remove(layer)
        self._follow()
        self.chosen_changed.emit()

    def _let_go(self, image: OpenImage) -> None:
        """Go on without an image that no layer shows any more."""
        self._results.let_go(image)
        self._session.images.release(image)

    def _on_stranger_painted(self, layer: Labels) -> None:
        """Say at the first stroke that nobody keeps it."""
        self._session.report(
            "correct", InputError(not_kept(layer.name, self.labels_layer))
        )
