"""Objects: the maps that their decoding reads."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.ids import compact, pixels_by_id
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.crumbs import extrapolate_least_area
from napari_unet.instances.decoding import Decoding, Maps
from napari_unet.instances.outlines import fit_outlines
from napari_unet.scores.likeness import Likeness, compare_objects
from napari_unet.tasks.objectives.losses import Add, all_here, instance_loss
from napari_unet.tasks.objectives.objective import Objective, Targets, Values
from napari_unet.tasks.outputs import Described, LossOptions


@dataclass(frozen=True, slots=True, eq=False)
class ObjectDrawing:
    """Draws the maps that a decoding reads; labels are those of the plane, mended."""

    decoding: Decoding
    labels: LabelMap

    def draw(self, labels: LabelMap, verified: Mask) -> tuple[Maps, Maps]:
        """Return maps of a crop, and where they are known."""
        maps, counts = self.decoding.draw_crop(labels)
        return maps, counts * self.decoding.known(labels, verified)


@dataclass(frozen=True)
class InstancesObjective(Objective):
    """For object ids (Y, X), 0 for background."""

    decoding: Decoding = field(default_factory=ReachDecoding)
    dims: int = 2

    @property
    def channels(self) -> int:
        """Foreground, and what tells objects apart."""
        return self.decoding.channels(self.dims)

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return maps of the whole label map, verified or not.

        So the border of a verified object is right where it touches another one.
        """
        return drain(self.iter_targets(values, [verified]))[0]

    def iter_targets(
        self, values: Values, masks: Sequence[Mask]
    ) -> Generator[None, None, list[Targets]]:
        """Return `targets` for each of several masks, which share their maps."""
        maps = yield from self.decoding.iter_draw(values)
        drawing = None
        if self.decoding.drawn_from_crops:
            drawing = ObjectDrawing(self.decoding, self.decoding.mended(values))
        return [
            Targets(maps, self.decoding.known(values, mask), drawing=drawing)
            for mask in masks
        ]

    def sampling_strata(
        self, values: Values, verified: Mask
    ) -> list[tuple[Mask, float]]:
        """Prefer objects, which may be few."""
        return [(verified & (values > 0), 2 / 3), (verified & (values <= 0), 1 / 3)]

    def holdout_units(self, values: Values, verified: Mask) -> LabelMap:
        """Return the objects."""
        return cast(LabelMap, values)

    def check(self, planes: Sequence[tuple[Values, Mask]]) -> None:
        """Check that there are objects and background."""
        if not any(np.any(verified & (ids > 0)) for ids, verified in planes):
            raise InputError(
                "Only background is verified; paint or accept some objects too, so "
                "that the model can tell them apart."
            )
        if not any(_has_outlines(*plane) for plane in planes):
            raise InputError(
                "Only objects are verified, none of which touches another, and no "
                "background; accept a view that shows where objects end."
            )

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """See `napari_unet.tasks.objectives.losses.instance_loss`."""
        return instance_loss(
            logits,
            targets.clamp(0, 1),
            weight,
            hard_pixel_weight=hard_pixel_weight,
            opposites=self.decoding.opposites(self.dims),
            add=add,
        )

    def activate(self, logits: Tensor) -> Tensor:
        """Return probabilities."""
        return logits.sigmoid()

    def turned_back(self, maps: Tensor, turns: int) -> Tensor:
        """Turn the pixels, and say which map is which."""
        turned = self.decoding.turned(self.dims)
        for _ in range(turns % 4):
            maps = maps[:, turned]
        return super().turned_back(maps, turns)

    def disagreement(
        self, maps: Tensor, targets: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compare by overlap: for binary maps agreement is Dice."""
        return overlap_disagreement(maps, targets, weight)

    def iter_decode(
        self, maps: npt.NDArray[np.float32], zoom: float = 1.0
    ) -> Generator[None, None, Values]:
        """Return int32 ids from 1."""
        return (yield from self.decoding.iter_decode(maps, zoom))

    @property
    def thresholds(self) -> Mapping[str, Any]:
        """Those of the decoding."""
        return {"decoding": self.decoding}

    def neighbours(self, hints: Mapping[str, int]) -> Sequence[Self]:
        """Return the same with the neighbours of its decoding.

        The least area grows no further than the hint: that all verified objects are
        larger says nothing of those in other images.
        """
        most = max(self.decoding.min_size, hints.get("min_size", 0))
        near = self.decoding.neighbours()
        return [replace(self, decoding=n) for n in near if n.min_size <= most]

    def hints(self, planes: Sequence[tuple[Values, Mask]]) -> Mapping[str, int]:
        """Return the least area that objects like the verified ones may have."""
        areas = np.concatenate([_verified_areas(*plane) for plane in planes])
        return {"min_size": extrapolate_least_area(areas)}

    def hinted(self, hints: Mapping[str, int]) -> Self:
        """Return the same with that least area, if it is more.

        That some may be smaller is no reason to let all specks in.
        """
        least = max(self.decoding.min_size, hints.get("min_size", 0))
        return replace(
            self, decoding=self.decoding.model_copy(update={"min_size": least})
        )

    def iter_likeness(
        self, maps: npt.NDArray[np.float32], values: Values, judged: Mask
    ) -> Generator[None, None, Likeness]:
        """Compare objects, see `napari_unet.scores.likeness.compare_objects`."""
        found = yield from self.iter_decode(maps)
        yield
        return compare_objects(compact(values)[0], found, judged)

    @property
    def enlarges_maps(self) -> bool:
        """As its decoding says."""
        return self.decoding.enlarges_maps

    def refine(
        self, values: Values, first_map: npt.NDArray[np.float32], zoom: float
    ) -> Values:
        """Return objects with the outlines of the foreground."""
        foreground = first_map >= self.decoding.foreground
        return fit_outlines(values, foreground, math.ceil(1 / zoom))

    def empty_result(self, shape: tuple[int, ...]) -> Values:
        """Return no objects."""
        return np.zeros(shape, np.int32)


def _has_outlines(values: Values, verified: Mask) -> bool:
    """Return whether it is known where some object ends: tissue has no background."""
    if np.any(verified & (values <= 0)):
        return True
    for axis in range(values.ndim):
        ids = np.moveaxis(np.where(verified, values, 0), axis, 0)
        if np.any((ids[1:] != ids[:-1]) & (ids[1:] > 0) & (ids[:-1] > 0)):
            return True
    return False


def _verified_areas(values: Values, verified: Mask) -> npt.NDArray[np.intp]:
    """Return how many pixels the objects have of which something is verified."""
    dense, ids = compact(values)
    known = np.zeros(len(ids), bool)
    known[dense[verified]] = True
    known[0] = False
    return pixels_by_id(dense, len(ids))[known]


def overlap_disagreement(
    maps: Tensor, targets: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the sums of ``|p - t|`` and of ``p + t`` by map, over known pixels."""
    dims = (0, *range(2, maps.ndim))
    difference = (weight * (maps - targets).abs()).double().sum(dims)
    return difference, (weight * (maps + targets)).double().sum(dims)


def objective(spec: Described, options: LossOptions) -> InstancesObjective:  # noqa: ARG001
    """Return the objective of a model."""
    return InstancesObjective(spec.decoding, spec.architecture.dims)
