"""A step that is done part by part goes on while the window does other things."""

from __future__ import annotations

import time
from collections.abc import Callable

from napari_unet.annotation.annotation import Annotation
from napari_unet.geometry.box import Box
from napari_unet.gui.connections import single_shot

_PAUSE_MS = 5
_SECONDS = 0.015
"""How long parts are written at once."""


class GoingOn:
    """Goes on with what an annotation has under way; `show` shows a box of it."""

    def __init__(self, annotation: Annotation, show: Callable[[Box], object]) -> None:
        self._parts = annotation.in_parts
        self._show = show
        self._timer = single_shot(self._go_on, _PAUSE_MS)

    def begin(self) -> None:
        """Go on, if anything is under way."""
        if self._parts.under_way and not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        """Do all that is left."""
        self._timer.stop()
        self._parts.finish()
        self._parts.go_on()

    def _go_on(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while self._parts.under_way:
            box = self._parts.go_on()
            if box is not None:
                self._show(box)
            if time.monotonic() >= deadline:
                break
        self.begin()
