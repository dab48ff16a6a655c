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
from napari_unet.geometry.axes import resolve_axes
from napari_unet.gui.connections import Connections
from napari_unet.gui.folders import folder_of
from napari_unet.gui.overlays import is_prediction
from napari_unet.gui.recording import RecordingArray
from napari_unet.gui.stated import micrometres, stated_axes
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images

if TYPE_CHECKING:
    from napari.components import LayerList


class ImageLayers:
    """Opens the image of the layer that is chosen, and knows which layers show it."""

    chosen_changed = Signal()  # another image is chosen, or the choices have changed
    left = Signal(OpenImage)  # no layer shows it any more
    replaced = Signal()  # a layer shows another image than before

    def __init__(self, layers: LayerList, images: Images) -> None:
        self._layers = layers
        self._images = images
        self.chosen: Image | None = None  # whose image is predicted
        # What every layer showed when it was looked at last.
        self._sources: dict[Image, Any] = {}
        self._connections = Connections()

    @property
    def choices(self) -> list[Image]:
        """The image layers, the topmost first."""
        return [layer for layer in reversed(self._layers) if is_image(layer)]

    def choose(self, layer: Image | None) -> None:
        """Work on the image of a layer from now on."""
        if layer is self.chosen:
            return
        self.chosen = layer
        if layer is None:
            self._images.select(None)
        elif image := self._images.find(source_of(layer)):
            if image is not self._images.current:
                self._images.select(image)
        else:
            path = Path(layer.source.path) if layer.source.path else None
            self._images.open(
                source_of(layer),
                path.name if path else str(layer.name),
                axes_stated_by(layer),
                path,
                micrometres(layer.scale[-1], layer.units[-1]),
                colour=layer.rgb,
                scale=tuple(map(float, layer.scale)),
            )
        self.chosen_changed.emit()

    def open_again(self) -> None:
        """Open the chosen image with the work of another project."""
        chosen = self.chosen
        self.choose(None)
        self.choose(chosen)

    def of(self, image: OpenImage) -> list[Image]:
        """Return the layers that show an image: the chosen one, then the topmost."""
        find = self._images.find
        found = [each for each in self.choices if find(source_of(each)) is image]
        return sorted(found, key=lambda each: each is not self.chosen)

    def shown_by(self, layer: Image) -> Hashable:
        """Return what tells the image of a layer, open or not, from all others."""
        source = source_of(layer)
        return self._images.find(source) or id(source)

    def add(self, layer: Image) -> None:
        """Take note of a layer that is new."""
        self._sources[layer] = source_of(layer)
        self._connections.connect(layer.events.data, self._on_data, layer)

    def remove(self, layer: Image) -> None:
        """Take note that a layer is gone; does nothing if it is none of these."""
        if layer in self._sources:
            self._connections.forget(layer)
            self._leave(layer, self._sources.pop(layer))

    def close(self) -> None:
        """Listen to no layer any more."""
        self._connections.close()
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
        if layer is self.chosen:
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


def source_of(layer: Image) -> Any:
    """Return the pixels of a layer, those of full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def axes_stated_by(layer: Image) -> str | None:
    """Return the axes that a layer of pixels states, if they fit them."""
    names = [*layer.axis_labels, *("c" if layer.rgb else "")]
    return stated_axes(layer.metadata, names, source_of(layer).ndim)


def axes_of(layer: Image, images: Images | None) -> str:
    """Return the axes of a layer's pixels, which it need not have stated.

    Of an image that is open they are known.
    """
    pixels = source_of(layer)
    image = images.find(pixels) if images is not None else None
    if image is not None:
        return str(image.axes)
    stated = axes_stated_by(layer)
    known = resolve_axes(pixels.shape, pixels.dtype, layer=stated, colour=layer.rgb)
    return str(known.letters)


# Rec. 601: how bright red, green and blue look.
_WEIGHTS = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True, eq=False)
class MakeGrey(Job[None, npt.NDArray[Any]]):
    """Return the brightness of an RGB or RGBA image, in its own data type."""

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
