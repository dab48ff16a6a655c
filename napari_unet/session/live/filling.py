"""The prediction of all of an image larger than memory: the view, then the rest.

It lends blocks of the rest to `Live`, as views that nobody looks at, whenever the view
of the person needs nothing; a block that was let go of comes again.
"""

from __future__ import annotations

from napari_unet.geometry.box import Box
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.live.rest import Rest
from napari_unet.session.status import Progress


class Filling:
    """At most one image whose rest is predicted.

    Attributes
    ----------
    block : Box or None
        What of the rest is being predicted.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._rest: Rest | None = None
        self.block: Box | None = None

    @property
    def on(self) -> bool:
        """Whether an image is to be predicted."""
        return self._rest is not None

    def is_of(self, image: OpenImage) -> bool:
        """Whether that is this image."""
        return self._rest is not None and self._rest.image is image

    def start(self, image: OpenImage, view: Box | None) -> None:
        """Predict all of an image, beginning with what is in view."""
        self._rest, self.block = Rest(image, view, self._hub.clock()), None
        self.tell()

    def next(self, zoom: float) -> Box | None:
        """Return the next block; None, and all is over, where there is none left."""
        if (rest := self._rest) is None:
            return None
        rest.begin(zoom)
        self.block = rest.next()
        if self.block is None:
            self.drop()
            self._hub.say(rest.at_the_end(), "image")
        return self.block

    def put_back(self) -> None:
        """Take note that the block was let go of."""
        if self._rest is not None and self.block is not None:
            self._rest.again(self.block)
        self.block = None

    def note_done(self) -> None:
        """Take note that the block, or the view, is predicted."""
        self.block = None

    def skip(self, error: Exception) -> None:
        """Take note that the block, or the view, cannot be read; the rest goes on."""
        if self._rest is not None:
            self._rest.unread.append(str(error))
        self.block = None

    def drop(self) -> bool:
        """Let the rest be; return whether there was one."""
        if self._rest is None:
            return False
        self._rest = self.block = None
        self._hub.show(predicting=None, cancelling=False)
        return True

    def tell(self) -> None:
        """Say how far it is."""
        if (rest := self._rest) is not None:
            self._hub.show(predicting=Progress(rest.done, rest.total))
            self._hub.say(rest.words(self._hub.clock()), "image", "predicting")
