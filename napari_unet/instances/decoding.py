"""How objects become maps that a network learns, and maps become objects again.

A way is one file: a class of thresholds that knows its maps, registered in
`napari_unet.instances.kinds`. Models keep the way that they were trained with.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from napari_unet.core.jobs import drain
from napari_unet.core.numbers import refuse_beyond
from napari_unet.geometry.maps import LabelMap, Mask

Maps: TypeAlias = npt.NDArray[np.float32]
"""What a network says, or should say: (K, Y, X) or (K, Z, Y, X)."""

_LARGEST_AREA = 2**31 - 1
_FOREGROUND_LIMITS = (0.001, 0.999)

_LOWEST = 0.04
"""Thresholds nearer to 0 or 1 than this are not tried."""


class Decoding(BaseModel, ABC):
    """Thresholds, stored with the model; subclasses know the maps that they read.

    Parameters
    ----------
    foreground : float
        Least foreground probability of an object's pixels.
    min_size : int
        Least area of an object, in pixels that the network saw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: ClassVar[dict[str, float]]
    """Thresholds that are fitted to verified objects, and by how much they move."""

    parting: ClassVar[str]
    """The threshold between parting what touches and keeping it together; the higher,
    the more stays together."""

    parting_limits: ClassVar[tuple[float, float]]
    """Between which values a person may move that threshold."""

    parting_words: ClassVar[str]
    """What it asks of two objects that touch, as a sentence."""

    of_the_maps: ClassVar[frozenset[str]] = frozenset()
    """What is no threshold: these say how the maps are drawn."""

    drawn_from_crops: ClassVar[bool] = False
    """Whether the maps of a crop are drawn from its labels. If not, they are drawn once
    for the plane, and resampled as the image is."""

    enlarges_maps: ClassVar[bool] = True
    """Whether maps of a plane that was made smaller are enlarged before objects are
    looked for. If not, objects are, and get the outlines of an enlarged foreground."""

    seen_from_sides: ClassVar[bool] = False
    """Whether maps of planes across each other can agree on those of a volume."""

    foreground: float = Field(0.5, gt=0, lt=1)
    min_size: int = Field(12, ge=1, le=_LARGEST_AREA)

    @abstractmethod
    def channels(self, dims: int) -> int:
        """Return the number of maps of a network of 2 or 3 dimensions."""

    @abstractmethod
    def map_names(self, dims: int) -> tuple[str, ...]:
        """Return what each of these maps is, in few words."""

    @property
    def in_words(self) -> str:
        """What is done with the maps, for people whose program does not do it."""
        own = ", ".join(f"{key} {value}" for key, value in self.model_dump().items())
        return f"They become objects by this decoding: {own}."

    def opposites(self, dims: int) -> tuple[tuple[int, int], ...]:
        """Return pairs of maps that look into opposite directions, by their numbers."""
        del dims
        return ()

    @abstractmethod
    def iter_draw(
        self, labels: npt.NDArray[np.integer[Any]]
    ) -> Generator[None, None, Maps]:
        """Return the maps of a label map; 0 is background. Yields now and then."""

    @abstractmethod
    def iter_decode(
        self, maps: Maps, zoom: float = 1.0
    ) -> Generator[None, None, LabelMap]:
        """Return ids from 1, int32; yields now and then.

        Parameters
        ----------
        maps : ndarray of float32, shape (K, Y, X) or (K, Z, Y, X)
            In the scale of those that are drawn.
        zoom : float
            Of the plane that the network saw, if the maps were enlarged since.
        """

    def draw(self, labels: npt.NDArray[np.integer[Any]]) -> Maps:
        """Do what `iter_draw` does, at once."""
        return drain(self.iter_draw(labels))

    def decode(self, maps: Maps, zoom: float = 1.0) -> LabelMap:
        """Do what `iter_decode` does, at once."""
        return drain(self.iter_decode(maps, zoom))

    def mended(self, labels: npt.NDArray[np.integer[Any]]) -> LabelMap:
        """Return the labels of a plane from which its crops are drawn."""
        return np.asarray(labels, np.int32)

    def known(
        self,
        labels: npt.NDArray[np.integer[Any]],  # noqa: ARG002 - others look at them
        verified: Mask,
    ) -> npt.NDArray[np.float32]:
        """Return where the maps of labels are known, of which some are verified.

        1 or 0, in one map for all, or one for each.
        """
        return verified[None].astype(np.float32)

    def draw_crop(self, labels: npt.NDArray[np.integer[Any]]) -> tuple[Maps, Maps]:
        """Return the maps of a crop, and how much each pixel counts; 0 if unknown.

        Parameters
        ----------
        labels : ndarray of int
            Ids of a part of a plane, turned, zoomed and bent; -1 beyond the plane.
        """
        maps = self.draw(np.maximum(labels, 0))
        return maps, np.ones_like(maps[:1])

    def least_area(self, zoom: float) -> int:
        """Return the least area of an object in pixels of enlarged maps."""
        return max(1, round(self.min_size / zoom**2))

    def in_volumes(self) -> Self:
        """Return the same for volumes, whose least object is a ball cut in half.

        The ball has a section of the least area; half of it is what a stack may end at.
        """
        half = 2 / 3 * self.min_size**1.5 / math.sqrt(math.pi)
        return self.moved(min_size=max(1.0, half))

    def neighbours(self) -> list[Self]:
        """Return thresholds that differ by one, two or four steps in one of them.

        The least area is doubled, halved, or an eighth: what is hidden by one that is
        far too large is not brought back by half of it.
        """
        moves: list[dict[str, float]] = [
            {name: round(getattr(self, name) + step, 3)}
            for name, size in self.steps.items()
            for step in (-4 * size, -2 * size, -size, size, 2 * size, 4 * size)
        ]
        moves = [m for m in moves if all(_LOWEST < x < 1 - _LOWEST for x in m.values())]
        sizes = (self.min_size // 8, self.min_size // 2, 2 * self.min_size)
        moves += [{"min_size": min(max(1, size), _LARGEST_AREA)} for size in sizes]
        return [self.model_copy(update=each) for each in moves]

    def turned(self, dims: int) -> tuple[int, ...]:
        """Return which map of a plane that is turned by 90 degrees is which of its own.

        As `numpy.rot90` turns the axes (Y, X). Maps that know no direction stay.
        """
        return tuple(range(self.channels(dims)))

    @property
    def at_parting(self) -> float:
        """The threshold between parting what touches and keeping it together."""
        return float(getattr(self, self.parting))

    def moved(
        self,
        foreground: float | None = None,
        parting: float | None = None,
        min_size: float | None = None,
    ) -> Self:
        """Return other thresholds; one that is not given stays as it is.

        What is out of reach becomes the nearest that is not.
        """
        update: dict[str, float] = {}
        if min_size is not None:
            update["min_size"] = round(_within(min_size, (1, _LARGEST_AREA)))
        if foreground is not None:
            update["foreground"] = _within(foreground, _FOREGROUND_LIMITS)
        if parting is not None:
            update[self.parting] = _within(parting, self.parting_limits)
        return self.model_copy(update=update)

    def chosen(
        self,
        foreground: float | None = None,
        parting: float | None = None,
        min_size: float | None = None,
    ) -> Self:
        """Do what `moved` does for numbers that somebody wrote down.

        An InputError says that one is out of reach, or no number.
        """
        _refuse_beyond("threshold", foreground, _FOREGROUND_LIMITS)
        _refuse_beyond("keep-together", parting, self.parting_limits)
        _refuse_beyond("smallest", min_size, (1, _LARGEST_AREA))
        return self.moved(foreground, parting, min_size)

    def reads_as(self, other: Decoding) -> bool:
        """Return whether both read the same maps, so that one may replace the other."""
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in self.of_the_maps
        )


def _refuse_beyond(name: str, value: float | None, limits: tuple[float, float]) -> None:
    if value is not None:
        refuse_beyond(name, value, limits)


def _within(value: float, limits: tuple[float, float]) -> float:
    least, most = limits
    return min(most, max(least, value))
