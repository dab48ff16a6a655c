"""Gaps are closed and divisions found, by laptrack.

What was assigned from frame to frame are segments. Which of them is the same object a
few frames later, and which came from the middle of another, is decided for all of them
together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.tracking.config import TrackConfig
from napari_unet.tracking.costs import Pairs, division_cost, likely_pairs
from napari_unet.tracking.objects import FrameObjects

Node: TypeAlias = tuple[int, int]
"""A frame, and the number of an object in it, both from 0."""

Links: TypeAlias = dict[Node, Node]
"""The same object in a frame and in the next."""

_Costs: TypeAlias = dict[tuple[Node, Node], float]

_UNLIKELY = 1.0
"""What costs more is not the same object after a gap."""

_NO_DIVISION = 0.5
"""What costs more is no division."""

_ALONE = 1.05
"""What it costs that a segment begins, ends, or does not divide: more than any pair."""


def iter_join_segments(
    objects: Sequence[FrameObjects],
    pairs: Sequence[Pairs],
    links: Links,
    config: TrackConfig,
) -> Generator[None, None, list[tuple[Node, Node]]]:
    """Return the links, and those over gaps and from mothers to daughters.

    Parameters
    ----------
    objects : sequence of FrameObjects
        Those of all frames.
    pairs : sequence of Pairs
        Of each frame and the next, what might be one object.
    links : dict
        Which of them are.
    config : TrackConfig
        What is taken for one object.
    """
    gaps = yield from _iter_gaps(objects, links, config)
    divisions = _divisions(objects, pairs, links) if config.divisions else {}
    if not gaps and not divisions:
        return list(links.items())
    # An extra.
    from laptrack import LapTrack

    tracker = LapTrack(
        cutoff=0.0,  # from frame to frame all is decided
        gap_closing_metric=_metric(gaps),
        gap_closing_cutoff=_UNLIKELY if gaps else False,
        gap_closing_max_frame_count=config.missing + 1,
        splitting_metric=_metric(divisions),
        splitting_cutoff=_NO_DIVISION if divisions else False,
        segment_start_cost=_ALONE,
        segment_end_cost=_ALONE,
        no_splitting_cost=_ALONE,
    )
    nodes = [_nodes(frame, len(each)) for frame, each in enumerate(objects)]
    graph = tracker.predict(nodes, connected_edges=list(links.items()))
    return sorted((_node(first), _node(second)) for first, second in graph.edges)


def _iter_gaps(
    objects: Sequence[FrameObjects], links: Links, config: TrackConfig
) -> Generator[None, None, _Costs]:
    """Return what it costs that an object went on after some frames without it."""
    linked = set(links.values())
    costs: _Costs = {}
    for frame, here in enumerate(objects):
        for later in range(frame + 2, min(frame + config.missing + 2, len(objects))):
            yield
            reach = config.farthest * (later - frame)
            found = likely_pairs(here, objects[later], reach)
            for first, second, cost in found:
                pair = (frame, first), (later, second)
                if pair[0] not in links and pair[1] not in linked:
                    costs[pair] = cost
    return costs


def _divisions(
    objects: Sequence[FrameObjects], pairs: Sequence[Pairs], links: Links
) -> _Costs:
    """Return what it costs that an object that began is another one's daughter."""
    linked = set(links.values())
    costs: _Costs = {}
    for frame, found in enumerate(pairs):
        for mother, daughter, _ in found:
            pair = (frame, mother), (frame + 1, daughter)
            if pair[0] in links and pair[1] not in linked:
                family = mother, links[pair[0]][1], daughter
                cost = division_cost(objects[frame], objects[frame + 1], family)
                costs[pair[1], pair[0]] = cost
    return costs


def _metric(
    costs: Mapping[tuple[Node, Node], float],
) -> Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], float]:
    """Return what laptrack asks for costs, with what it takes for places."""

    def cost(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
        return costs.get((_node(first), _node(second)), np.inf)

    return cost


def _nodes(frame: int, count: int) -> npt.NDArray[np.float64]:
    return np.stack([np.full(count, frame), np.arange(count)], axis=1).astype(float)


def _node(place: Sequence[Any] | npt.NDArray[Any]) -> Node:
    return int(place[0]), int(place[1])
