"""How volumes are seen: by a network of volumes, or by one of planes from three sides.

Whoever predicts asks a `Predictor` for the maps of a plane or a volume, whichever it
knows. `predictor_of` chooses it, so stacks are predicted alike in the dock, on the
command line, in Python and in the blocks of large images.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Protocol, get_args

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice
from napari_unet.core.jobs import mapped
from napari_unet.core.numbers import refuse_beyond
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.images.anisotropy import seeming_anisotropy
from napari_unet.images.source import CanonicalImage, anisotropy_of
from napari_unet.inference.forward import PlaneEvent, PlanePredictor
from napari_unet.instances.decoding import Maps
from napari_unet.instances.three_sides import Stacks, ThreeSides, sides
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks import task_of
from napari_unet.weights.model import Model

_ANISOTROPIES = (0.01, 100.0)

_LEAST_EXTENT = 8.0
"""Pixels that a stack is thick of whose objects nobody knows the size."""


class Predictor(Protocol):
    """A network that is ready to predict planes, or volumes.

    Attributes
    ----------
    dims : {2, 3}
        Whether it sees planes or volumes.
    stride, halo, exact
        As of a network: windows begin at multiples of the stride, what is said depends
        on so many pixels around, and windows of it are exact.
    planar : PlanePredictor
        What it looks with.
    """

    @property
    def dims(self) -> int: ...  # noqa: D102
    @property
    def stride(self) -> int: ...  # noqa: D102
    @property
    def halo(self) -> int: ...  # noqa: D102
    @property
    def exact(self) -> bool: ...  # noqa: D102
    @property
    def planar(self) -> PlanePredictor: ...  # noqa: D102

    def iter_maps(
        self, plane: npt.NDArray[np.float32], turns: int = 0, seen: Box | None = None
    ) -> Generator[PlaneEvent, None, Maps]:
        """Return the maps of a plane, or volume, or of a box of it that is wanted."""
        ...

    def count_windows(self, shape: tuple[int, ...]) -> int:
        """Return how many windows a plane, or volume, takes."""
        ...


class VolumePredictor:
    """A network of planes that looks at a volume from three sides.

    Volumes are isotropic: pixels are as far apart along Z as along Y and X.
    """

    dims = 3

    def __init__(self, planar: PlanePredictor) -> None:
        self.planar = planar
        self.stride, self.halo = planar.stride, planar.halo
        self.exact = planar.exact

    def iter_maps(
        self, plane: npt.NDArray[np.float32], turns: int = 0, seen: Box | None = None
    ) -> Generator[PlaneEvent, None, Maps]:
        """Return foreground and reach of a normalised volume (C, Z, Y, X)."""
        seen = seen or Box.whole(plane.shape[1:])
        views, done, total = ThreeSides(seen.shape), 0, sum(seen.shape)
        for across in sides():
            own = Box(_without(seen.start, across), _without(seen.stop, across))
            planes = np.moveaxis(plane, 1 + across, 0)
            for number in range(seen.shape[across]):
                told = partial(_of_all, done, total)
                section = planes[seen.start[across] + number]
                steps = self.planar.iter_maps(section, turns, own)
                views.add(across, number, (yield from mapped(told, steps)))
                done += 1
                yield done / total
        return views.agreed()

    def count_windows(self, shape: tuple[int, ...]) -> int:
        """Return how many windows a volume (Z, Y, X) takes."""
        return sum(
            shape[across] * self.planar.count_windows(_without(shape, across))
            for across in sides()
        )


def _without(extents: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return extents[:axis] + extents[axis + 1 :]


def _of_all(done: int, total: int, event: PlaneEvent) -> PlaneEvent:
    return event if isinstance(event, Notice) else (done + event) / total


def check_stacks(anisotropy: float | None, stacks: str | None) -> None:
    """Raise an InputError if this is no way to see stacks."""
    if anisotropy is not None:
        refuse_beyond("anisotropy", anisotropy, _ANISOTROPIES)
    if stacks is not None and stacks not in get_args(Stacks):
        raise InputError(
            f"Expected stacks to be one of {', '.join(get_args(Stacks))}, found "
            f"{stacks!r}."
        )


def iter_stretch(
    image: CanonicalImage,
    model: Model,
    told: float | None,
    *,
    raw: bool,
    stacks: Stacks | None,
) -> Generator[Notice, None, float | None]:
    """Return how many times as far apart sections are as pixels are wide.

    What somebody told, the image states, or it shows; None if it shows nothing, or if
    sections are not looked at together: networks of planes look at stacks from three
    sides if they can, unless the maps themselves are wanted (`raw`), or a person wants
    sections.
    """
    if not _looks_at_volumes(image, model, raw=raw, stacks=stacks):
        return None
    known = told or anisotropy_of(image.source.pixel_size)
    if known is not None:
        return known
    seeming = seeming_anisotropy(image)
    if seeming is not None:
        yield Notice(
            f"Nothing states how far apart the sections are; they seem to be "
            f"{seeming:.1f} times as far apart as pixels are wide."
        )
    return seeming


def _looks_at_volumes(
    image: CanonicalImage, model: Model, *, raw: bool, stacks: Stacks | None
) -> bool:
    if image.shape[2] == 1 or model.net.dims == 3:
        return image.shape[2] > 1
    objects = task_of(model.spec).labels.objects
    sides = objects and model.spec.decoding.seen_from_sides
    return sides and not raw and stacks != "sections"


def predictor_of(
    model: Model,
    image: CanonicalImage,
    planar: PlanePredictor,
    *,
    zoom: float,
    stretch: float | None,
) -> Predictor:
    """Return what predicts an image.

    Who looks at planes sees from three sides what is thick enough to hold an object;
    of thinner stacks sides show nothing.

    Parameters
    ----------
    zoom, stretch : float
        Of planes, and how many times as far apart sections are as pixels are wide;
        None where they are not looked at together.
    """
    if stretch is None or planar.dims == 3:
        return planar
    known = model.best_diameters
    thick = image.shape[2] * stretch * zoom >= (known[0] if known else _LEAST_EXTENT)
    return VolumePredictor(planar) if thick else planar


def spec_of(model: Model, predictor: Predictor) -> ModelSpec:
    """Return how what a predictor says of an image is decoded."""
    spec = model.spec
    if predictor.dims == model.net.dims:
        return spec
    return spec.model_copy(update={"decoding": spec.decoding.in_volumes()})
