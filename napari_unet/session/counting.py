"""How many objects are in view, as thresholds are moved and the camera goes.

The labels of the view are copied, and counted in the background; what comes meanwhile
is counted next. A view of too much is not: then what is said of all of the image is
enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from napari_unet.core.jobs import Job
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.runner import Handlers, Running

LARGEST = 2**22
"""Pixels of a view that are counted at most."""

INTERVAL = 0.1
"""The least seconds between two counts."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a count is about."""

    image: OpenImage
    revision: int
    view: Box


class Counting:
    """The number of objects in view, where labels are objects and somebody looks."""

    def __init__(
        self, hub: Hub, images: Images, view: Callable[[], Box | None]
    ) -> None:
        self._hub = hub
        self._images = images
        self._view = view
        self._job: Running | None = None
        self._counted: _Counted | None = None
        self._not_before = 0.0

    def tick(self) -> None:
        """Count if something is different; call it often."""
        wanted = self._wanted()
        if wanted == self._counted:
            return
        if wanted is None:
            self._counted = None
            self._hub.show(in_view=None)
        elif self._hub.clock() >= self._not_before and not self._busy:
            self._count(wanted)

    @property
    def _busy(self) -> bool:
        return self._job is not None and self._job.running

    def _wanted(self) -> _Counted | None:
        image, view = self._images.current, None
        if image is None or self._hub.state.settings is None or not image.has_labels:
            return None
        view = self._view()
        if view is None or not 0 < math.prod(view.shape) <= LARGEST:
            return None
        return _Counted(image, image.annotation.revision, view)

    def _count(self, wanted: _Counted) -> None:
        self._counted = wanted
        self._not_before = self._hub.clock() + INTERVAL
        labels = wanted.image.annotation.pixels.labels[wanted.view.slices].copy()

        def show(number: int) -> None:
            # Another count may follow, but what is said now was true a moment ago.
            if self._counted is not None and self._counted.image is wanted.image:
                self._hub.show(in_view=number)

        self._job = self._hub.runner.start(CountObjects(labels), Handlers(result=show))


@dataclass(frozen=True, slots=True, eq=False)
class CountObjects(Job[None, int]):
    """Count the objects of which something is in a view."""

    labels: LabelMap

    def run(self) -> Generator[None, None, int]:
        """Count them."""
        yield
        return len(compact(np.asarray(self.labels))[1]) - 1
