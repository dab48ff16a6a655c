"""How sure the model is: the map of probabilities from which objects are found.

It comes from what the network said last, of all of the image or of the view, and asks
nothing of it. While it is to be seen it follows what comes in; else nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.runner import Handlers

_NOTHING_YET = (
    "There is no map of probabilities yet: press Predict (S). It is what the network "
    "said last of this image since it was opened, of up to 16 megapixels, or of the "
    "view where Live has predicted it."
)


class Probable(Protocol):
    """What a network has said of an image, or of a part of it."""

    def probability(self) -> tuple[Box, npt.NDArray[np.float32]]:
        """Return a box of the labels, and what it says of foreground there."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilityMap:
    """Probabilities of foreground in a box of the labels of an image."""

    image: OpenImage
    box: Box
    values: npt.NDArray[np.float32]


class Seeing:
    """Whether the map is to be seen, and what there is to see.

    `sources` return what was said of an image last, or None; the first one that has
    something is taken.

    Attributes
    ----------
    map : ProbabilityMap or None
        What there is to see now.
    changed : Signal()
        It is another one.
    """

    changed = Signal()

    def __init__(
        self,
        hub: Hub,
        images: Images,
        sources: tuple[Callable[[OpenImage], Probable | None], ...],
    ) -> None:
        self._hub = hub
        self._images = images
        self._sources = sources
        self._asked: tuple[OpenImage, Probable] | None = None
        self.map: ProbabilityMap | None = None

    def toggle(self) -> None:
        """Show the map, or let it go."""
        if self._hub.state.seeing:
            self._hub.show(seeing=False)
            self._forget()
        elif self._wanted() is None:
            self._hub.report("predict", InputError(_NOTHING_YET))
        else:
            self._hub.clear("predict")
            self._hub.show(seeing=True)
            self.tick()

    def tick(self) -> None:
        """Follow what came in; call it often."""
        if not self._hub.state.seeing:
            return
        wanted = self._wanted()
        if wanted is None:
            self._forget()
        elif wanted != self._asked:
            self._ask(wanted)

    def _wanted(self) -> tuple[OpenImage, Probable] | None:
        image = self._images.current
        if image is None:
            return None
        found = (source(image) for source in self._sources)
        first = next((each for each in found if each is not None), None)
        return None if first is None else (image, first)

    def _ask(self, wanted: tuple[OpenImage, Probable]) -> None:
        image, probable = wanted
        if self.map is not None and self.map.image is not image:
            self._forget()
        self._asked = wanted

        def show(found: tuple[Box, npt.NDArray[np.float32]]) -> None:
            if self._asked is wanted:
                self.map = ProbabilityMap(image, *found)
                self.changed.emit()

        self._hub.runner.start(MapProbability(probable), Handlers(result=show))

    def _forget(self) -> None:
        self._asked = None
        if self.map is not None:
            self.map = None
            self.changed.emit()


@dataclass(frozen=True, slots=True, eq=False)
class MapProbability(Job[None, tuple[Box, npt.NDArray[np.float32]]]):
    """Make a map of what is kept, on the grid of the image."""

    probable: Probable

    def run(self) -> Generator[None, None, tuple[Box, npt.NDArray[np.float32]]]:
        """Make it."""
        yield
        return self.probable.probability()
