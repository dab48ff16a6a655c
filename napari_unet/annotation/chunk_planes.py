"""How far the work on each plane of a stack larger than memory is.

As `PlaneTable` says, chunk by chunk: of chunks that were saved it is known what they
hold, and a chunk is looked at again after it has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from napari_unet.annotation.chunked import Chunk, ChunkedArray, Index
from napari_unet.annotation.plane_table import PlaneTable
from napari_unet.annotation.provenance import is_verified
from napari_unet.annotation.stage import Stage
from napari_unet.geometry.box import Box


@dataclass(frozen=True, slots=True)
class ChunkFacts:
    """What saved chunks hold.

    Parameters
    ----------
    verified : frozenset of tuple
        The chunks in which something is verified.
    unfinished : frozenset of tuple
        Those in which something is labelled and not verified.
    """

    verified: frozenset[Index] = frozenset()
    unfinished: frozenset[Index] = frozenset()


NO_FACTS = ChunkFacts()


class ChunkedPlanes(PlaneTable):
    """The planes of labels in chunks."""

    def __init__(
        self, labels: ChunkedArray, provenance: ChunkedArray, facts: ChunkFacts
    ) -> None:
        self._chunks, self._standing = labels, provenance
        known = facts.verified | facts.unfinished
        # Of each chunk, whether something is verified, and whether something is left.
        self._states = {i: (i in facts.verified, i in facts.unfinished) for i in known}
        self._begin(labels.shape)

    def note(self, box: Box) -> None:
        """Note that something in a box changes."""
        super().note(box)
        for index in self._chunks.chunks_of(box):
            self._states.pop(index, None)

    def _look_at(self, place: tuple[int, ...]) -> Stage:
        across = (
            range(-(-n // side))
            for n, side in zip(
                self._chunks.shape[-2:], self._chunks.chunk[-2:], strict=True
            )
        )
        states = [self._state((*place, *at)) for at in product(*across)]
        verified, left = (any(each) for each in zip(*states, strict=True))
        if verified:
            return Stage.BEGUN if left else Stage.DONE
        return Stage.PREDICTED if left else Stage.UNSEEN

    def _state(self, index: Index) -> tuple[bool, bool]:
        if index not in self._states:
            labels, standing = self._chunks.find(index), self._standing.find(index)
            if labels is None or standing is None:
                return False, False
            self._states[index] = _state_of(labels, standing)
        return self._states[index]


def _state_of(labels: Chunk, standing: Chunk) -> tuple[bool, bool]:
    verified = is_verified(standing)
    left = np.any(labels.astype(bool) & ~verified)
    return bool(verified.any()), bool(left)
