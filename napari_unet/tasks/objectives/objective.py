"""What the engine asks of every task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.scores.likeness import Likeness
from napari_unet.tasks.objectives.losses import Add, all_here

Values = npt.NDArray[Any]
"""What a person gives and gets for a plane: ids, classes, or values (n, Y, X)."""


class CropDrawing(Protocol):
    """Draws the maps of crops from labels, where resampled maps would be wrong."""

    @property
    def labels(self) -> LabelMap:
        """What crops are cut out of, (Y, X); not negative."""

    def draw(
        self, labels: LabelMap, verified: Mask
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return maps of a crop (K, Y, X), and how much pixels count; 0 if unknown.

        Labels are -1 beyond the plane, where nothing is verified.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a network should say about a plane: a map (K, Y, X) per output channel.

    Known, (1, Y, X) or (K, Y, X), is 1 where the maps can be trusted, 0 elsewhere.
    Weights (1, Y, X) say how much a known pixel counts; 1 where they are missing. With
    a drawing, the maps of crops come from there, and where they are known, as far as
    the first of `known` says it is verified.
    """

    maps: npt.NDArray[np.float32]
    known: npt.NDArray[np.float32]
    pixel_weights: npt.NDArray[np.float32] | None = None
    drawing: CropDrawing | None = None


class Objective(ABC):
    """Targets, loss, decoding and score of a task.

    Shapes are those of 2-D networks; 3-D ones have Z before Y.
    """

    loss_options: ClassVar[frozenset[str]] = frozenset()
    """Fields of `LossOptions` that have an effect."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Maps that the network predicts."""

    @abstractmethod
    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return what is learned from a plane; `values` may be unknown in part."""

    def iter_targets(
        self, values: Values, masks: Sequence[Mask]
    ) -> Generator[None, None, list[Targets]]:
        """Return `targets` for each of several masks; yields now and then."""
        found = []
        for mask in masks:
            found.append(self.targets(values, mask))
            yield
        return found

    @abstractmethod
    def sampling_strata(
        self, values: Values, verified: Mask
    ) -> list[tuple[Mask, float]]:
        """Return kinds of pixels, and which share of the crops is centred on each."""

    @abstractmethod
    def holdout_units(self, values: Values, verified: Mask) -> LabelMap:
        """Return numbered parts of a plane that are held out as a whole; 0 is none."""

    @abstractmethod
    def check(self, planes: Sequence[tuple[Values, Mask]]) -> None:
        """Raise an InputError, with what to do, if planes have nothing to learn."""

    @abstractmethod
    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """Return a scalar, from weighted pixels alone; see `losses`."""

    @abstractmethod
    def activate(self, logits: Tensor) -> Tensor:
        """Return maps in the scale of the targets, same shape."""

    def turned_back(self, maps: Tensor, turns: int) -> Tensor:
        """Return the maps of planes from those of the planes turned so many times.

        By 90 degrees each, as `torch.rot90` turns the axes (Y, X); same shape, or with
        these two exchanged.
        """
        return torch.rot90(maps, -turns, (-2, -1))

    @abstractmethod
    def disagreement(
        self, maps: Tensor, targets: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return how far maps are from targets, and how far they could be, by map.

        Both have the shape (K,); agreement is 1 minus the mean of their quotient.
        """

    @abstractmethod
    def iter_decode(
        self, maps: npt.NDArray[np.float32], zoom: float = 1.0
    ) -> Generator[None, None, Values]:
        """Return what a person gets, from activated maps; yields now and then.

        Parameters
        ----------
        maps : ndarray, shape (K, Y, X)
        zoom : float
            Of the plane that the network saw, if the maps were enlarged since.
        """

    @property
    def thresholds(self) -> Mapping[str, Any]:
        """What of a model's description says how its maps are decoded."""
        return {}

    def neighbours(self, hints: Mapping[str, int]) -> Sequence[Self]:
        """Return the same with other thresholds, a step away; none where none are.

        None of them hides what there may be in other images, as far as `hints` tell.
        """
        del hints
        return ()

    def hints(self, planes: Sequence[tuple[Values, Mask]]) -> Mapping[str, int]:
        """Return thresholds that verified pixels tell, whatever the maps are like.

        Parameters
        ----------
        planes : sequence of (values, mask)
            What is known of each plane, and where.
        """
        del planes
        return {}

    def hinted(self, hints: Mapping[str, int]) -> Self:
        """Return the same with thresholds as its `hints` say."""
        del hints
        return self

    def iter_likeness(
        self, maps: npt.NDArray[np.float32], values: Values, judged: Mask
    ) -> Generator[None, None, Likeness]:
        """Compare what activated maps are decoded to with the truth in a mask.

        There is nothing to compare where a result has no objects.
        """
        yield
        del maps, values, judged
        return Likeness()

    @property
    def enlarges_maps(self) -> bool:
        """Whether maps of a plane that was made smaller are enlarged and then decoded.

        If not, results are enlarged, and then refined.
        """
        return True

    def refine(
        self, values: Values, first_map: npt.NDArray[np.float32], zoom: float
    ) -> Values:
        """Return an enlarged result with the outlines of the first map, enlarged too.

        Parameters
        ----------
        values, first_map : ndarray, shape (Y, X)
        zoom : float
            Of the plane that the network saw.
        """
        del first_map, zoom
        return values

    @abstractmethod
    def empty_result(self, shape: tuple[int, ...]) -> Values | None:
        """Return the result for a plane without any contrast; None: ask the network."""
