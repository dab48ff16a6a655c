"""What labels mean, as far as painting, accepting and predicting depend on it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import reduce
from itertools import product
from operator import add
from typing import ClassVar

import numpy as np

from napari_unet.annotation.labels import CLASS_NUMBERS, OBJECT_IDS, LabelKind
from napari_unet.annotation.merge import merge_classes, merge_prediction
from napari_unet.annotation.objects import ObjectTable
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import Points, marked_points, ordered_points
from napari_unet.geometry.runs import run_starts

RING = 2
"""Pixels of background around an object that are verified together with it."""

_TILE = 256


def finished_region(
    labels: LabelMap,
    box: Box,
    object_id: int,
    foreground: Mask | None,
    planes: Container[PlaneIndex] | None = None,
) -> tuple[Box, Mask]:
    """Return the pixels that are right once a person has finished an object.

    These are the whole object, which lies in `box`, and a ring of background around it,
    as that is looked at while the outline is drawn. The ring lies in the plane (the
    last two axes): nobody has looked at the next slice or the next point in time. It
    leaves out where the model sees an object: perhaps one is missing there. `planes`
    are those in which the object was looked at; None stands for all.
    """
    around = _grow_in_plane(box, labels.shape)
    local = labels[around.slices]
    body = local == object_id
    rim = _widen_in_plane(body) & (local == 0)
    if foreground is not None:
        rim &= ~foreground[around.slices]
    finished = body | rim
    if planes is not None:
        for index in np.ndindex(finished.shape[:-2]):
            place = tuple(a + b for a, b in zip(around.start, index, strict=False))
            finished[index] &= place in planes
    return around, finished


def finished_points(
    labels: LabelMap,
    box: Box,
    object_id: int,
    foreground: Mask | None,
    planes: Container[PlaneIndex] | None = None,
) -> Points:
    """Return the same as `finished_region` of a long thin object, in little memory."""
    parts = [tuple(np.empty((labels.ndim, 0), np.intp))]
    for tile in _tiles(_grow_in_plane(box, labels.shape)):
        if planes is not None and tile.start[:-2] not in planes:
            continue
        if (labels[_grow_in_plane(tile, labels.shape).slices] == object_id).any():
            around, mask = finished_region(labels, tile, object_id, foreground)
            inner = tile.relative_to(around).slices
            parts.append(marked_points(tile, mask[inner]))
    points = tuple(np.concatenate(axis) for axis in zip(*parts, strict=True))
    return ordered_points(points, labels.shape)


def accepted_region(
    labels: LabelMap, box: Box, objects: ObjectTable
) -> tuple[Box, Mask]:
    """Return what a person accepts who accepts a box: a view, or a part of it.

    That is the background in the box, and every object with more than half of its
    pixels in the box, as a whole. Of other objects nothing is accepted. Where the box
    lies in one plane that is all a person has looked at: objects are what they are in
    that plane, and nothing is accepted in others. Returns the box, which is not empty,
    grown to hold the objects that hang over its border, and which of its pixels.
    """
    plane = _plane_of(box, labels.shape)
    flat = labels[box.slices].reshape(-1)
    # By runs of one label, of which there are far fewer than pixels.
    first = run_starts(flat)
    lengths = np.diff(first, append=flat.size)
    dense, ids = compact(flat[first])
    inside = np.bincount(dense, lengths, len(ids))
    total = np.array([_pixels_in(plane, i, labels, objects) for i in ids.tolist()])
    chosen = 2 * inside > total
    chosen[0] = True
    overhanging = ids[chosen & (inside < total)].tolist()
    places = {i: objects.box(i).intersect(plane) for i in overhanging}
    region = reduce(Box.union, places.values(), box)
    mask = np.zeros(region.shape, bool)
    taken = np.repeat(chosen[dense], lengths).reshape(box.shape)
    mask[box.relative_to(region).slices] = taken
    for object_id, place in places.items():
        body = labels[place.slices] == object_id
        mask[place.relative_to(region).slices] |= body
    return region, mask


def _plane_of(box: Box, shape: tuple[int, ...]) -> Box:
    """Return all of the plane in which a box lies, or everything where it is in none.

    That is the last two axes where it may be any plane.
    """
    lone = [axis for axis, extent in enumerate(box.shape) if extent == 1]
    start, stop = [0] * len(shape), list(shape)
    for axis in lone[: len(shape) - 2]:
        start[axis], stop[axis] = box.start[axis], box.stop[axis]
    return Box(tuple(start), tuple(stop))


def _pixels_in(
    plane: Box, object_id: int, labels: LabelMap, objects: ObjectTable
) -> int:
    """Return how many pixels an object has in a plane."""
    pixels = objects.pixels(object_id)
    if not pixels or plane.contains(whole := objects.box(object_id)):
        return pixels
    return int(np.count_nonzero(labels[whole.intersect(plane).slices] == object_id))


def _tiles(box: Box) -> Iterator[Box]:
    """Cut a box into tiles, most of which a long thin object does not touch."""
    sizes = (*(1 for _ in box.start[:-2]), _TILE, _TILE)
    for start in product(*map(range, box.start, box.stop, sizes)):
        stop = tuple(map(add, start, sizes))
        yield Box(start, stop).intersect(box)


def _grow_in_plane(box: Box, shape: tuple[int, ...]) -> Box:
    grown = box.grow(RING, shape)
    return Box((*box.start[:-2], *grown.start[-2:]), (*box.stop[:-2], *grown.stop[-2:]))


def _widen_in_plane(mask: Mask) -> Mask:
    """Widen a mask by a ring (chessboard distance) along the last two axes."""
    for _ in range(RING):
        tall = mask.copy()
        tall[..., 1:, :] |= mask[..., :-1, :]
        tall[..., :-1, :] |= mask[..., 1:, :]
        mask = tall.copy()
        mask[..., 1:] |= tall[..., :-1]
        mask[..., :-1] |= tall[..., 1:]
    return mask


class Rules:
    """What an annotation asks; stateless, so that any thread may ask too.

    Labels are ids of objects, unless a subclass says otherwise.
    """

    kind: ClassVar[LabelKind] = OBJECT_IDS
    """How labels are read that somebody else puts in the place of ours."""

    objects: ClassVar[bool] = True
    """Whether labels are objects, which are finished and accepted as a whole."""

    repainting_accepts: ClassVar[bool] = False
    """Whether to paint a label over itself means that it is right."""

    merge = staticmethod(merge_prediction)
    """How a prediction is fitted in: what is verified is kept, objects whole."""

    accepted = staticmethod(accepted_region)
    """Which pixels of which box a person accepts who accepts a box."""

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return the provenance of painted pixels: corrected, also what was erased."""
        return np.full(labels.shape, Provenance.CORRECTED, np.uint8)

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return labels and provenance of pixels when nobody stands behind them.

        The same labels, as if a model had said so.
        """
        return labels, np.full(labels.shape, Provenance.PREDICTED, np.uint8)


OBJECTS = Rules()


def _whole_box(labels: LabelMap, box: Box, objects: ObjectTable) -> tuple[Box, Mask]:
    del labels, objects
    return box, np.ones(box.shape, bool)


class ClassRules(Rules):
    """Labels are class numbers: every pixel stands for itself, class 0 too."""

    kind: ClassVar[LabelKind] = CLASS_NUMBERS
    objects: ClassVar[bool] = False
    repainting_accepts: ClassVar[bool] = True
    merge = staticmethod(merge_classes)
    accepted = staticmethod(_whole_box)


class MarkRules(ClassRules):
    """Labels are marks beside a prediction; 0 is no mark and says nothing."""

    # A mark is verified already, and no mark says nothing.
    repainting_accepts: ClassVar[bool] = False

    def painted(self, labels: LabelMap) -> ProvenanceMap:
        """Return corrected where there is a mark, unseen where it was erased."""
        return np.where(labels == 0, Provenance.UNSEEN, Provenance.CORRECTED).astype(
            np.uint8
        )

    def unverified(self, labels: LabelMap) -> tuple[LabelMap, ProvenanceMap]:
        """Return no marks: a mark for which nobody stands says nothing."""
        return np.zeros_like(labels), np.zeros(labels.shape, np.uint8)
