"""A translucent layer that shows which pixels a person stands behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QTimer

from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.napari_private import insert_quietly, redraw_box
from napari_unet.gui.placement import cover

if TYPE_CHECKING:
    from napari.components import LayerList

NAME = "Verified"
OPACITY = 0.35
# Okabe and Ito's blue and orange: told apart with every kind of colour blindness.
ACCEPTED_COLOR = "#0072B2"
CORRECTED_COLOR = "#E69F00"


class VerifiedOverlay:
    """Shows accepted pixels blue and corrected pixels orange; hidden at first.

    The layer's data *is* the annotation's provenance, read-only: nothing is copied,
    and a change costs no more than drawing its box.

    Parameters
    ----------
    binding : LabelsBinding
        Tells what changed. When it loses its layer, the overlay goes too.
    """

    def __init__(self, layers: LayerList, binding: LabelsBinding) -> None:
        self._layers = layers
        self._binding = binding
        self.layer = _overlay_layer(binding)
        self._insert()
        binding.changed.connect(self.refresh)
        binding.removed.connect(self._leave)

    @property
    def visible(self) -> bool:
        """Whether the overlay is on screen; showing it brings a deleted layer back."""
        return bool(self.layer in self._layers and self.layer.visible)

    @visible.setter
    def visible(self, visible: bool) -> None:
        if visible and self.layer not in self._layers:
            self._insert()
        self.layer.visible = visible

    def refresh(self, box: Box) -> None:
        """Show the provenance inside a box as it is now."""
        if self.layer in self._layers:
            redraw_box(self.layer, self._binding.channel.box_in_layer(box))

    def close(self) -> None:
        """Take the layer away and stop listening."""
        self._binding.changed.disconnect(self.refresh, missing_ok=True)
        self._binding.removed.disconnect(self._leave, missing_ok=True)
        if self.layer in self._layers:
            self._layers.remove(self.layer)

    def _leave(self) -> None:
        """Go when napari is done removing: it may hold a list with this layer in it."""
        QTimer.singleShot(0, self.close)

    def _insert(self) -> None:
        above = self._layers.index(self._binding.layer) + 1
        insert_quietly(self._layers, above, self.layer)


def _overlay_layer(binding: LabelsBinding) -> Labels:
    labels = binding.layer
    provenance = binding.channel.spread(binding.annotation.provenance).view()
    provenance.flags.writeable = False
    layer = Labels(
        provenance,
        name=NAME,
        opacity=OPACITY,
        visible=False,
        colormap=DirectLabelColormap(
            color_dict={
                None: "transparent",
                Provenance.ACCEPTED: ACCEPTED_COLOR,
                Provenance.CORRECTED: CORRECTED_COLOR,
            }
        ),
    )
    cover(layer, labels)
    layer.editable = False
    return layer
