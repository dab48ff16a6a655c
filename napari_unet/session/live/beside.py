"""The planes of a stack, or frames of a series, beside the one in view.

While the view needs nothing, what it shows of the others is predicted, the nearest
first and on both sides by turns: a person who goes on finds it there. Who goes to
another plane has its neighbours predicted next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice, product

from napari_unet.geometry.box import Box
from napari_unet.geometry.outwards import nearness
from napari_unet.session.live.run import Wish

_AT_ONCE = 8
"""So many planes are asked at most, at each tick, whether they need anything."""


class Beside:
    """The planes beside a view that are still to be predicted.

    Attributes
    ----------
    plane : Box or None
        What is being predicted.
    """

    def __init__(self) -> None:
        self.plane: Box | None = None
        self._around: Wish | None = None
        self._left: Iterator[Box] = iter(())

    def is_of(self, wish: Wish) -> bool:
        """Whether that is the view beside which planes are predicted."""
        around = self._around
        return around is not None and wish == replace(around, revision=wish.revision)

    def next(self, wish: Wish, is_due: Callable[[Wish], bool]) -> Wish | None:
        """Return the nearest plane that needs a prediction, if one is found at once."""
        if not self.is_of(wish):
            shape = wish.image.identity.labels_shape
            self._around, self._left = wish, planes_outwards(wish.view, shape)
        for plane in islice(self._left, _AT_ONCE):
            there = replace(wish, view=plane)
            if is_due(there):
                self.plane = plane
                return there
        return None

    def note_done(self) -> None:
        """Take note that the plane is predicted."""
        self.plane = None

    def give_up(self, wish: Wish | None) -> None:
        """Leave all planes beside a view alone, until another one is looked at."""
        self.plane, self._around, self._left = None, wish, iter(())

    def drop(self) -> None:
        """Begin anew, with the nearest ones, the next time."""
        self.plane = self._around = None


def planes_outwards(view: Box, shape: tuple[int, ...]) -> Iterator[Box]:
    """Yield the box of a view in all other planes, the nearest first.

    There are none where the view shows no single plane.
    """
    at = view.start[:-2]
    if any(extent != 1 for extent in view.shape[:-2]):
        return
    near = partial(nearness, at=at)
    for place in sorted(product(*map(range, shape[:-2])), key=near)[1:]:
        stop = tuple(each + 1 for each in place)
        yield Box((*place, *view.start[-2:]), (*stop, *view.stop[-2:]))
