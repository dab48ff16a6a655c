"""A step that is done part by part, as all of it at once would hold a window up.

Ids of a long series are given frame by frame. Each part is told as a change of the same
step, so that a journal has them all, and one undo takes all of them back. Whoever wants
anything else of the annotation finds the step complete: `finish` is called first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

from napari_unet.annotation.change import Change
from napari_unet.geometry.box import Box

AT_ONCE = 2**22
"""Labels of fewer pixels change at once."""


def _nothing() -> None:
    """Tell nothing: a function by name, so that annotations can be pickled."""


class InParts:
    """At most one step that is under way.

    Attributes
    ----------
    allowed : bool
        Whether the step that begins now may be done in parts.
    """

    def __init__(self) -> None:
        self.allowed = False
        self._left: Iterator[object] | None = None
        self._tell: Callable[[], Change | None] = _nothing
        self._unseen: list[Box] = []

    @property
    def under_way(self) -> bool:
        """Whether there is something to do, or to show, of a step."""
        return self._left is not None or bool(self._unseen)

    def run(
        self, parts: Iterator[object], tell: Callable[[], Change | None]
    ) -> Change | None:
        """Do a step of which each part is written by going on, and told by `tell`.

        Where that is allowed, only the first part that changes something is done now.
        """
        if not self.allowed:
            self.first(parts)
            return tell()
        self._left, self._tell = parts, tell
        change = None
        while change is None and self._left is not None:
            change = self._next()
        return change

    def first(self, parts: Iterator[object]) -> None:
        """Write the first part, or all of them where nothing may be left."""
        for _ in parts:
            if self.allowed:
                return

    def later(
        self,
        parts: Iterator[object],
        tell: Callable[[], Change | None],
        told: Change | None,
    ) -> Change | None:
        """Go on with what is left when the first part is told; return that."""
        if self.allowed:
            self._left, self._tell = parts, tell
        return told

    def go_on(self) -> Box | None:
        """Do the next part; return what is to be shown since the last time."""
        self._do_next()
        boxes, self._unseen = self._unseen, []
        return reduce(Box.union, boxes) if boxes else None

    def finish(self) -> None:
        """Do all that is left."""
        while self._left is not None:
            self._do_next()

    def _do_next(self) -> None:
        change = self._next()
        if change is not None and change.box is not None:
            self._unseen.append(change.box)

    def _next(self) -> Change | None:
        if self._left is None:
            return None
        try:
            next(self._left)
        except StopIteration:
            self._left = None
            return None
        return self._tell()
