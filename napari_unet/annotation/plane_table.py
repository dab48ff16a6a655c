"""Which planes of a stack, or frames of a series, a person is through with."""

from __future__ import annotations

import time

import numpy as np

from napari_unet.annotation.provenance import ProvenanceMap, is_verified
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap

_UNKNOWN, _OPEN, _FINISHED = -1, 0, 1


class PlaneTable:
    """Planes along all axes but the last two, counted from the first to the last.

    One is finished when something of it is verified, and nothing else is labelled. So
    an empty plane is, when a person has accepted that it is empty. A plane is looked at
    when somebody asks, and again after it has changed.
    """

    def __init__(self, labels: LabelMap, provenance: ProvenanceMap) -> None:
        self._labels, self._provenance = labels, provenance
        self._begin(labels.shape)

    def _begin(self, shape: tuple[int, ...]) -> None:
        """Begin with nothing known."""
        self._known = np.full(shape[:-2], _UNKNOWN, np.int8)

    def __len__(self) -> int:
        return self._known.size

    def note(self, box: Box) -> None:
        """Note that something in a box changes."""
        self._known[box.slices[:-2]] = _UNKNOWN

    def number(self, at: tuple[int, ...]) -> int:
        """Return which plane a pixel is in."""
        return int(np.ravel_multi_index(at[:-2], self._known.shape))

    def place(self, number: int) -> tuple[int, ...]:
        """Return where a plane lies along all axes but the last two."""
        return tuple(map(int, np.unravel_index(number, self._known.shape)))

    def finished(self, number: int) -> bool:
        """Return whether a person is through with a plane."""
        place = self.place(number)
        if self._known[place] == _UNKNOWN:
            self._known[place] = _FINISHED if self._is_through(place) else _OPEN
        return bool(self._known[place] == _FINISHED)

    def _is_through(self, place: tuple[int, ...]) -> bool:
        labels, verified = self._labels[place], is_verified(self._provenance[place])
        return bool(verified.any() and not (labels.astype(bool) & ~verified).any())

    def unfinished_after(self, number: int) -> int | None:
        """Return the next plane that is not finished, round the end if need be."""
        total = len(self)
        following = ((number + step) % total for step in range(1, total))
        return next((each for each in following if not self.finished(each)), None)

    def count_finished(self, seconds: float = np.inf) -> int | None:
        """Return how many are finished; None if that takes longer than so many seconds.

        What was looked at by then is known the next time.
        """
        end = time.perf_counter() + seconds
        for number in np.flatnonzero(self._known == _UNKNOWN).tolist():
            if time.perf_counter() > end:
                return None
            self.finished(number)
        return int(np.count_nonzero(self._known == _FINISHED))
