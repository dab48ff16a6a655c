"""Objects that a person adds by a click, and makes larger or smaller.

How it flows: a click is where an object is missing. In the background it grows into
what the network said there when it predicted last, in all sizes at once; nothing is
predicted. One of the sizes becomes an edit. As long as that is the last thing that was
done, another size takes its place, as one step with the click.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np

from napari_unet.annotation.adding import AddObject
from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line
from napari_unet.geometry.maps import Mask
from napari_unet.inference.events import Redecodable
from napari_unet.instances.growth import REACH, Growth, Pixel, iter_growth
from napari_unet.instances.seen import SeenPart
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images

_NO_MAPS = (
    "Add grows an object out of what the model said of this image, which is not at "
    "hand: press Predict first. Of volumes, and of images of more than 16 million "
    "pixels, it is not kept: paint with the brush there."
)
_WRONG_PLANE = (
    "The model has seen the planes along Y and X: look at one of these, then click "
    "where an object is missing."
)
_NOTHING_SEEN = "The model sees nothing there: paint the object with the brush (2)."
_OCCUPIED = "There is an object already: click where one is missing."
_OUTSIDE = "That is beside the image: click where an object is missing."
_ADDED = "Added an object of {:,} px; the wheel resizes it."
_RESIZED = "The object has {:,} px now."
_LIMIT = "It gets no {} than {:,} px: go on with the brush."

_DIAMETER = 30.0
"""How large objects are, in pixels, where nothing tells it."""

_LARGEST = 400.0
"""More would take too long; what is larger still is finished with the brush."""


@dataclass(frozen=True, slots=True, eq=False)
class _Added:
    """An object that was added, and may get another size; `step` is in the history."""

    image: OpenImage
    growth: Growth
    box: Box
    object_id: int
    level: float
    step: int

    @property
    def pixels(self) -> int:
        return self.image.annotation.pixels_of(self.object_id)

    @property
    def last_done(self) -> bool:
        """Whether nothing was done since."""
        done = self.image.annotation.history.done
        return bool(done) and done[-1].number == self.step

    def edit(self) -> AddObject:
        mask = self.growth.mask(self.level).reshape(self.box.shape)
        return AddObject(self.object_id, self.box, mask)


class Growing:
    """Adds objects to the current image.

    `maps` returns what a network said of an image last, if that is at hand; `do` does
    an edit on an image, and returns what changed; `note_nothing` is told of an image on
    which a click has changed nothing.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        maps: Callable[[OpenImage], Redecodable | None],
        do: Callable[[OpenImage, Edit], Change | None],
        note_nothing: Callable[[OpenImage], None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._maps = maps
        self._do = do
        self._note_nothing = note_nothing
        self._added: _Added | None = None

    def why_not(self) -> str:
        """Return why no object can be added now, or nothing if one can."""
        if reason := self._hub.state.why_not_do(AddObject.name):
            return reason
        image = self._images.current
        return "" if image is not None and self._maps(image) is not None else _NO_MAPS

    def add(self, line: Line) -> None:
        """Let an object grow from where a line begins, in a moment."""
        image, why_not = self._images.current, self.why_not()
        maps = self._maps(image) if image is not None else None
        if why_not or image is None or maps is None:
            self._hub.report("correct", InputError(why_not or _NO_MAPS))
            return
        self._hub.clear("correct")
        image.canvas.flush()
        seed = _Seed.of(image, line)
        if isinstance(seed, str):
            self._say_nothing(image, seed)
            return
        self._hub.start(
            seed.job(image, maps),
            lambda found: self._show(image, seed, found),
            "correct",
        )

    def resize(self, line: Line, *, larger: bool) -> bool:
        """Give the object that was added last another size; return whether one can.

        It can where a line begins on it, or within its outline, and nothing else was
        done since.
        """
        added = self._added
        if added is None or added.image is not self._images.current:
            return False
        image = added.image
        image.canvas.flush()
        if not (added.last_done and _is_over(line, image, added.object_id)):
            return False
        level = added.growth.next_level(added.level, larger=larger)
        if level == added.level:
            limit = "larger" if larger else "smaller"
            self._hub.say(_LIMIT.format(limit, added.pixels), "image", "labels")
            return True
        image.canvas.undo()
        self._put(replace(added, level=level), _RESIZED)
        return True

    def forget(self, image: OpenImage) -> None:
        """Forget an image that is put away."""
        if self._added is not None and self._added.image is image:
            self._added = None

    def _show(self, image: OpenImage, seed: _Seed, growth: Growth | None) -> None:
        if image is self._images.current:
            if growth is None:
                self._say_nothing(image, _NOTHING_SEEN)
            else:
                new = image.annotation.new_id()
                self._put(_Added(image, growth, seed.box, new, growth.first, 0), _ADDED)

    def _say_nothing(self, image: OpenImage, words: str) -> None:
        self._hub.say(words, "image", "labels")
        self._note_nothing(image)

    def _put(self, added: _Added, words: str) -> None:
        """Do the edit, and remember it as the last one."""
        image = added.image
        image.canvas.settle()
        change = self._do(image, added.edit())
        self._added = replace(added, step=change.stroke) if change else None
        said = words.format(added.pixels) if change else _OCCUPIED
        self._hub.say(said, "image", "labels")


@dataclass(frozen=True, slots=True)
class _Seed:
    """Where a person clicked: a pixel, and the part of its plane to grow in."""

    at: tuple[int, ...]
    box: Box
    axes: str
    diameter: float

    @classmethod
    def of(cls, image: OpenImage, line: Line) -> _Seed | str:
        """Return it, or why nothing can grow from there."""
        axes, labels = result_axes(image.axes), image.annotation.pixels.labels
        if "".join(axes[each] for each in line.axes) != "YX":
            return _WRONG_PLANE
        at = _pixel(line)
        if not Box.whole(labels.shape).contains(_box_at(at)):
            return _OUTSIDE
        if labels[at]:
            return _OCCUPIED
        diameter = usual_diameter(image)
        reach = int(np.ceil(REACH * diameter))
        start = tuple(a - reach * (x in "YX") for a, x in zip(at, axes, strict=True))
        stop = tuple(a + 1 + reach * (x in "YX") for a, x in zip(at, axes, strict=True))
        box = Box(start, stop).intersect(Box.whole(labels.shape))
        return cls(at, box, axes, diameter)

    def job(self, image: OpenImage, maps: Redecodable) -> Grow:
        """Return what lets an object grow there."""
        place = dict(zip(self.axes, self.at, strict=True))
        start = dict(zip(self.axes, self.box.start, strict=True))
        stop = dict(zip(self.axes, self.box.stop, strict=True))
        plane = Box((start["Y"], start["X"]), (stop["Y"], stop["X"]))
        free = image.annotation.pixels.labels[self.box.slices] == 0
        return Grow(
            maps.part(place.get("T", 0), place.get("Z", 0), plane),
            (place["Y"] - start["Y"], place["X"] - start["X"]),
            free.reshape(plane.shape),
            self.diameter,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Grow(Job[None, Growth | None]):
    """Let an object grow; see `napari_unet.instances.growth.iter_growth`."""

    part: SeenPart
    at: Pixel
    free: Mask
    diameter: float

    def run(self) -> Generator[None, None, Growth | None]:
        """Let it grow."""
        return iter_growth(self.part, self.at, self.free, self.diameter)


def usual_diameter(image: OpenImage) -> float:
    """Return how large the objects of an image usually are, in pixels.

    As the person has said or shown, as a model has measured it, or as most of those
    are that there are.
    """
    measured = image.measured[1] if image.measured is not None else None
    found = image.annotation.pixels.objects.usual_extent()
    known = image.known_diameter or measured or found or _DIAMETER
    return min(known, _LARGEST)


def _pixel(line: Line) -> tuple[int, ...]:
    return tuple(round(each) for each in line.vertices[0])


def _box_at(at: tuple[int, ...]) -> Box:
    return Box(at, tuple(each + 1 for each in at))


def _is_over(line: Line, image: OpenImage, object_id: int) -> bool:
    """Whether a line begins within the box of an object."""
    objects = image.annotation.pixels.objects
    return object_id in objects and objects.box(object_id).contains(
        _box_at(_pixel(line))
    )
