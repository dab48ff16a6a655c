"""Where to look next: a queue of views of all open images, then those of the list.

How it flows: when a prediction is over and nothing else is going on, a job looks for
where the model contradicts itself (`inference.where_next`). Until it is done, chance
decides, and the current image comes first. Another model or other images make it worth
nothing, and it is dropped. What was shown or verified meanwhile is passed over. When
nothing is left, the way goes on `beyond` the images that are open.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from psygnal import Signal

from napari_unet import inference
from napari_unet.annotation.provenance import is_verified
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.views import VIEW_EXTENT, cut_views, view_extent
from napari_unet.images.channels import take_channels
from napari_unet.scores.views import View, rank
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.models.models import Models
from napari_unet.session.prediction import Predict
from napari_unet.session.runner import Handlers, Running

if TYPE_CHECKING:
    from napari_unet.inference.where_next import RankEvent
    from napari_unet.weights.model import Model

Queue: TypeAlias = "list[tuple[OpenImage, View]]"

DRAWING = "Something is half drawn: finish it, or press Escape; then go on."
_SEEN = 0.9
"""A view of which more is verified is passed over."""

_SAMPLED = 2**20
"""So many pixels of an image tell what of it is verified."""


class Guiding:
    """The next view, and the order of those that follow.

    Attributes
    ----------
    beyond : callable
        Goes to an image that is not open, if there is one; returns whether it does.
    wanted : Signal(OpenImage, Box)
        A person wants to see that part of an image, in the axes of its labels.
    """

    wanted = Signal(OpenImage, Box)

    def __init__(self, hub: Hub, images: Images, models: Models) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._queue: Queue | None = None
        self._by_chance: Queue = []
        self._of: tuple[OpenImage, ...] = ()
        self._shown: set[tuple[OpenImage, Box]] = set()
        self._job: Running | None = None
        self._due = False
        self.beyond: Callable[[], bool] = bool

    @property
    def ranked(self) -> bool:
        """Whether the order is more than chance."""
        return self._queue is not None

    def next(self) -> None:
        """Let the person see what they should look at next, and say why."""
        why_not = self._hub.state.why_not_go_on
        if why_not and self.beyond():
            return
        if any(image.occupied for image in self._images):
            why_not = DRAWING  # the stroke would go across to the view that comes
        if why_not:
            self._hub.report("correct", InputError(why_not))
            return
        self._hub.clear("correct")
        for image in self._images:
            image.canvas.settle()
        found = next(self._iter_left(), None)
        if found is None and self.beyond():
            return
        if found is None and self._shown:
            self._shown.clear()  # what was passed over once comes again
            found = next(self._iter_left(), None)
        if found is None:
            self._hub.say("Every view of the open images is verified.", "labels")
            return
        image, view = found
        self._shown.add((image, view.box))
        self.wanted.emit(image, view.box)
        self._hub.say(self._in_words(view), "image", "labels")

    @property
    def _open(self) -> tuple[OpenImage, ...]:
        """The images that are compared as a whole."""
        return tuple(image for image in self._images if not image.large)

    def want(self) -> None:
        """Ask for an order, as soon as nothing else is going on."""
        self._due = True

    def drop(self) -> None:
        """Forget the order, as it is another model's."""
        self._stop()
        self._queue, self._due = None, False

    def tick(self) -> None:
        """Begin to look for an order when it is time; call it often."""
        state, images = self._hub.state, self._open
        if images != self._of:
            self._of, self._by_chance = images, []
            self._shown = {each for each in self._shown if each[0] in images}
            self._due = self._due or self._queue is not None or self._job is not None
            self._stop()
            self._queue = None
        if state.predicting or state.training or state.loading or state.live.busy:
            self._due = self._due or bool(state.predicting) or self._job is not None
            self._stop()
        elif self._due:
            self._due = False
            self._start(images)

    def _start(self, images: Sequence[OpenImage]) -> None:
        model = self._models.active
        extent = self._extent()
        views = sum(len(_cut(each, extent)) for each in images)
        if model is None or views < 2:
            return
        job = RankViews.of(images, model, extent)
        self._job = self._hub.runner.start(
            job, Handlers(result=lambda views: self._on_ranked(images, views))
        )
        if not self._job.running:
            self._job = None

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _on_ranked(self, images: Sequence[OpenImage], views: Sequence[View]) -> None:
        self._job = None
        if tuple(images) == self._of:
            self._queue = [(images[_number(view)], view) for view in views]

    def _iter_left(self) -> Iterator[tuple[OpenImage, View]]:
        """Return what was neither shown nor verified, in order.

        What was looked at is a part of all where there is very much; the rest follows.
        """
        for image, view in [*(self._queue or []), *self._chance()]:
            if (image, view.box) in self._shown:
                continue
            if _seen(image, view.box) <= _SEEN:
                yield image, view

    def _chance(self) -> Queue:
        """Return all views in random order, those of the current image first."""
        current = self._images.current
        if not self._by_chance:
            extent = self._extent()
            for number, image in enumerate(self._images):
                views = [View(number, box) for box in _cut(image, extent)]
                ordered = rank(views, order="random", seed=number)
                self._by_chance += [(image, view) for view in ordered]
        return sorted(self._by_chance, key=lambda each: each[0] is not current)

    def _extent(self) -> int:
        """Return how wide views are: as the objects of the current image want it."""
        image, model = self._images.current, self._models.active
        if image is None or model is None:
            return VIEW_EXTENT
        return view_extent(image.diameter or image.measured_by(model.name))

    def _in_words(self, view: View) -> str:
        if self._queue is None:
            return "The next view is chosen by chance; a prediction helps to choose."
        if not any(view is each for _, each in self._queue):
            return "The next view is chosen by chance: there are too many to compare."
        if view.corrections < 1:
            return "Next view: the model seems sure of what is here."
        number = f"{view.corrections:.0f}"
        objects = "an object" if number == "1" else f"{number} objects"
        return f"Next view: the model seems unsure of about {objects} here."


def _cut(image: OpenImage, extent: int) -> list[Box]:
    return cut_views(image.identity.labels_shape, result_axes(image.axes), extent)


def _seen(image: OpenImage, box: Box) -> float:
    """Return which share of a box is verified, by some of its pixels."""
    some = tuple(slice(*ends, 4) for ends in zip(box.start, box.stop, strict=True))
    return float(is_verified(image.annotation.provenance[some]).mean())


def _number(view: View) -> int:
    assert isinstance(view.image, int)
    return view.image


@dataclass(frozen=True, slots=True, eq=False)
class RankViews(Job["RankEvent", tuple[View, ...]]):
    """Rank the views of images; see `napari_unet.inference.where_next`.

    The masks say what is verified, and are thinned.
    """

    images: tuple[Predict, ...]
    verified: tuple[Mask, ...]
    model: Model
    extent: int

    @classmethod
    def of(cls, images: Sequence[OpenImage], model: Model, extent: int) -> RankViews:
        """Return the job for images as they are now."""
        wanted = []
        for image in images:
            found = Predict.of(image, model, None)
            size = found.diameter or image.measured_by(model.name)
            wanted.append(replace(found, diameter=size))
        return cls(tuple(wanted), tuple(map(_thinned, images)), model, extent)

    def run(self) -> Generator[RankEvent, None, tuple[View, ...]]:
        """Rank them."""
        pictures = []
        for image, verified in zip(self.images, self.verified, strict=True):
            pixels, axes = take_channels(image.pixels, image.axes, image.channels)
            size, width = image.diameter, image.pixel_size
            pictures.append(inference.Picture(pixels, axes, verified, size, width))
        return inference.iter_rank_views(pictures, self.model, extent=self.extent)


def _thinned(image: OpenImage) -> Mask:
    provenance = image.annotation.provenance
    step = max(1, round((provenance.size / _SAMPLED) ** 0.5))
    letters = result_axes(image.axes)
    steps = tuple(slice(None, None, step if a in "YX" else 1) for a in letters)
    return np.ascontiguousarray(is_verified(provenance[steps]))
