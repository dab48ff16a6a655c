"""Lines round labels as what napari shows: computed where it looks, kept nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.lines import lines_in
from napari_unet.geometry.box import Box
from napari_unet.gui.placement import ChannelAxis
from napari_unet.gui.recording import box_of_key


class LineArray:
    """What is read of it are the lines of an annotation as they are now.

    A stack has no lines but in the plane that is looked at, and an image costs nothing
    while they are hidden.

    Parameters
    ----------
    annotation : Annotation
    channel : ChannelAxis
        The axis that a layer has more than the annotation, if it has one.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, annotation: Annotation, channel: ChannelAxis) -> None:
        self._annotation = annotation
        # Places are those of what is shown, wherever that lies.
        self._channel = replace(channel, origin=())
        whole = Box.whole(annotation.shown_provenance.shape)
        self.shape = self._channel.box_in_layer(whole).shape
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> Any:
        """Return what numpy would, of lines that were drawn everywhere."""
        box = box_of_key(key, self.shape)
        keys = key if isinstance(key, tuple) else (key,)
        plain = all(isinstance(each, int | np.integer | slice) for each in keys)
        if not plain or box.empty:
            return np.asarray(self)[key]
        lines = self._drawn(box)
        steps = (_of_its_box(each) for each in keys)
        return lines[tuple(steps)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return all lines."""
        return self._drawn(Box.whole(self.shape)).astype(dtype or self.dtype)

    def _drawn(self, box: Box) -> npt.NDArray[np.uint8]:
        inner = self._channel.box_of_labels(box)
        annotation = self._annotation
        lines = lines_in(annotation.shown, annotation.shown_provenance, inner)
        if self._channel.position is None:
            return lines
        along = self._channel.position
        return np.repeat(np.expand_dims(lines, along), box.shape[along], along)


def _of_its_box(key: Any) -> Any:
    """Return an index along one axis for what that index selects."""
    return slice(None, None, key.step) if isinstance(key, slice) else 0
