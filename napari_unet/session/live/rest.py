"""The rest of an image larger than memory, block by block, nearest to the view first.

Of a stack the plane in view goes before those beside it.

Each block is a view that nobody looks at: it is predicted and written as those are, so
that what a person has verified stays, and objects across blocks are whole. What is
there already is left alone, so a rest that was ended goes on where it was.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import product

from napari_unet.geometry.box import Box
from napari_unet.session.images.image import OpenImage

_SIDE = 1024
_SEEN = 2048
"""Pixels along an axis of what a network sees of a block at most."""


class Rest:
    """The blocks of an image that are still to be predicted.

    Attributes
    ----------
    image : OpenImage
        Whose.
    began : float
        When, by the clock of the session.
    unread : list of str
        What is wrong with parts that cannot be read.
    """

    def __init__(self, image: OpenImage, view: Box | None, began: float) -> None:
        self.image, self.began = image, began
        self.unread: list[str] = []
        self._whole = Box.whole(image.identity.labels_shape)
        self._view = view or self._whole
        self._left: deque[Box] | None = None
        self._total = 0
        self._asked = 0

    def begin(self, zoom: float) -> None:
        """Cut the image into blocks, once it is known by how much it is zoomed."""
        if self._left is not None:
            return
        side = max(128, min(_SIDE, int(_SEEN / zoom)))
        shape = self._whole.shape
        spans = [range(n) for n in shape[:-2]]
        starts = product(*spans, *(range(0, n, side) for n in shape[-2:]))
        extent = (*(1 for _ in spans), side, side)
        blocks = [
            Box(a, tuple(s + n for s, n in zip(a, extent, strict=True))).intersect(
                self._whole
            )
            for a in starts
        ]
        middle = _middle(self._view)
        blocks.sort(key=lambda each: _how_far(_middle(each), middle))
        self._left, self._total = deque(blocks), len(blocks)

    def next(self) -> Box | None:
        """Return the next block that is not all predicted; None at the end."""
        while self._left:
            block = self._left.popleft()
            if self.image.annotation.unseen(block).any():
                self._asked += 1
                return block
        return None

    def again(self, block: Box) -> None:
        """Take a block back that was not predicted to its end."""
        if self._left is not None:
            self._left.appendleft(block)

    @property
    def done(self) -> int:
        """How many blocks are through."""
        return self._total - len(self._left or ())

    @property
    def total(self) -> int:
        """How many blocks there are; 1 as long as nobody knows."""
        return max(1, self._total)

    def words(self, now: float) -> str:
        """Say how far it is, and how long it takes still."""
        if not self.done or self._asked < 2:
            return "Predicting the view, then the rest…"
        left = (now - self.began) / self._asked * (self.total - self.done)
        about = f"{left / 3600:.1f} h" if left > 5400 else f"{left / 60:.0f} min"
        far = f"Predicting the rest… {self.done / self.total:.0%}, about {about} left."
        return " ".join(filter(None, [far, self._left_out()]))

    def at_the_end(self) -> str:
        """Say that all is through, and what could not be read."""
        return f"All of {self.image.name} is predicted. {self._left_out()}".strip()

    def _left_out(self) -> str:
        if not self.unread:
            return ""
        parts = "1 part" if len(self.unread) == 1 else f"{len(self.unread)} parts"
        return f"{parts} of it cannot be read, and stays empty: {self.unread[0]}"


def _how_far(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, float]:
    """Return how many planes lie between two places, and then how many pixels."""
    return math.dist(one[:-2], other[:-2]), math.dist(one[-2:], other[-2:])


def _middle(box: Box) -> tuple[float, ...]:
    return tuple((a + b) / 2 for a, b in zip(box.start, box.stop, strict=True))
