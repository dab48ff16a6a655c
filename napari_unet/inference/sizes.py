"""At which zoom a network knows the objects of an image: told, likely, or measured."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import mapped, told_as
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.events import PredictEvent, Sized
from napari_unet.inference.forward import PlaneEvent, PlanePredictor
from napari_unet.inference.measure import (
    Seen,
    estimate_diameter,
    measure_objects,
    plausible,
)
from napari_unet.inference.model_input import zoom_for
from napari_unet.instances.diameter import size_warning
from napari_unet.tasks.objectives import Objective, objective_of
from napari_unet.weights.model import Model

Limits: TypeAlias = list[tuple[float, float]]
"""The grey values that become 0 and 1, by channel."""

PARTS = 16
"""Progress is told more finely than by windows: one may be all of the image."""

BEGUN = TilesDone(0, PARTS)
"""Nothing is done yet, but this is where it can be cancelled."""


def parts_done(
    before: int, parts: int, total: int
) -> Callable[[PlaneEvent], PredictEvent]:
    """Return what tells of a plane as parts of `total`, of which some are done."""

    def told(event: PlaneEvent) -> PredictEvent:
        if isinstance(event, Notice):
            return event
        return TilesDone(min(total, before + round(event * parts)), total)

    return told


def iter_zoom(
    image: CanonicalImage,
    model: Model,
    predictor: PlanePredictor,
    limits: Limits,
    diameter: float | None,
    pixel_size: float | None,
) -> Generator[PredictEvent, None, float]:
    """Return the zoom at which the model knows the objects, measured if need be."""
    spec, shape = model.spec, image.shape[3:]
    known = model.best_diameters
    if known is None:
        if diameter is not None:
            yield Notice("This model zooms no images: the object size was not used.")
        return 1.0
    told = diameter
    likely = plausible(spec.expected_size(pixel_size), shape)
    # A look at a volume from near costs as much as many planes, so nothing is measured:
    # the range of sizes that such a model knows is wide enough for what is likely.
    if diameter is None and predictor.dims == 2:
        scale = partial(spec.normalization.scale, limits=limits)
        segment = partial(_segment, predictor, objective_of(spec))
        diameter = yield from measure_objects(image, scale, known, segment, likely)
    # What the pixel size makes likely is believed where nothing is seen.
    size = likely.diameter if diameter is None and likely else diameter
    zoom = 1.0 if size is None else zoom_for(size, known, shape)
    yield Sized(diameter, zoom, measured=told is None and predictor.dims == 2)
    if diameter is not None and (
        warning := size_warning(
            diameter, spec.diameters, told=told is not None, shape=shape
        )
    ):
        yield Notice(warning)
    return zoom


def iter_measured(
    plane: npt.NDArray[np.float32], model: Model, predictor: PlanePredictor
) -> Generator[PredictEvent, None, float | None]:
    """Return how large the objects of a normalised plane (C, Y, X) seem to a model.

    In pixels of the plane; None where it sees none, or knows no sizes.
    """
    known = model.best_diameters
    if known is None:
        return None
    segment = partial(_segment, predictor, objective_of(model.spec))
    return (yield from estimate_diameter(plane, known, segment))


def _segment(
    predictor: PlanePredictor, objective: Objective, plane: npt.NDArray[np.float32]
) -> Generator[PredictEvent, None, Seen]:
    """Segment a part of a plane as it is."""
    maps = yield from mapped(parts_done(0, 0, PARTS), predictor.iter_maps(plane))
    labels = yield from told_as(BEGUN, objective.iter_decode(maps))
    return labels, maps[0]
