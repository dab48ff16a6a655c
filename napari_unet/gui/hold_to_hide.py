"""Look at the bare image for as long as a key is down."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from napari_unet.gui.layers import ViewerLayers

if TYPE_CHECKING:
    from napari.layers import Layer


class HoldToHide:
    """Makes what lies over the chosen image transparent while a key is held.

    Layers stay visible all the time: what is hidden may not be painted in, and a tool
    in hand would be put down.
    """

    def __init__(self, layers: ViewerLayers) -> None:
        self._layers = layers
        self._opacities: dict[Layer, float] = {}

    def hold(self, _viewer: Any) -> Generator[None, None, None]:
        """Hide, and show again when the generator goes on, as napari lets it."""
        shown = self._layers.results.current
        for layer in shown.layers if shown else ():
            self._opacities.setdefault(layer, layer.opacity)
            layer.opacity = 0.0
        yield
        self.show()

    def show(self) -> None:
        """Show again what is hidden: another window may have the keyboard now."""
        for layer, opacity in self._opacities.items():
            layer.opacity = opacity
        self._opacities.clear()
