"""What edits of an annotation work with: pixels, open objects, and the record of both.

An edit writes through a `Workspace`, which records every part that changes, tells it as
one `Change` and remembers it as a step that can be undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from napari_unet.annotation.change import Change
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    Provenance,
    ProvenanceMap,
)
from napari_unet.annotation.rules import (
    OBJECTS,
    Rules,
    finished_points,
    finished_region,
)
from napari_unet.annotation.steps import Steps
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import IdCounter, labels_in
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import (
    Points,
    chosen_points,
    ordered_points,
)

NOWHERE: Points = (np.empty(0, np.intp),)


class Workspace(Steps):
    """Everything that belongs to an annotation, for edits to change.

    `live` is the array that is shown, in which a person paints; it may be ahead of
    `pixels`. `open_objects` are those that the person has touched and not finished.
    `foreground` is where applied predictions see objects: no ring verifies background
    there. Where there are several frames, `time` is their axis. How changes are told
    and remembered is in `Steps`.
    """

    def __init__(
        self,
        labels: LabelMap,
        provenance: ProvenanceMap | None = None,
        *,
        rules: Rules = OBJECTS,
        next_id: int = 1,
    ) -> None:
        if provenance is None:
            provenance = np.zeros(labels.shape, np.uint8)
        # Without the subclass: its writes are reported as a person's.
        live = np.asarray(labels)
        self.labels, self.live = labels, live
        pixels = Pixels.of(live, provenance, self._record)
        self._begin(pixels, IdCounter(next_id, live), rules)

    def _begin(self, pixels: Pixels, ids: IdCounter, rules: Rules) -> None:
        """Begin with nothing done yet."""
        self.pixels = pixels
        self.ids = ids
        self.rules = rules
        self.foreground: Mask | None = None
        self.open_objects: frozenset[int] = frozenset()
        self.time: int | None = None
        self._begin_steps()

    def no_foreground(self) -> Mask:
        """Return a mask for `foreground`, in which nothing is seen."""
        return np.zeros(self.live.shape, bool)

    def in_view(self, box: Box) -> tuple[Box, Mask]:
        """Return which pixels a person means who means a box."""
        box = box.intersect(self.pixels.whole)
        if box.empty:
            return box, np.zeros(box.shape, bool)
        return self.rules.accepted(self.pixels.labels, box, self.pixels.objects)

    def acceptable(self, box: Box) -> tuple[Box, Mask]:
        """Return what is accepted when a box is."""
        return self.in_view(box)

    def plane_acceptable(self, plane: Box) -> Iterator[tuple[Box, Mask]]:
        """Yield what is accepted when a whole plane is, part by part."""
        yield self.acceptable(plane)

    def object_region(self, object_id: int, *, ring: bool = False) -> tuple[Box, Mask]:
        """Return an object, if there is one of that id, perhaps with its ring."""
        if object_id not in self.pixels.objects or not self.rules.objects:
            nothing = Box.whole((0,) * self.live.ndim)
            return nothing, np.zeros(nothing.shape, bool)
        if not ring:
            box = self.pixels.objects.box(object_id)
            return box, self.pixels.labels[box.slices] == object_id
        return finished_region(*self._unfinished(object_id))

    def finish(self, ids: frozenset[int]) -> None:
        """Accept open objects, each with its ring, in the planes that were touched."""
        of_planes = self.live.ndim > 2
        touched = self.history.touched(ids) if of_planes else {}
        for object_id in sorted(ids):
            unfinished = self._unfinished(object_id)
            planes = touched.get(object_id)
            if self.pixels.objects.fills_its_box(object_id):
                self.pixels.accept_mask(*finished_region(*unfinished, planes))
            else:
                self.pixels.accept(finished_points(*unfinished, planes))
        self.open_objects -= ids

    def _unfinished(self, object_id: int) -> tuple[LabelMap, Box, int, Mask | None]:
        box = self.pixels.objects.box(object_id)
        return self.pixels.labels, box, object_id, self.foreground

    def paint(
        self, points: Points, labels: LabelMap, confirmed: Points = NOWHERE
    ) -> Change | None:
        """Let pixels be corrected, as one step.

        They are in the order of the array; where their labels are as before, nothing is
        done. Open objects that are not touched are settled first; those that are, are
        open. `confirmed` are unverified pixels whose labels the person has said to be
        right.
        """
        before = self.pixels.labels[points]
        if not (changed := before != labels).all():
            points = chosen_points(points, changed)
            before, labels = before[changed], labels[changed]
        if not labels.size:
            return self.step("accept", partial(self.pixels.accept, confirmed))
        touched, open_before = self._touch(before, labels)
        self.live[points] = labels
        if len(confirmed[0]):
            both = tuple(map(np.append, points, confirmed))
            points = ordered_points(both, self.live.shape)
            labels = self.live[points]
        changed = labels != self.pixels.labels[points]
        provenance = np.where(changed, self.rules.painted(labels), Provenance.ACCEPTED)
        self.pixels.write(points, labels, provenance.astype(np.uint8))
        self._set_open(self.open_objects | touched)
        return self._tell_step("edit", open_before)

    def paint_region(self, box: Box, mask: Mask, labels: LabelMap) -> Change | None:
        """Do what `paint` does with many pixels of a box, all of which change.

        `labels` are those of the marked pixels. It costs what the box costs.
        """
        if not labels.size:
            return None
        touched, open_before = self._touch(self.pixels.labels[box.slices][mask], labels)
        self.pixels.write_mask(box, mask, labels, self.rules.painted(labels))
        self._set_open(self.open_objects | touched)
        return self._tell_step("edit", open_before)

    def _touch(
        self, before: LabelMap, after: LabelMap
    ) -> tuple[frozenset[int], frozenset[int]]:
        """Settle what a stroke does not touch; return what it does, and what is open.

        A stroke gives pixels other labels than those before.
        """
        touched: frozenset[int] = frozenset()
        if self.rules.objects:
            outsized = self.pixels.objects.outsized(before, after)
            touched = labels_in(before, after) - outsized
        self.finish(self.open_objects - touched)
        return touched, self.open_objects

    def accept(self, box: Box, mask: Mask) -> Change | None:
        """Accept those of some pixels that nobody stands behind, as one step."""
        return self.step("accept", partial(self.pixels.accept_mask, box, mask))

    def unverify(self, box: Box, mask: Mask) -> Change | None:
        """Let predictions change some pixels, as one step; no object there is open."""
        ids = labels_in(self.pixels.labels[box.slices][mask])
        write = partial(self.pixels.replace_verified, box, mask, self.rules.unverified)
        return self.step("unverify", write, ids)

    def replace(self, labels: LabelMap, provenance: ProvenanceMap) -> Change | None:
        """Put other labels in the place of all, as one step."""
        write = partial(self.pixels.replace_all, labels, provenance)
        return self.step("replace", write, self.open_objects)

    def take(self, predicted: LabelMap) -> Change | None:
        """Fit labels from elsewhere in as a prediction, but as one step; none is open.

        Raises an InputError if the shape differs, or no ids are left.
        """
        pixels = self.pixels
        labels, provenance = pixels.labels, pixels.provenance
        merged = self.rules.merge(labels, provenance, predicted, self.ids.next)
        now = np.where(merged.kept, provenance, np.uint8(Provenance.PREDICTED))
        if (now == provenance).all() and (merged.labels == labels).all():
            return None
        self.ids.take_below(merged.next_id)
        self.foreground = merged.foreground.copy()
        write = partial(pixels.replace_all, merged.labels, now)
        return self.step("take", write)

    def restore(self, earlier: AnnotationSnapshot) -> Change | None:
        """Put a snapshot in the place of all, as one step."""
        self.ids.skip_to(earlier.next_id)
        return self.replace(earlier.labels.astype(np.int32), earlier.provenance)


MANY = 16
"""Of one pixel in so many on, it is quicker to look at all of them: `paint_region`."""
