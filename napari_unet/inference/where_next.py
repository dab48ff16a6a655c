"""Where to look next: views of images, ordered by what correcting them would tell.

How it flows: the planes of all pictures are cut into views; some of them are drawn by
chance where there are very many. Each is predicted as it is and turned, with what the
network needs around it, and decoded. What differs is what the model is not sure of
(`scores.differing`), and `scores.views.rank` orders the views by that, by what they
look like, and by what was seen already.

A benchmark, or anybody else, gets the order like this::

    pictures = [Picture(image, verified=mask), Picture(other)]
    views = drain(iter_rank_views(pictures, model))
    first = views[0]                       # first.image is 0 or 1, first.box is where
    by_chance = drain(iter_rank_views(pictures, model, order="random", seed=3))

The box has the axes of the labels. Whoever has verified something since ranks the same
views again, which costs nothing: ``rank([replace(v, seen=...) for v in views])``.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import told_as
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.views import VIEW_EXTENT, cut_views
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.blocks import BlockPlan, block_of_view, plan_blocks
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.model_input import fit_image, sample_labels
from napari_unet.inference.predict import iter_limits
from napari_unet.inference.predict_block import iter_block_maps, iter_decode_block
from napari_unet.inference.sizes import iter_zoom
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.scores.differing import count_differing
from napari_unet.scores.views import VARIETY, Order, View, rank
from napari_unet.tasks.objectives.objective import Values
from napari_unet.weights.model import Model

_BEGUN = TilesDone(0, 1)

MOST_VIEWS = 64
"""So many are looked at; more would take longer than a person waits."""

TURNS = (1,)
"""By how many times 90 degrees views are turned; each costs one more prediction, and
more than one tell hardly more."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image, and what is known of it.

    Parameters
    ----------
    pixels, axes, diameter, pixel_size
        As `napari_unet.inference.predict.predict` takes them. A model that knows sizes
        measures the objects where no diameter is given, which takes a while.
    verified : ndarray of bool, optional
        What a person verified, with the axes of the image without C; or some of its
        pixels, evenly spread.
    """

    pixels: npt.NDArray[Any] | ImageSource
    axes: str | None = None
    verified: Mask | None = None
    diameter: float | None = None
    pixel_size: float | None = None


@dataclass(frozen=True, slots=True)
class ViewRated:
    """It is known what a view tells, of `done` of `total` views."""

    view: View
    done: int
    total: int


RankEvent: TypeAlias = Notice | TilesDone | ViewRated


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A picture that can be predicted, view by view."""

    image: CanonicalImage
    plan: BlockPlan
    predictor: PlanePredictor


def iter_rank_views(
    pictures: Sequence[Picture],
    model: Model,
    *,
    extent: int = VIEW_EXTENT,
    most: int = MOST_VIEWS,
    turns: Sequence[int] = TURNS,
    order: Order = "telling",
    seed: int = 0,
    variety: float = VARIETY,
    device: str = "auto",
) -> Generator[RankEvent, None, tuple[View, ...]]:
    """Rank views of pictures; returns them in order.

    Yields after every window, and a `ViewRated` after every view, so that somebody who
    is in a hurry may rank what is known so far. Closing the generator cancels it.

    Parameters
    ----------
    pictures : sequence of Picture
        `View.image` is the number of one of them, from 0. What the model cannot take
        is left out, and a `Notice` says so.
    model : Model
        The one that is to learn from corrections. Volumes are cut into planes; a 3-D
        model rates none of them, and chance decides.
    extent : int
        Pixels of the image along each side of a view, about.
    most : int
        Views that are looked at; if there are more, chance decides which, as many of
        each picture as there can be, and none that was seen before one that was not.
    turns : sequence of int
        By which multiples of 90 degrees each view is turned as well.
    order : {"telling", "random"}
        With "random" nothing is predicted, and chance alone decides.
    seed : int
        Of what is left to chance.
    variety : float
        See `napari_unet.scores.views.rank`.
    device : {"auto", "cuda", "mps", "cpu"}
        Where to compute.

    Raises
    ------
    DeviceError
        If the device does not exist or its memory does not suffice.
    """
    fitted: dict[int, CanonicalImage] = {}
    for number, picture in enumerate(pictures):
        yield _BEGUN
        try:
            fitted[number] = fit_image(picture.pixels, picture.axes, model)[0]
        except InputError as error:
            yield Notice(f"Left out where to look next: {error}")
    cut = [_views(n, image, pictures[n], extent) for n, image in fitted.items()]
    drawn = _draw(cut, most, seed)
    if order == "random" or model.net.dims != 2:
        return rank(drawn, order="random", seed=seed)
    execution = choose_execution(resolve_device(device), full_precision=False)
    predictor = PlanePredictor(model, execution)
    rated: list[View] = []
    for number, views in groupby(drawn, key=attrgetter("image")):
        begun = TilesDone(len(rated), len(drawn))
        steps = _iter_ready(fitted[number], pictures[number], model, predictor)
        ready = yield from told_as(begun, steps)
        for view in views:
            begun = TilesDone(len(rated), len(drawn))
            rated.append((yield from told_as(begun, _iter_rate(ready, view, turns))))
            yield ViewRated(rated[-1], len(rated), len(drawn))
    return rank(rated, order=order, seed=seed, variety=variety)


def _views(
    number: int, image: CanonicalImage, picture: Picture, extent: int
) -> list[View]:
    axes = result_axes(image.axes)
    extents = dict(zip(image.axes, image.source.shape, strict=True))
    shape = tuple(extents[axis] for axis in axes)
    return [
        View(number, box, seen=_share(picture.verified, box, shape))
        for box in cut_views(shape, axes, extent)
    ]


def _share(verified: Mask | None, box: Box, shape: tuple[int, ...]) -> float:
    """Return which share of a box is verified, by a mask that may be thinned."""
    if verified is None:
        return 0.0
    ends = zip(box.start, box.stop, shape, verified.shape, strict=True)
    part = verified[tuple(slice(a * n // m, -(-b * n // m)) for a, b, m, n in ends)]
    return float(part.mean())


def _draw(cut: Sequence[Sequence[View]], most: int, seed: int) -> list[View]:
    """Return some views of each picture, those first of which least was seen."""
    chance = np.random.default_rng(seed)
    shuffled = [
        sorted((own[n] for n in chance.permutation(len(own))), key=attrgetter("seen"))
        for own in cut
    ]
    in_turn = [each for row in zip_longest(*shuffled) for each in row if each]
    in_turn.sort(key=lambda view: view.seen > 0)
    drawn = set(in_turn[:most])
    return [view for own in cut for view in own if view in drawn]


def _iter_ready(
    image: CanonicalImage, picture: Picture, model: Model, predictor: PlanePredictor
) -> Generator[object, None, _Ready]:
    yield None
    limits = yield from iter_limits(image, model)
    size, width = picture.diameter, picture.pixel_size
    zoom = yield from iter_zoom(image, model, predictor, limits, size, width)
    plan = plan_blocks(
        image, model.spec, predictor, limits=limits, raw=False, zoom=zoom
    )
    return _Ready(image, plan, predictor)


def _iter_rate(
    ready: _Ready, view: View, turns: Sequence[int]
) -> Generator[object, None, View]:
    """Return a view with what it tells, and what it looks like."""
    plan, image, predictor = ready.plan, ready.image, ready.predictor
    halo = math.ceil(predictor.halo / plan.zoom)
    block = block_of_view(view.box, image.axes, plan.shape, halo)
    inside = np.zeros(block.decoded.shape, bool)
    inside[block.core.relative_to(block.decoded).slices] = True
    maps = yield from iter_block_maps(plan, block, image, predictor)
    values = yield from iter_decode_block(plan, block, maps)
    seen = sample_labels(inside, maps.shape[1:])
    corrections, doubt = [], []
    for turn in turns:
        turned = yield from iter_block_maps(plan, block, image, predictor, turn)
        doubt.append(float(np.abs(turned - maps)[:, seen].mean()))
        if plan.objects:
            found = yield from iter_decode_block(plan, block, turned)
            yield None
            corrections.append(count_differing(values, found, inside))
    looks = maps[:, seen].mean(axis=1).tolist()
    if plan.objects:
        looks += _sizes(values, inside)
    grey = plan.spec.normalization.scale(
        image.plane(block.frame, block.section, block.core), plan.limits
    )
    return replace(
        view,
        corrections=_mean(corrections),
        doubt=_mean(doubt),
        looks=(*_greys(grey), *looks),
    )


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / max(len(numbers), 1)


def _greys(grey: npt.NDArray[np.float32]) -> list[float]:
    """Return how bright a view (C, Y, X) is, how it varies, and how fine."""
    steps = np.abs(np.diff(grey, axis=-1)).mean(axis=(1, 2))
    numbers = (grey.mean(axis=(1, 2)), grey.std(axis=(1, 2)), steps)
    return [float(one) for each in numbers for one in each]


def _sizes(labels: Values, inside: Mask) -> list[float]:
    """Return how many objects a view holds, and how large they are, as logarithms."""
    areas = np.bincount(labels[inside].ravel())[1:]
    areas = areas[areas > 0]
    if not len(areas):
        return [0.0, 0.0]
    return [math.log1p(len(areas)), math.log(float(np.median(areas)))]
