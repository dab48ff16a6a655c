"""One image of the list on screen at a time.

How it flows: where the next image is of the kind of the one before, its pixels take
their place in the same layer, as napari is slow to add layers and to remove them.
Otherwise there is a new layer, and the other one goes.

Images that came through the list leave the layer list and the memory when a person goes
to another one; their work is saved, and comes again with them. Layers that somebody
else brought, such as a file that was dropped, are hidden and never removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from psygnal import Signal

from napari_unet.gui.image_layers import source_of
from napari_unet.gui.layers import ViewerLayers
from napari_unet.gui.napari_private import made_from_file, say_source
from napari_unet.gui.placement import cover
from napari_unet.gui.reading import NAPARI
from napari_unet.session.session import Session
from napari_unet.session.worklist.entry import Entry, OpenLayer
from napari_unet.session.worklist.reading import Picture

if TYPE_CHECKING:
    from napari.components import ViewerModel

_CHOSEN_BY_PERSONS = ("contrast_limits", "gamma", "colormap", "opacity")


class OneImage:
    """Shows the image of the list to which a person goes, and puts others away."""

    shown = Signal(Entry)  # it is on screen

    def __init__(
        self, viewer: ViewerModel, layers: ViewerLayers, session: Session
    ) -> None:
        self._viewer = viewer
        self._layers = layers
        self._session = session
        # Layers that came through the list, and what they looked like then.
        self._brought: dict[Image, dict[str, Any]] = {}
        session.worklist.going.wanted.connect(self._show)
        layers.images.chosen_changed.connect(self._tell)
        self._tell()

    def close(self) -> None:
        """Show and tell nothing any more."""
        self._session.worklist.going.wanted.disconnect(self._show)
        self._layers.images.chosen_changed.disconnect(self._tell)

    def _tell(self) -> None:
        """Tell which layers of pixels there are, and which is chosen."""
        images = self._layers.images
        known = [
            OpenLayer(id(layer), str(layer.name), _path_of(layer))
            for layer in reversed(images.choices)
        ]
        chosen = images.chosen
        self._session.worklist.show_layers(known, id(chosen) if chosen else None)

    def _show(self, entry: Entry, picture: Picture | None) -> None:
        before = self._layers.images.chosen
        extent = _extent(before)
        layer = self._layer_of(entry)
        if layer is None and picture is not None:
            new = _layer_with(entry, picture)
            turned = before is not None and self._turn_into(before, new)
            layer = before if turned else self._add(new, self._look(before))
        if layer is None:
            return
        self._put_others_away(layer)
        self._layers.show(layer)
        if extent and extent != _extent(layer):
            self._viewer.reset_view()
        self.shown.emit(entry)

    def _layer_of(self, entry: Entry) -> Image | None:
        for layer in self._layers.images.choices:
            path = _path_of(layer)
            source = id(layer) if path is None else path.resolve()
            if source == entry.source:
                return layer
        return None

    def _turn_into(self, layer: Image, new: Image) -> bool:
        """Let a layer be another one, of the same kind, that would take its place.

        napari adds no layer then, and what a person chose stays as it is. Return False
        where that cannot be.
        """
        if layer not in self._brought or not _same_kind(layer, new):
            return False
        given, images = self._brought[layer], self._session.images
        was_given = tuple(layer.contrast_limits) == tuple(given["contrast_limits"])
        limits = tuple(new.contrast_limits if was_given else layer.contrast_limits)
        image = images.find(layer.data)
        with self._layers.held():
            if image is not None:
                self._layers.results.lay_by(image, layer)
                images.put_aside(image)
            say_source(layer, new)
            layer.name, layer.metadata = new.name, dict(new.metadata)
            layer.data = new.data
            cover(layer, new)
            layer.contrast_limits_range = new.contrast_limits_range
            layer.contrast_limits = limits
            self._layers.results.shelf.wait_over(layer)
        given["contrast_limits"] = new.contrast_limits
        return True

    def _add(self, layer: Image, look: dict[str, Any]) -> Image:
        given = {each: getattr(layer, each) for each in _CHOSEN_BY_PERSONS}
        self._brought[layer] = given
        same = look.get("dtype") == layer.dtype and not layer.rgb
        for each in _CHOSEN_BY_PERSONS if same else ():
            if each in look:
                setattr(layer, each, look[each])
        self._viewer.add_layer(layer)
        return layer

    def _look(self, layer: Image | None) -> dict[str, Any]:
        """Return what a person has changed in a layer that came through the list."""
        given = self._brought.get(layer) if layer is not None else None
        if layer is None or given is None:
            return {}
        now = {each: getattr(layer, each) for each in _CHOSEN_BY_PERSONS}
        changed = {each: value for each, value in now.items() if value != given[each]}
        return {"dtype": layer.dtype, **changed}

    def _put_others_away(self, layer: Image) -> None:
        images = self._session.images
        there = [each for each in self._brought if each in self._viewer.layers]
        self._brought = {each: self._brought[each] for each in there}
        for each in there:
            if each is layer:
                continue
            image = images.find(source_of(each))
            if image is not None and image is not images.find(source_of(layer)):
                images.put_aside(image)
            self._viewer.layers.remove(each)
            del self._brought[each]


def _layer_with(entry: Entry, picture: Picture) -> Image:
    """Return a layer with a picture, as napari would make it of the file."""
    data = picture.pixels if picture.shown is None else picture.shown
    name = entry.path.stem if entry.path is not None else entry.name
    metadata = {"axes": picture.axes} if picture.axes else {}
    with made_from_file(str(entry.path), NAPARI):
        limits = picture.limits
        return Image(data, name=name, metadata=metadata, contrast_limits=limits)


def _same_kind(layer: Image, other: Image) -> bool:
    """Whether a layer with the pixels of another one would be as that one is."""
    return (
        isinstance(layer.data, np.ndarray)
        and isinstance(other.data, np.ndarray)
        and layer.rgb == other.rgb
        and layer.data.ndim == other.data.ndim
        and layer.data.dtype == other.data.dtype
    )


def _path_of(layer: Image) -> Path | None:
    return Path(layer.source.path) if layer.source.path else None


def _extent(layer: Image | None) -> tuple[int, ...]:
    return tuple(source_of(layer).shape) if layer is not None else ()
