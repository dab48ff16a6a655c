"""What the network said of an image, kept to be decoded again."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import told_as
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.regrid import Regrid, centres
from napari_unet.inference.blocks import BlockPlan, block_of_view, worth_a_preview
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.model_input import resize
from napari_unet.inference.predict_block import (
    in_image_axes,
    iter_decode_maps,
    seen_in_view,
    widened,
)
from napari_unet.instances.decoding import Decoding
from napari_unet.instances.planes import iter_number_objects
from napari_unet.instances.seen import SeenPart, part_of
from napari_unet.instances.three_sides import section_of
from napari_unet.models.spec import ModelSpec

_AROUND = 64
"""Pixels around a view in which its objects are seen, when thresholds move."""


@dataclass(frozen=True, slots=True, eq=False)
class CachedMaps:
    """What the network said of an image, rounded: maps of each plane, or each volume.

    The network takes most of the time of a prediction. While its maps are at hand,
    other thresholds cost a decoding only.
    """

    parts: tuple[npt.NDArray[np.float16], ...]
    plan: BlockPlan
    axes: str

    def iter_decode(
        self, decoding: Decoding, view: Box | None = None
    ) -> Generator[PredictEvent, None, LabelMap]:
        """Find the objects again, with other thresholds, in the axes of the image.

        With a view, its objects are found first, and yielded as `ViewPredicted`.
        """
        plan, total = self.plan, len(self.parts)
        spec = plan.spec.model_copy(update={"decoding": decoding})
        if view is not None:
            yield from self._iter_view(spec, view)
        if not plan.planar and spec.architecture.dims == 2:
            spec = spec.model_copy(update={"decoding": decoding.in_volumes()})
        labels = []
        for number, part in enumerate(self.parts, start=1):
            maps = widened(part)
            back = Regrid.whole(maps.shape[1:], plan.shape[1 - maps.ndim :])
            decoded = iter_decode_maps(spec, maps, back, plan.zoom)
            labels.append((yield from told_as(TilesDone(number - 1, total), decoded)))
            yield TilesDone(number, total)
        stacks = np.stack(labels).reshape(plan.shape)
        numbered = iter_number_objects(stacks, link=plan.planar)
        yield from told_as(TilesDone(total, total), numbered)
        return in_image_axes(stacks, self.axes)

    def _iter_view(
        self, spec: ModelSpec, view: Box
    ) -> Generator[PredictEvent, None, None]:
        plan = self.plan
        block = block_of_view(view, self.axes, plan.shape, _AROUND)
        if not worth_a_preview(block, plan):
            return
        maps = self._plane(block.frame, block.section or 0)
        scale = [m / n for m, n in zip(maps.shape[1:], plan.shape[2:], strict=True)]
        place = tuple(
            slice(math.floor(a * s), math.ceil(b * s))
            for a, b, s in zip(block.read.start, block.read.stop, scale, strict=True)
        )
        seen = widened(maps[:, *place])
        back = Regrid.whole(seen.shape[1:], block.decoded.shape)
        steps = iter_decode_maps(spec, seen, back, plan.zoom)
        found = yield from told_as(TilesDone(0, len(self.parts)), steps)
        yield seen_in_view(block, found, self.axes)

    def probability(self) -> tuple[Box, npt.NDArray[np.float32]]:
        """Return the box of all labels, and the probability of foreground in it."""
        frames, sections = self.plan.shape[:2]
        planes = [self.foreground(t, z) for t in range(frames) for z in range(sections)]
        values = in_image_axes(np.stack(planes).reshape(self.plan.shape), self.axes)
        return Box.whole(values.shape), values

    def foreground(self, frame: int, section: int) -> npt.NDArray[np.float32]:
        """Return probabilities of foreground (Y, X), on the grid of the image."""
        plane = self._plane(frame, section)
        return np.asarray(resize(widened(plane[:1]), self.plan.shape[2:])[0])

    def part(self, frame: int, section: int, box: Box) -> SeenPart:
        """Return what was said of a box (Y, X) of a plane; costs what the box does."""
        plane, decoding = self._plane(frame, section), self.plan.spec.decoding
        return part_of(plane, self.plan.shape[2:], box, decoding)

    def _plane(self, frame: int, section: int) -> npt.NDArray[np.float16]:
        sections = self.plan.shape[1]
        if self.plan.planar:
            return self.parts[frame * sections + section]
        volume = self.parts[frame]
        return section_of(volume, centres(sections, volume.shape[1])[section])
