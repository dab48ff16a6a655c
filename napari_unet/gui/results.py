"""The work on images, shown in layers over them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_unet.annotation.change import Change
from napari_unet.gui.image_layers import ImageLayers
from napari_unet.gui.napari_private import half_drawn, insert_quietly
from napari_unet.gui.preview import PreviewLayer
from napari_unet.gui.probability import ProbabilityLayer
from napari_unet.gui.result_layers import (
    make_layer,
    nearest_meaning,
    shows_labels_of,
)
from napari_unet.gui.shelf import Look, Shelf
from napari_unet.gui.shown_result import ShownResult, make_ready
from napari_unet.gui.tracks_layer import TracksLayer
from napari_unet.session.images.image import OpenImage
from napari_unet.session.session import Session
from napari_unet.tasks.outputs import PixelClass

if TYPE_CHECKING:
    from napari.components import LayerList


class Results:
    """Shows the labels of images, and brings what a person does in them to the session.

    By image, there is what is shown of the work on it.
    """

    changed = Signal()  # there are other labels on screen, or other labels to work in
    brush_changed = Signal(int)  # the brush paints another label from now on
    edited = Signal(OpenImage, Change)  # a person painted, took back or did again
    left = Signal(Labels)  # an ordinary layer from now on: its image is gone

    def __init__(self, layers: LayerList, images: ImageLayers, session: Session):
        self._layers = layers
        self._images = images
        self._session = session
        self._shown: dict[OpenImage, ShownResult] = {}
        self._looks: dict[Hashable, Look] = {}
        self._left: dict[Hashable, Labels] = {}
        self._lost: list[ShownResult] = []
        self.shelf = Shelf(layers)
        self._colored: tuple[PixelClass, ...] = ()
        self.preview = PreviewLayer(layers)
        self.preview.unwanted.connect(session.comparing.end)
        session.comparing.changed.connect(self._show_preview)
        self.probability = ProbabilityLayer(layers)
        self.probability.unwanted.connect(session.seeing.toggle)
        session.seeing.changed.connect(self._show_probability)
        self.tracks = TracksLayer(layers, session.following.paths, self._shown.get)
        session.images.labels_shown.connect(self._show_labels)
        session.images.joined.connect(self._on_joined)
        session.images.put_away.connect(self._put_away)
        session.models.timeline.changed.connect(self._color)
        session.predicting.completed.connect(self._hand_over)
        session.state_changed.connect(self._on_state)

    def __iter__(self) -> Iterator[tuple[OpenImage, ShownResult]]:
        return iter(tuple(self._shown.items()))

    @property
    def current(self) -> ShownResult | None:
        """What is shown of the chosen image's work."""
        image = self._session.images.current
        return self._shown.get(image) if image else None

    @property
    def layer_in_sight(self) -> Labels | None:
        """The labels of the chosen image, or what is shown in their place."""
        labels = self.current.layer if self.current else None
        preview = self.preview.layer
        return preview if preview is not None and preview.visible else labels

    def bind(self, layer: Labels) -> bool:
        """Go on with a layer that shows the pixels of an annotation, if it is one.

        Also with one that was removed and that somebody has brought back: what is
        painted there would change the annotation unheard.
        """
        for image in self._session.images:
            below = next(iter(self._images.of(image)), None)
            if below is None or not shows_labels_of(layer, image, below):
                continue
            if image not in self._shown:
                self._show(image, below, layer)
            return True
        return False

    def lie_on_images(self) -> None:
        """Let results lie on the chosen layer, where several show their image."""
        chosen = self._images.chosen
        for image, shown in self:
            on = self._images.of(image)
            if on and (chosen in on or shown.below not in on):
                shown.lie_on(on[0])

    def let_go(self, image: OpenImage) -> None:
        """Leave labels in the viewer whose image is gone, as an ordinary layer."""
        self.preview.drop(at_once=False)
        if shown := self._shown.pop(image, None):
            self._looks[_work(image)] = shown.look()
            self._left[_work(image)] = shown.layer
            shown.close(remove=False)
            self.left.emit(shown.layer)

    def lay_by(self, image: OpenImage, below: Image) -> None:
        """Let the layers of an image wait for the next, unless one is half drawn in."""
        shown = self._shown.get(image)
        if shown is None or shown.below is not below or half_drawn(shown.layer):
            return
        self._looks[_work(image)] = shown.look()
        del self._shown[image]
        self.tracks.drop()
        shown.lay_by()
        self.changed.emit()

    def close(self) -> None:
        """Let go of all layers, which stay as they are."""
        self.shelf.drop()
        self.preview.drop()
        self.probability.drop()
        self.tracks.drop()
        for shown in self._shown.values():
            shown.close(remove=False)
        self._shown.clear()

    def _show_labels(self, image: OpenImage) -> None:
        """Put the labels over their image, ready to paint a new object."""
        below = next(iter(self._images.of(image)), None)
        if below is None or image in self._shown:
            return
        self._remove_left(image)
        model = self._session.state.model
        kept = None if image.large else self.shelf.take_labels(image, below)
        look = self._looks.get(_work(image), {}) | (self.shelf.look if kept else {})
        layer = kept or make_layer(image, below, self._classes)
        # Before anybody listens: to choose a label finishes the objects that are open.
        make_ready(layer, image, model.variables if model else (), look)
        if kept is None:
            # Binds it, as every layer that shows these labels.
            insert_quietly(self._layers, self._layers.index(below) + 1, layer)
        elif self.bind(kept):
            self._shown[image].show_verified(self.shelf.overlaid)

    def _show_preview(self) -> None:
        """Show what another version would predict, or what is there, or no preview."""
        comparison, preview = self._session.state.comparing, self._session.comparing
        shown = self.current
        if comparison is None or preview.preview is None or shown is None:
            self.preview.drop()
            return
        self.preview.show(
            shown.binding.channel.spread(preview.preview.labels),
            shown.layer,
            f"{shown.below.name} by {comparison.name}",
            flipped=comparison.flipped,
        )

    def _show_probability(self) -> None:
        """Show how sure the model is below the labels, or nothing."""
        found = self._session.seeing.map
        shown = self._shown.get(found.image) if found is not None else None
        if found is None or shown is None:
            self.probability.drop()
        else:
            channel, name = shown.binding.channel, f"{shown.below.name} probability"
            start = channel.box_in_layer(found.box).start
            values = channel.spread(found.values)
            self.probability.show(values, start, shown.layer, name)

    def _show(self, image: OpenImage, below: Image, layer: Labels) -> None:
        look = self._looks.get(_work(image), {})
        shown = ShownResult(self._layers, image, below, layer, look, self.shelf)
        self._shown[image] = shown
        binding = shown.binding
        binding.may_undo = lambda: self._session.correcting.may_undo(image)
        binding.edited.connect(lambda change: self._on_edited(image, change))
        binding.settled.connect(lambda: self._session.note_edit(image))
        binding.told.connect(self._session.tell)
        binding.refused.connect(lambda e: self._session.report("correct", e))
        binding.removed.connect(lambda: self._on_removed(image))
        layer.events.selected_label.connect(self._on_brush)
        image.has_labels = True
        self._session.images.tell()
        self.brush_changed.emit(int(layer.selected_label))
        self._hand_over(image)

    def _on_edited(self, image: OpenImage, change: Change) -> None:
        self._session.note_edit(image)
        self._session.correcting.note_replay(image, change)
        self.edited.emit(image, change)

    def _on_joined(self, image: OpenImage) -> None:
        """Put another layer of an image below the labels of that image."""
        layer, shown = self._images.chosen, self._shown.get(image)
        if layer is None or shown is None:
            return
        place, top = self._layers.index(layer), self._layers.index(shown.layer)
        if place > top:
            self._layers.move(place, top)
        self.changed.emit()

    def _on_state(self) -> None:
        """Let the person paint only what can be saved."""
        for image, shown in self:
            if shown.layer.editable is bool(image.read_only):
                shown.layer.editable = not image.read_only

    def _on_brush(self, event: Any) -> None:
        """Let the brush paint only what means something."""
        for image, shown in self:
            if shown.layer is not event.source:
                continue
            label = int(shown.layer.selected_label)
            allowed = nearest_meaning(image, label)
            if allowed != label:
                shown.layer.selected_label = allowed
            elif shown is self.current:
                self.brush_changed.emit(label)

    @property
    def _classes(self) -> tuple[PixelClass, ...]:
        model = self._session.state.model
        return model.classes if model else ()

    def _color(self) -> None:
        """Show classes in the colours of the model that is active now."""
        if self._classes != self._colored:
            self._colored = self._classes
            for _, shown in self:
                shown.color(self._classes)

    def _on_removed(self, image: OpenImage) -> None:
        """Go on without the layer; the next prediction shows the labels again."""
        self.preview.drop(at_once=False)
        shown = self._shown.pop(image)
        # Who asks for the labels again wants to see them.
        self._looks[_work(image)] = {**shown.look(), "visible": True}
        shown.let_go()
        # When napari is done removing, which may hold a list with the other layers.
        self._lost.append(shown)
        QTimer.singleShot(0, self._close_lost)
        image.has_labels = False
        self._session.images.tell()
        self.changed.emit()

    def _close_lost(self) -> None:
        while self._lost:
            self._lost.pop().close_others(remove=True)

    def _put_away(self, image: OpenImage) -> None:
        """Take the layers of an image away: they come again with their work."""
        self.preview.drop()
        self.tracks.drop()
        if shown := self._shown.pop(image, None):
            self._looks[_work(image)] = shown.look()
            shown.close(remove=True)

    def _remove_left(self, image: OpenImage) -> None:
        """Remove what was left of an image that is back, unless it was painted in."""
        left = self._left.pop(_work(image), None)
        here = left in self._layers and not image.large
        if here and np.array_equal(left.data, image.annotation.labels):
            self._layers.remove(left)

    def _hand_over(self, image: OpenImage) -> None:
        """Select the labels, with a brush that fits the objects."""
        shown = self._shown.get(image)
        if shown is not None and image is self._session.images.current:
            shown.fit_brush()
            self._layers.selection.active = shown.layer
            self.changed.emit()


def _work(image: OpenImage) -> Hashable:
    """Return what tells the work on an image from all other work."""
    return image.project.folder, image.key
