"""Undoing and redoing a stroke: labels and provenance together, pixel by pixel."""

from __future__ import annotations

from dataclasses import replace

from napari_unet.core.history import Entry
from napari_unet.core.patch import Patch
from napari_unet.core.pixels import Pixels
from napari_unet.core.provenance import Provenance, ProvenanceMap


def take_back(pixels: Pixels, entry: Entry) -> None:
    """Undo a stroke, and first what was settled after it."""
    for patch in reversed(entry.settled):
        _unsettle(pixels, patch)
    stroke = entry.stroke
    pixels.write(stroke.points, stroke.before, stroke.provenance)


def bring_back(pixels: Pixels, entry: Entry, provenance: ProvenanceMap) -> Entry:
    """Redo a stroke, and what was settled after it; return what undoes that again.

    The pixels of the stroke get this provenance, shape (n,).

    Between undo and redo a prediction may have changed pixels. What a person has not
    seen is not settled: where labels differ, the object is open once more.
    """
    stroke = entry.stroke
    now = pixels.patch(stroke.points, stroke.after)
    pixels.write(stroke.points, stroke.after, provenance)
    again = [_settle_again(pixels, patch) for patch in entry.settled]
    return replace(
        entry.brought_back(now, tuple(patch for patch, _ in again if patch)),
        open_after=entry.open_after.union(*(left for _, left in again)),
    )


def _unsettle(pixels: Pixels, patch: Patch) -> None:
    still = pixels.provenance[patch.points] == Provenance.ACCEPTED
    patch = patch.only(still)
    pixels.write(patch.points, pixels.labels[patch.points], patch.provenance)


def _settle_again(pixels: Pixels, patch: Patch) -> tuple[Patch | None, frozenset[int]]:
    """Return what could be settled, and the objects for which that was not all."""
    same = pixels.labels[patch.points] == patch.after
    left = frozenset(patch.after[~same].tolist()) - {0}
    return pixels.accept(patch.only(same).points), left
