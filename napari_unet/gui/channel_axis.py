"""How labels, which have no channels, lie in a layer over an image that has them.

napari lines layers up by their last axes. Over an image (C, Y, X) labels (Y, X) are
right as they are, and seen with every channel. Over (T, C, Y, X) the time of labels
(T, Y, X) would share the slider of the channels; so the layer gets an axis where the
image has its channels. Along it all pixels are the same memory: nothing is copied, and
what is painted over one channel is painted over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.geometry.points import Points


@dataclass(frozen=True, slots=True)
class ChannelAxis:
    """The axis that a layer has more than the labels that it shows, if it has one.

    Parameters
    ----------
    position : int or None
        Which axis of the layer; None where it has the axes of the labels.
    size : int
        How many channels there are.
    """

    position: int | None = None
    size: int = 1

    @classmethod
    def over(cls, axes: str, shape: tuple[int, ...], *, rgb: bool) -> ChannelAxis:
        """Return what a layer needs over an image of these axes and this shape.

        Parameters
        ----------
        axes, shape : str, tuple of int
            Of the image, channels among them.
        rgb : bool
            Whether napari shows the channels as colours, and counts no axis for them.
        """
        position = axes.find("C")
        if rgb or position <= 0:
            return cls()
        return cls(position, shape[position])

    def spread(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a view of labels, or of anything of their shape, for the layer."""
        if self.position is None:
            return array
        shape, strides = list(array.shape), list(array.strides)
        shape.insert(self.position, self.size)
        strides.insert(self.position, 0)
        return np.lib.stride_tricks.as_strided(
            array, shape, strides, writeable=bool(array.flags.writeable)
        )

    def labels(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the labels of an array of the shape of the layer: its last channel."""
        if self.position is None:
            return array
        return np.take(array, -1, self.position)

    def box_in_layer(self, box: Box) -> Box:
        """Return a box of the labels as a box of the layer: over all channels."""
        if self.position is None:
            return box
        start, stop = list(box.start), list(box.stop)
        start.insert(self.position, 0)
        stop.insert(self.position, self.size)
        return Box(tuple(start), tuple(stop))

    def box_of_labels(self, box: Box) -> Box:
        """Return a box of the layer as a box of the labels."""
        if self.position is None:
            return box
        start, stop = list(box.start), list(box.stop)
        del start[self.position], stop[self.position]
        return Box(tuple(start), tuple(stop))

    def points_of_labels(self, points: Points) -> Points:
        """Return pixels of the layer as pixels of the labels."""
        if self.position is None:
            return points
        return tuple(p for axis, p in enumerate(points) if axis != self.position)


NO_CHANNEL_AXIS = ChannelAxis()
"""The layer has the axes of the labels."""
