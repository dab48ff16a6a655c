"""Undoing and redoing a step: labels and provenance together, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from napari_unet.annotation.change import PixelChange
from napari_unet.annotation.history import Entry
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.points import chosen_points

Prepare: TypeAlias = Callable[[Entry, int], None]
"""Is called before a part of a step is replayed, with its number."""


def take_back(pixels: Pixels, entry: Entry, prepare: Prepare) -> None:
    """Undo the last step, and first what was settled after it.

    All that changed since is what predictions did. Where the step left pixels
    unverified, theirs goes: what the person had stood behind comes back as it was.
    """
    for part in reversed(entry.settled):
        _unsettle(pixels, part)
    for number, part in reversed(tuple(enumerate(entry.parts))):
        prepare(entry, number)
        pixels.put(part.region, part.before, part.was)


def bring_back(pixels: Pixels, entry: Entry, prepare: Prepare) -> None:
    """Redo a step.

    Between undo and redo a prediction may have changed pixels. What a person has not
    seen is not accepted.
    """
    for number, part in enumerate(entry.parts):
        prepare(entry, number)
        if entry.kind == "accept":
            settle_again(pixels, part)
        else:
            pixels.put(part.region, part.after, part.now)


def settle_again(pixels: Pixels, part: PixelChange) -> frozenset[int]:
    """Accept pixels whose labels are those that the person saw.

    Returns
    -------
    frozenset of int
        Objects that are not the same: they are open once more.
    """
    box, mask, seen = part.region.box, part.region.mask, part.labels_after
    same = pixels.labels[box.slices][mask] == seen
    mask[mask] = same
    pixels.accept_mask(box, mask)
    return frozenset(seen[~same].tolist()) - {0}


def _unsettle(pixels: Pixels, part: PixelChange) -> None:
    points = part.points
    still = pixels.provenance[points] == Provenance.ACCEPTED
    points = chosen_points(points, still)
    pixels.write(points, pixels.labels[points], part.provenance_before[still])
