"""What came into an image a moment ago without being asked for."""

from __future__ import annotations

from collections.abc import Callable

from napari_unet.geometry.box import Box
from napari_unet.session.images.image import OpenImage

LOOK_SECONDS = 1.0
"""How long nobody can have looked at what came in without being asked for."""


class JustChanged:
    """Knows where predictions that nobody asked for have changed labels last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: tuple[OpenImage, Box, float] | None = None

    def note(self, image: OpenImage, box: Box) -> None:
        """Note that something in a box has changed."""
        before, now = self._last, self._clock()
        if before and before[0] is image and now - before[2] < LOOK_SECONDS:
            box = box.union(before[1])  # another band of the same
        self._last = image, box, now

    def unseen(self, image: OpenImage, box: Box) -> bool:
        """Whether something in a box has changed a moment ago."""
        if self._last is None or self._last[0] is not image:
            return False
        _, changed, moment = self._last
        recent = self._clock() - moment < LOOK_SECONDS
        return recent and not changed.intersect(box).empty

    def forget(self, image: OpenImage) -> None:
        """Forget an image that is put away."""
        if self._last is not None and self._last[0] is image:
            self._last = None
