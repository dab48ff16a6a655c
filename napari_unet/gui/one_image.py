"""One image of the list on screen at a time.

Images that came through the list leave the layer list and the memory when a person goes
to another one; their work is saved, and comes again with them. Layers that somebody
else brought, such as a file that was dropped, are hidden and never removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal

from napari_unet.gui.image_layers import source_of
from napari_unet.gui.layers import ViewerLayers
from napari_unet.gui.napari_private import made_from_file
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
        look = self._look(before)
        layer = self._layer_of(entry)
        if layer is None and picture is not None:
            layer = self._add(entry, picture, look)
        if layer is None:
            return
        self._put_others_away(layer)
        self._layers.show(layer)
        if before is not None and _extent(before) != _extent(layer):
            self._viewer.reset_view()
        self.shown.emit(entry)

    def _layer_of(self, entry: Entry) -> Image | None:
        for layer in self._layers.images.choices:
            path = _path_of(layer)
            source = id(layer) if path is None else path.resolve()
            if source == entry.source:
                return layer
        return None

    def _add(self, entry: Entry, picture: Picture, look: dict[str, Any]) -> Image:
        data = picture.pixels if picture.shown is None else picture.shown
        path = str(entry.path)
        name = entry.path.stem if entry.path is not None else entry.name
        metadata = {"axes": picture.axes} if picture.axes else {}
        with made_from_file(path, NAPARI):
            layer = Image(data, name=name, metadata=metadata)
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


def _path_of(layer: Image) -> Path | None:
    return Path(layer.source.path) if layer.source.path else None


def _extent(layer: Image) -> tuple[int, ...]:
    return tuple(source_of(layer).shape)
