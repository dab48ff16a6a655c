"""Between the viewer's layers and the session's images: what commands act on.

Some labels layers nobody keeps: a duplicate of the labels, the layer that napari's
button for new labels makes, labels from a file. They look like the layer to correct in.
So the first stroke says that they are not, and what is in them can be taken over.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Labels

from napari_unet.annotation.change import Mark
from napari_unet.annotation.labels import Labels as TakenLabels
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.gui.camera import box_in_canvas, look_at, with_surroundings
from napari_unet.gui.connections import Connections
from napari_unet.gui.image_layers import ImageLayers, is_image
from napari_unet.gui.placement import see
from napari_unet.gui.results import Results
from napari_unet.gui.shown_result import ShownResult
from napari_unet.gui.target import LayerFacts, Role, resolve_target
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.size import not_of_large
from napari_unet.session.session import Session
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ViewerLayers:
    """Chooses images, shows labels, and knows what is in sight."""

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = viewer
        self._session = session
        self.images = ImageLayers(viewer.layers, session.images)
        self.results = Results(viewer.layers, self.images, session)
        self._held = False
        self._strangers = Connections()
        self._connections = Connections()
        self.images.left.connect(self._let_go)
        self.images.replaced.connect(self._follow)
        self.results.changed.connect(self._follow)
        self._orphans: WeakSet[Labels] = WeakSet()
        self.results.left.connect(self._on_left)
        session.projects.opened.connect(self.images.open_again)
        session.projects.closed.connect(self.images.open_again)
        events, connect = viewer.layers.events, self._connections.connect
        # Last, so that napari itself knows a layer before anything is done with it.
        connect(events.inserted, self._on_inserted, position="last")
        connect(events.removed, self._on_removed)
        connect(events.renamed, self._on_changed)
        connect(viewer.layers.selection.events.changed, self._follow)
        connect(viewer.layers.selection.events.active, self._follow)
        for layer in viewer.layers:
            self._listen(layer)
        self._follow()

    @property
    def labels_layer(self) -> Labels | None:
        """The layer with the labels of the chosen image."""
        shown = self.results.current
        return shown.layer if shown else None

    def choose(self, layer: Image | None) -> None:
        """Work on the image of a layer from now on; it is selected, too."""
        self.images.choose(layer)
        if layer is not None:
            self._viewer.layers.selection.active = self.labels_layer or layer
            self._follow()

    def show(self, layer: Image) -> None:
        """Choose the image of a layer, and hide those of others, which lie on it."""
        _, wanted = self._role(layer)
        for each in self._viewer.layers:
            role, image = self._role(each)
            if each is layer or (image == wanted and role is Role.LABELS):
                see(each, visible=True)
            elif role not in (Role.OTHER, Role.STRANGER) and image != wanted:
                see(each, visible=False)
            elif role is Role.STRANGER and each in self._orphans:
                see(each, visible=False)  # of an image whose layer was removed
        self.choose(layer)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Follow nothing meanwhile, and afterwards what has become of it all."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._on_changed()

    def visible_box(self) -> Box | None:
        """Return what of the chosen image's labels is in sight.

        None in a 3-D view, and where nothing of the image is in sight.
        """
        image, shown = self._session.images.current, self.results.current
        layer = self.results.layer_in_sight or self.images.chosen
        if image is None or layer is None or self._viewer.dims.ndisplay != 2:
            return None
        if image.large:
            below = next(iter(self.images.of(image)), None)
            return _part_in_sight(self._viewer, image, below, shown)
        box = _box_of_labels(_box_in_sight(self._viewer, layer), image, shown, layer)
        return None if box.empty else box

    def look_at(self, image: OpenImage, box: Box) -> None:
        """Bring a part of an image into sight, and choose the image.

        Where that is another one than before, the layers of others are hidden: images
        lie on each other.
        """
        on = self.images.of(image)
        if not on:
            return
        if image is not self._session.images.current:
            for layer in self._viewer.layers:
                role, shown = self._role(layer)
                if isinstance(shown, OpenImage) and shown is not image:
                    layer.visible = False
                elif layer is on[0] or (shown is image and role is Role.LABELS):
                    layer.visible = True
            self.choose(on[0])
        self._viewer.dims.ndisplay = 2
        # The labels of a large image are those of a part of it.
        layer = None if image.large else self.labels_layer
        look_at(self._viewer, layer or on[0], image.axes, box)

    def look_at_object(self, label: int, box: Box) -> None:
        """Bring an object of the chosen image into sight, and select its label."""
        image = self._session.images.current
        if image is not None:
            self.look_at(image, with_surroundings(box, image.axes))
            if (layer := self.labels_layer) is not None:
                layer.selected_label = label

    def paint_with(self, label: int) -> None:
        """Give the brush a label, and take it in hand."""
        layer = self.labels_layer
        if layer is None:
            return
        layer.selected_label = label
        if layer.mode in ("pan_zoom", "transform", "pick", "erase"):
            layer.mode = "paint"
        self._viewer.layers.selection.active = layer

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

    def show_verified(self, visible: bool) -> None:
        """Show or hide what is verified in the labels of the chosen image."""
        if shown := self.results.current:
            shown.show_verified(visible)

    def use_selected_labels(self, *, right: bool = False) -> None:
        """Take over what is in the selected layer, which nobody keeps.

        As a prediction, to be corrected; or, where it is `right`, as a stroke.

        Raises
        ------
        InputError
            If it does not fit the chosen image.
        """
        image, selected = self._session.images.current, self._viewer.layers.selection
        stranger = next((each for each in selected if each in self._strangers), None)
        if image is None or stranger is None:
            raise InputError("Choose an image, and select the labels to use.")
        if image.read_only or image.large:
            reason = not_of_large("to use labels of a layer")
            raise InputError(image.read_only or reason)
        found = _labels_for(image, stranger)
        self._session.correcting.take(found, stranger.name, right=right)
        if shown := self.results.current:
            stranger.visible = False
            selected.active = shown.layer

    def close(self) -> None:
        """Let go of all layers, which stay as they are."""
        self._connections.close()
        self.images.close()
        self._strangers.close()
        self.results.close()

    def _follow(self, *_: object) -> None:
        """Choose what is selected, and tell on what commands act."""
        if self._held:
            return
        layers, before = list(self._viewer.layers), self.images.chosen
        facts = [self._facts(layer) for layer in layers]
        chosen = next((i for i, x in enumerate(layers) if x is before), None)
        image, target = resolve_target(facts, chosen)
        self.images.choose(None if image is None else layers[image])
        self.results.lie_on_images()
        self._session.aim(target)

    def _facts(self, layer: Any) -> LayerFacts:
        role, image = self._role(layer)
        selected = layer in self._viewer.layers.selection
        return LayerFacts(layer.name, role, image, bool(layer.visible), selected)

    def _role(self, layer: Any) -> tuple[Role, Hashable]:
        """Return what a layer is here, and of which image."""
        if self._is_preview(layer):
            return Role.PREVIEW, self._session.images.current
        for image, shown in self.results:
            if role := shown.role_of(layer):
                return role, image
        if layer in self._strangers:
            return Role.STRANGER, None
        if is_image(layer):
            return Role.IMAGE, self.images.shown_by(layer)
        return Role.OTHER, None

    def _listen(self, layer: Any) -> None:
        """Hear of what becomes of a layer of pixels or labels."""
        if not isinstance(layer, Image | Labels) or self._is_preview(layer):
            return
        self._connections.connect(layer.events.visible, self._follow, layer)
        if is_image(layer):
            self.images.add(layer)
        elif isinstance(layer, Labels) and not self.results.bind(layer):
            self._watch(layer)

    def _is_preview(self, layer: Any) -> bool:
        return layer is self.results.preview.layer

    def _on_left(self, layer: Labels) -> None:
        self._orphans.add(layer)
        self._watch(layer)

    def _watch(self, layer: Labels) -> None:
        """Hear when a person paints where nobody keeps it."""
        if layer not in self._strangers:
            paint = layer.events.paint
            self._strangers.connect(paint, self._on_stranger_painted, layer)

    def _on_changed(self) -> None:
        if not self._held:
            self._follow()
            self.images.chosen_changed.emit()

    def _on_inserted(self, event: Any) -> None:
        self._listen(event.value)
        self._on_changed()

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if isinstance(layer, Image | Labels):
            self._connections.forget(layer)
            self._strangers.forget(layer)
            self.images.remove(layer)
            self._on_changed()

    def _let_go(self, image: OpenImage) -> None:
        """Go on without an image that no layer shows any more."""
        self.results.let_go(image)
        self._session.images.release(image)

    def _on_stranger_painted(self, event: Any) -> None:
        """Say at the first stroke that nobody keeps it."""
        text = _not_kept(event.source.name, self.labels_layer)
        self._session.report("correct", InputError(text))


def _part_in_sight(
    viewer: ViewerModel,
    image: OpenImage,
    below: Image | None,
    result: ShownResult | None,
) -> Box | None:
    """Return what is in sight of an image larger than memory, and is shown."""
    if below is None or (seen := box_in_canvas(viewer, below, image.axes)) is None:
        return None
    # Before there are labels, a part of them can be anywhere.
    shown = image.annotation
    box = seen.intersect(shown.shown_box if result else shown.pixels.whole)
    return None if box.empty else box


def _box_in_sight(viewer: ViewerModel, layer: Any) -> Box:
    """Return what of a layer is in sight, in its own pixels."""
    first, last = np.asarray(layer.corner_pixels).astype(int)
    # Out of sight napari gives the pixel of the border that is nearest.
    seen = last > first
    start = first.tolist()
    stop = np.where(seen, last + 1, first).tolist()
    point = layer.world_to_data(viewer.dims.point)
    for axis in viewer.dims.not_displayed:
        own = axis - (viewer.dims.ndim - layer.ndim)
        if own >= 0:
            start[own] = round(float(point[own]))
            stop[own] = start[own] + 1
    return Box(tuple(start), tuple(stop))


def _box_of_labels(
    box: Box, image: OpenImage, shown: ShownResult | None, layer: Any
) -> Box:
    """Return a box of a layer of an image, or of its results, as one of its labels."""
    if shown:
        box = shown.binding.channel.box_of_labels(box)
    elif isinstance(layer, Image) and not layer.rgb:
        box = _without_channel(box, image.axes)
    return box.intersect(Box.whole(image.annotation.labels.shape))


def _without_channel(box: Box, axes: str) -> Box:
    """Return a box of an image as a box of its labels, which have no channels."""
    kept = [i for i, axis in enumerate(axes) if axis in result_axes(axes)]
    return Box(tuple(box.start[i] for i in kept), tuple(box.stop[i] for i in kept))


def _not_kept(stranger: str, labels: Labels | None) -> str:
    """Say that what is painted in a layer is lost, and in which layer it is kept."""
    where = f"paint in '{labels.name}'" if labels else "press Predict for one that is"
    return f"The layer '{stranger}' is not kept by U-Net: {where}, or use its labels."


def _labels_for(image: OpenImage, stranger: Labels) -> TakenLabels:
    """Return what is in a layer, as labels of an image.

    By the rule for labels from elsewhere: see `annotation.labels.as_labels`.

    Raises
    ------
    InputError
        If it does not fit, with what would.
    """
    schema = image.schema
    return task_of(schema).labels.take_over(
        partial(_without_channels, image, stranger),
        schema.names,
        result_axes(image.axes),
        stranger.name,
    )


def _without_channels(image: OpenImage, stranger: Labels) -> npt.NDArray[Any]:
    """Return what is in a layer in the shape of an image's labels."""
    wanted, whole = image.annotation.labels.shape, image.identity.shape
    pixels = stranger.data[0] if stranger.multiscale else stranger.data
    shape = tuple(pixels.shape)
    if shape == wanted:
        return np.asarray(pixels)
    if shape == whole and "C" in image.axes:
        # napari's new labels have the axes of the image, channels among them.
        channels = np.moveaxis(np.asarray(pixels), image.axes.index("C"), 0)
        used = [each for each in channels if each.any()]
        if len(used) <= 1:
            return used[0] if used else channels[0]
        raise InputError(
            f"'{stranger.name}' has other labels in every channel; labels of an image "
            "are the same for all of its channels. Choose one: split the layer first."
        )
    found = " x ".join(str(n) for n in shape)
    raise InputError(
        f"'{stranger.name}' has {found} pixels, the labels of '{image.name}' have "
        f"{' x '.join(str(n) for n in wanted)}; choose the image that they belong to."
    )
