"""In which order a robot opens views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, cast

import numpy as np

from benchmarks.annotator.desk import Desk, views_of
from benchmarks.annotator.kinds import Kind
from napari_unet.annotation.provenance import is_verified
from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.inference.where_next import Picture, iter_rank_views
from napari_unet.scores.views import View
from napari_unet.weights.model import Model

_MOST_RANKED = 24
_SEEN = 0.5


class Tour(Protocol):
    """Says which view is next: the number of an image, and where in it."""

    @property
    def first(self) -> int:
        """The image that is opened first."""
        ...

    def next(self, desks: Mapping[int, Desk], model: Model) -> tuple[int, Box] | None:
        """Return the next view, or None if everything was seen.

        Parameters
        ----------
        desks : mapping of int to Desk
            The images that were opened, by their numbers.
        model : Model
            What is live.
        """
        ...


class ChanceTour:
    """A few views of every image, images and views by chance, then again of every one.

    Parameters
    ----------
    kind : Kind
        The images.
    at_once : int
        Views of an image before another one is taken.
    rng : Generator
        Draws the order.
    """

    def __init__(self, kind: Kind, at_once: int, rng: np.random.Generator) -> None:
        self._order = [int(i) for i in rng.permutation(len(kind.opened))]
        self._left: dict[int, list[Box]] = {}
        for number in self._order:
            views = views_of(kind.opened[number])
            self._left[number] = [views[i] for i in rng.permutation(len(views))]
        self._steps = self._walk(at_once)

    @property
    def first(self) -> int:
        """The image that chance has drawn first."""
        return self._order[0]

    def next(
        self,
        desks: Mapping[int, Desk],  # noqa: ARG002
        model: Model,  # noqa: ARG002
    ) -> tuple[int, Box] | None:
        """Return the next view, whatever was found so far."""
        return next(self._steps, None)

    def _walk(self, at_once: int) -> Iterator[tuple[int, Box]]:
        while any(self._left.values()):
            for number in self._order:
                views = self._left[number]
                for view in islice(views, at_once):
                    yield number, view
                del views[:at_once]


@dataclass(slots=True, eq=False)
class TellingTour:
    """The views that the dock would show next; the first one is drawn by chance.

    Views are ranked again when another model is live. That takes no time of the
    robot's: the dock ranks in the background.
    """

    kind: Kind
    extent: int
    rng: np.random.Generator
    first: int = field(init=False)
    _model: Model | None = field(init=False, default=None)
    _ranked: list[View] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.first = int(self.rng.integers(len(self.kind.opened)))

    def next(self, desks: Mapping[int, Desk], model: Model) -> tuple[int, Box] | None:
        """Return the most telling view that was not seen."""
        if not desks:
            views = views_of(self.kind.opened[self.first])
            return self.first, views[int(self.rng.integers(len(views)))]
        if model is not self._model or not self._ranked:
            self._model, self._ranked = model, self._rank(desks, model)
        while self._ranked:
            view = self._ranked.pop(0)
            number = cast(int, view.image)  # of a picture, see `iter_rank_views`
            if number not in desks or _seen(desks[number], view.box) < _SEEN:
                return number, view.box
        return None

    def _rank(self, desks: Mapping[int, Desk], model: Model) -> list[View]:
        pictures = [
            Picture(image.pixels, image.axes, verified=_verified(desks.get(number)))
            for number, image in enumerate(self.kind.opened)
        ]
        seed = int(self.rng.integers(2**31))
        steps = iter_rank_views(
            pictures, model, extent=self.extent, most=_MOST_RANKED, seed=seed
        )
        return list(drain(steps))


def usual_extent(kind: Kind) -> int:
    """Return how large views of a kind are, as a rule."""
    first: Sequence[Box] = [views_of(image)[0] for image in kind.opened]
    return int(np.median([max(view.shape) for view in first]))


def _verified(
    desk: Desk | None,
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None:
    return None if desk is None else is_verified(desk.annotation.provenance)


def _seen(desk: Desk, box: Box) -> float:
    return float(is_verified(desk.annotation.provenance[box.slices]).mean())
