"""Labels layers that do not belong to the dock: nobody keeps what is painted there.

A duplicate of the labels, the layer that napari's button for new labels makes, labels
from a file: they look like the layer to correct in. So the first stroke says that they
are not, and what is in them can be taken over.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Labels
from psygnal import Signal

from napari_unet.annotation.labels import Labels as TakenLabels
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.session.images.image import OpenImage
from napari_unet.tasks import task_of


class Strangers:
    """Listens to labels layers that nobody keeps.

    Attributes
    ----------
    painted : Signal(Labels)
        A person has painted in such a layer.
    """

    painted = Signal(Labels)

    def __init__(self) -> None:
        self._watched: list[Labels] = []

    def __contains__(self, layer: object) -> bool:
        return any(layer is each for each in self._watched)

    def watch(self, layer: Labels) -> None:
        """Listen to a layer from now on."""
        if layer not in self:
            self._watched.append(layer)
            layer.events.paint.connect(self._on_paint)

    def forget(self, layer: Any) -> None:
        """Listen to a layer no more."""
        if layer in self:
            self._watched = [each for each in self._watched if each is not layer]
            layer.events.paint.disconnect(self._on_paint)

    def close(self) -> None:
        """Listen to no layer any more."""
        for layer in tuple(self._watched):
            self.forget(layer)

    def _on_paint(self, event: Any) -> None:
        self.painted.emit(event.source)


def not_kept(stranger: str, labels: Labels | None) -> str:
    """Say that what is painted in a layer is lost, and where to paint.

    Parameters
    ----------
    stranger : str
        Name of the layer that was painted in.
    labels : Labels, optional
        The layer that is kept, if there is one.
    """
    where = f"paint in '{labels.name}'" if labels else "press Predict for one that is"
    return f"The layer '{stranger}' is not kept by U-Net: {where}, or use its labels."


def labels_for(image: OpenImage, stranger: Labels) -> TakenLabels:
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
    shape = () if stranger.multiscale else tuple(stranger.data.shape)
    if shape == wanted:
        return np.asarray(stranger.data)
    if shape == whole and "C" in image.axes:
        # napari's new labels have the axes of the image, channels among them.
        channels = np.moveaxis(np.asarray(stranger.data), image.axes.index("C"), 0)
        used = [each for each in channels if each.any()]
        if len(used) <= 1:
            return used[0] if used else channels[0]
        raise InputError(
            f"'{stranger.name}' has other labels in every channel; labels of an image "
            "are the same for all of its channels. Choose one: split the layer first."
        )
    found = " x ".join(str(n) for n in shape) or "several resolutions"
    raise InputError(
        f"'{stranger.name}' has {found} pixels, the labels of '{image.name}' have "
        f"{' x '.join(str(n) for n in wanted)}; choose the image that they belong to."
    )
