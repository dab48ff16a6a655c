"""A change of some pixels, complete enough to be taken back."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.core.box import Box
from napari_unet.core.ids import compact
from napari_unet.core.points import Points, are_among, chosen_points, inside
from napari_unet.core.provenance import LabelMap, Mask, ProvenanceMap


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A change of n pixels.

    Parameters
    ----------
    box : Box
        Holds them all.
    points : tuple of ndarray
        Their coordinates by axis, each of shape (n,), in the order of the array.
    before, after : ndarray of int32, shape (n,)
        Their labels.
    provenance : ndarray of uint8, shape (n,)
        Their provenance before.
    """

    box: Box
    points: Points
    before: LabelMap
    after: LabelMap
    provenance: ProvenanceMap

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return (8 * len(self.points) + 9) * self.before.size

    @property
    def ids(self) -> frozenset[int]:
        """The objects that lost or gained pixels, or were accepted."""
        found = (compact(labels)[1].tolist() for labels in (self.before, self.after))
        return frozenset().union(*found) - {0}

    def has_all_of(self, other: Patch) -> bool:
        """Whether all pixels of the other patch are among the ones of this."""
        return self.box.contains(other.box) and are_among(
            other.points, self.points, self.box
        )

    def only(self, chosen: Mask) -> Patch:
        """Return the part of the patch at some of the pixels."""
        return Patch(
            self.box,
            chosen_points(self.points, chosen),
            self.before[chosen],
            self.after[chosen],
            self.provenance[chosen],
        )

    def without(self, box: Box, mask: Mask) -> Patch:
        """Return the patch less the marked pixels of a box."""
        common = inside(self.points, box)
        points = chosen_points(self.points, common)
        local = tuple(a - start for a, start in zip(points, box.start, strict=True))
        kept = ~common
        kept[common] = ~mask[local]
        return self.only(kept)
