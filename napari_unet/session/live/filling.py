"""The prediction of all of an image larger than memory: the view, then the rest.

It lends blocks of the rest to `Live`, as views that nobody looks at, whenever the view
of the person needs nothing; a block that was let go of comes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.errors import InputError, UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.live.rest import Rest
from napari_unet.session.status import Progress

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

LARGE_VOLUMES = (
    "This model sees volumes, and this stack is larger than memory: choose a model of "
    "planes, or predict the file with napari-unet predict --output-format ome-zarr."
)


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

    def start(self, image: OpenImage, view: Box | None, model: Model | None) -> None:
        """Predict all of an image, beginning with what is in view."""
        if model is not None and model.net.dims != 2:
            self._hub.report("predict", InputError(LARGE_VOLUMES))
            return
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

    def fail(self, error: Exception) -> bool:
        """Take note of an error; return whether the view is to be left alone now.

        Where a block cannot be read the rest goes on, and anything else ends it.
        """
        rest, of_rest = self._rest, self.block is not None
        if rest is None or not of_rest or not isinstance(error, UnreadableRegion):
            self.drop()
            return True
        rest.unread.append(str(error))
        self.block = None
        return False

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
