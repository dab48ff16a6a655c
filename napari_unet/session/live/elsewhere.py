"""What is predicted where nobody looks, whenever the view needs nothing.

That is the rest of an image larger than memory, where a person has asked for it, or
else the planes beside the one in view. Each part is a view to `Live`, of which it knows
one at a time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from napari_unet.session.hub import Hub
from napari_unet.session.live.beside import Beside
from napari_unet.session.live.due import due_tiles
from napari_unet.session.live.filling import Filling
from napari_unet.session.live.known import Known
from napari_unet.session.live.run import Wish


class Elsewhere:
    """At most one part of an image that is lent to `Live`.

    Attributes
    ----------
    filling : Filling
        The image of which all is to be predicted, if there is one.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.filling = Filling(hub)
        self._beside = Beside()

    def goes_on(self, wish: Wish) -> bool:
        """Whether what is being predicted was lent, and fits what is in view."""
        if self.filling.block is not None:
            return True
        return self._beside.plane is not None and self._beside.is_of(wish)

    def next(self, wish: Wish, known: Known) -> Wish | None:
        """Return the next part, beside a view that needs nothing."""
        if self.filling.on:
            return self._next_of_rest(wish, known)
        prepared = known.prepared
        if prepared is not None and prepared.too_large(wish.view):
            return None
        # What a model that still learns says of other planes would not last; and chunks
        # of other planes would push those in view out of memory.
        if self._hub.state.training is not None or wish.image.annotation.in_chunks:
            return None
        return self._beside.next(wish, partial(_needs_something, known))

    def put_back(self) -> None:
        """Take note that the part was let go of."""
        self.filling.put_back()
        self._beside.drop()

    def note_done(self) -> None:
        """Take note that the part, or the view, is predicted."""
        self.filling.note_done()
        self._beside.note_done()

    def fail(self, error: Exception, wish: Wish | None) -> bool:
        """Take note of an error; return whether the view is to be left alone now.

        Then nothing is predicted beside it either.
        """
        leave = self.filling.fail(error)
        if leave:
            self._beside.give_up(wish)
        return leave

    def begin_anew(self) -> None:
        """Take note that the view itself is predicted, and planes beside it then."""
        self._beside.drop()

    def _next_of_rest(self, wish: Wish, known: Known) -> Wish | None:
        if not self.filling.is_of(wish.image) or known.prepared is None:
            # As long as the image was not looked at, the view is all that there is.
            return wish if self.filling.is_of(wish.image) else None
        block = self.filling.next(known.prepared.plan.zoom)
        return None if block is None else replace(wish, view=block)


def _needs_something(known: Known, wish: Wish) -> bool:
    wanted = due_tiles(wish, known)
    return wanted is None or bool(wanted)
