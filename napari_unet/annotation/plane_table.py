"""How far the work on each plane of a stack, or frame of a series, is."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from napari_unet.annotation.provenance import Provenance, ProvenanceMap, is_verified
from napari_unet.annotation.stage import Stage
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap

_STAGES = tuple(Stage)
_DONE = _STAGES.index(Stage.DONE)
_BAND = 128
"""Rows that are looked at in one go, as one of them may say enough."""


class PlaneTable:
    """Planes along all axes but the last two, counted from the first to the last.

    One is done when something of it is verified, and nothing else is labelled. So an
    empty plane is, when a person has accepted that it is empty. A plane is looked at
    when somebody asks, and again after it has changed.
    """

    def __init__(self, labels: LabelMap, provenance: ProvenanceMap) -> None:
        self._labels, self._provenance = labels, provenance
        self._begin(labels.shape)

    def _begin(self, shape: tuple[int, ...]) -> None:
        """Begin with nothing known."""
        self._known = np.zeros(shape[:-2], np.int8)
        self._changed = np.ones(shape[:-2], bool)
        self._told: tuple[Stage, ...] = ()

    def __len__(self) -> int:
        return self._known.size

    def note(self, box: Box) -> None:
        """Note that something in a box changes."""
        self._changed[box.slices[:-2]] = True

    def number(self, at: tuple[int, ...]) -> int:
        """Return which plane a pixel is in."""
        return int(np.ravel_multi_index(at[:-2], self._known.shape))

    def place(self, number: int) -> tuple[int, ...]:
        """Return where a plane lies along all axes but the last two."""
        return tuple(map(int, np.unravel_index(number, self._known.shape)))

    def stage(self, number: int) -> Stage:
        """Return how far the work on a plane is."""
        place = self.place(number)
        if self._changed[place]:
            self._known[place] = _STAGES.index(self._look_at(place))
            self._changed[place], self._told = False, ()
        return _STAGES[int(self._known[place])]

    def finished(self, number: int) -> bool:
        """Return whether a person is through with a plane."""
        return self.stage(number) is Stage.DONE

    def _look_at(self, place: tuple[int, ...]) -> Stage:
        return _stage_of(self._labels[place], self._provenance[place])

    def unfinished_after(self, number: int) -> int | None:
        """Return the next plane that is not finished, round the end if need be."""
        total = len(self)
        return self._unfinished((number + step) % total for step in range(1, total))

    def unfinished_before(self, number: int) -> int | None:
        """Return the nearest plane before one that is not finished."""
        return self._unfinished(range(number - 1, -1, -1))

    def look(self, seconds: float = np.inf) -> bool:
        """Look at planes for so many seconds; return whether all are known then."""
        end = time.perf_counter() + seconds
        for number in np.flatnonzero(self._changed).tolist():
            if time.perf_counter() > end:
                return False
            self.stage(number)
        return True

    def stages(self) -> tuple[Stage, ...]:
        """Return how far each plane was when it was looked at last.

        It costs nothing as long as nobody looks.
        """
        if not self._told:
            self._told = tuple(_STAGES[n] for n in self._known.ravel().tolist())
        return self._told

    def count_finished(self, seconds: float = np.inf) -> int | None:
        """Return how many are finished; None if that takes longer than so many seconds.

        What was looked at by then is known the next time.
        """
        if not self.look(seconds):
            return None
        return int(np.count_nonzero(self._known == _DONE))

    def _unfinished(self, numbers: Iterable[int]) -> int | None:
        return next((each for each in numbers if not self.finished(each)), None)


def _stage_of(labels: LabelMap, provenance: ProvenanceMap) -> Stage:
    """Return how far a plane is; labels are looked at only where that is not plain.

    The least and the largest of many bytes are found quickly.
    """
    most = provenance.max()
    if most < Provenance.ACCEPTED:
        return Stage.PREDICTED if most else Stage.UNSEEN
    if provenance.min() >= Provenance.ACCEPTED:
        return Stage.DONE
    for row in range(0, len(labels), _BAND):
        band = slice(row, row + _BAND)
        unverified = ~is_verified(provenance[band])
        if labels[band].astype(bool)[unverified].any():
            return Stage.BEGUN
    return Stage.DONE
