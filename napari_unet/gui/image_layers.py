"""The layers that show images, and the one of them that is chosen.

Layers and images find each other by the pixels they share. So several layers may show
one image, and its work is here as long as one of them is.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image
from psygnal import Signal

from napari_unet.core.jobs import Job
from napari_unet.gui.folders import folder_of
from napari_unet.gui.geometry import pixel_size, source_of, stated_axes
from napari_unet.gui.recording import RecordingArray
from napari_unet.gui.value_picture import is_prediction
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images

if TYPE_CHECKING:
    from napari.components import LayerList


class ImageLayers:
    """Opens the image of the layer that is chosen, and knows which layers show it.

    Attributes
    ----------
    chosen_changed : Signal()
        Another image layer is chosen, or the choices have changed.
    left : Signal(OpenImage)
        No layer shows the image any more.
    replaced : Signal()
        A layer shows another image than before.
    """

    chosen_changed = Signal()
    left = Signal(OpenImage)
    replaced = Signal()

    def __init__(self, layers: LayerList, images: Images) -> None:
        self._layers = layers
        self._images = images
        self._chosen: Image | None = None
        # What every layer showed when it was looked at last.
        self._sources: dict[Image, Any] = {}

    @property
    def choices(self) -> list[Image]:
        """The image layers, the topmost first."""
        return [layer for layer in reversed(self._layers) if is_image(layer)]

    @property
    def chosen(self) -> Image | None:
        """The layer whose image is predicted."""
        return self._chosen

    def choose(self, layer: Image | None) -> None:
        """Work on the image of a layer from now on."""
        if layer is self._chosen:
            return
        self._chosen = layer
        if layer is None:
            self._images.select(None)
        elif image := self._images.find(source_of(layer)):
            if image is not self._images.current:
                self._images.select(image)
        else:
            self._images.open(
                source_of(layer),
                _name(layer),
                stated_axes(layer),
                _path(layer),
                pixel_size(layer),
                colour=layer.rgb,
            )
        self.chosen_changed.emit()

    def open_again(self) -> None:
        """Open the chosen image with the work of another project."""
        chosen = self._chosen
        self.choose(None)
        self.choose(chosen)

    def of(self, image: OpenImage) -> list[Image]:
        """Return the layers that show an image: the chosen one, then the topmost."""
        find = self._images.find
        found = [each for each in self.choices if find(source_of(each)) is image]
        return sorted(found, key=lambda each: each is not self._chosen)

    def shown_by(self, layer: Image) -> Hashable:
        """Return what tells the image of a layer, open or not, from all others."""
        source = source_of(layer)
        return self._images.find(source) or id(source)

    def add(self, layer: Image) -> None:
        """Take note of a layer that is new."""
        self._sources[layer] = source_of(layer)
        layer.events.data.connect(self._on_data)

    def remove(self, layer: Image) -> None:
        """Take note that a layer is gone; does nothing if it is none of these."""
        if layer in self._sources:
            layer.events.data.disconnect(self._on_data)
            self._leave(layer, self._sources.pop(layer))

    def close(self) -> None:
        """Listen to no layer any more."""
        for layer in self._sources:
            layer.events.data.disconnect(self._on_data)
        self._sources.clear()

    def _on_data(self, event: Any) -> None:
        """Go to another image, if a layer shows other pixels now."""
        layer = event.source
        before, self._sources[layer] = self._sources[layer], source_of(layer)
        if before is not self._sources[layer]:
            self._leave(layer, before)
            self.replaced.emit()

    def _leave(self, layer: Image, source: Any) -> None:
        """Go on without a layer that showed an image."""
        image = self._images.find(source)
        others = self.of(image) if image else []
        if layer is self._chosen:
            self.choose(others[0] if others else None)
        if image is not None and not others:
            self.left.emit(image)


def is_image(layer: Any) -> bool:
    """Return whether a layer holds pixels to work on: no prediction, no labels."""
    return (
        isinstance(layer, Image)
        and not is_prediction(layer)
        # The images of a folder are opened one by one in its place.
        and folder_of(layer) is None
        # napari makes images of labels, which go on showing the same memory.
        and not isinstance(source_of(layer), RecordingArray)
    )


def _name(layer: Image) -> str:
    path = _path(layer)
    return path.name if path else str(layer.name)


def _path(layer: Image) -> Path | None:
    return Path(layer.source.path) if layer.source.path else None


# Rec. 601: how bright red, green and blue look.
_WEIGHTS = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True, eq=False)
class MakeGrey(Job[None, npt.NDArray[Any]]):
    """Return the brightness of an RGB or RGBA image, in its own data type.

    Parameters
    ----------
    axes : str
        One letter per axis, with a C.
    """

    image: npt.NDArray[Any]
    axes: str

    def run(self) -> Generator[None, None, npt.NDArray[Any]]:
        """Weigh the colours as eyes do."""
        yield
        image = np.asarray(self.image)
        colours = np.moveaxis(image, self.axes.index("C"), 0)[:3]
        grey = sum(
            weight * colour.astype(np.float32)
            for weight, colour in zip(_WEIGHTS, colours, strict=True)
        )
        if np.issubdtype(image.dtype, np.integer):
            grey = np.rint(grey)
        return np.asarray(grey).astype(image.dtype)
