"""From labels of frames to ids that follow objects, and their tracks."""

from __future__ import annotations

from collections.abc import (
    Collection,
    Generator,
    Iterable,
    Mapping,
    Sequence,
    Set,
)
from importlib.util import find_spec
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import as_labels
from napari_unet.core.events import FramesDone, Notice
from napari_unet.core.jobs import drain_logged, told_as
from napari_unet.errors import InputError, how_to_install
from napari_unet.geometry.axes import from_canonical, resolve_axes, to_canonical
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.dimensions import stated_axes
from napari_unet.tracking.assignment import assign
from napari_unet.tracking.axes import in_time
from napari_unet.tracking.config import TrackConfig
from napari_unet.tracking.costs import Pairs, likely_pairs
from napari_unet.tracking.cutting import cut_merged
from napari_unet.tracking.objects import FrameObjects, objects_of
from napari_unet.tracking.segments import Links, Node, iter_join_segments
from napari_unet.tracking.tracks import Track

_DEFAULT = TrackConfig()

_NAMED = 5
"""So many frames are named in which something was done."""

_NO_SPACING = (
    "Nobody states how far sections are apart, so they are taken to be as far from "
    "each other as pixels are wide."
)


def track(
    labels: npt.NDArray[Any],
    axes: str | None = None,
    config: TrackConfig = _DEFAULT,
    *,
    pixel_size: Mapping[str, float] | None = None,
) -> tuple[LabelMap, tuple[Track, ...]]:
    """Give each object of a time-lapse one id in all frames.

    Outlines stay as they are, but where several objects were taken for one: what is
    several in the frame before and in one after it is cut (`TrackConfig.cuts`).

    Parameters
    ----------
    labels : ndarray of int
        Objects of each frame, as `napari_unet.predict` finds them; which ids they have
        there makes no difference.
    axes : str, optional
        One letter of "TZYX" per axis; from the names of an array's dimensions where it
        is missing, or else the first of three axes is time, and the first two of four
        are time and depth.
    config : TrackConfig
        How far objects go, how long they may be missing, and whether they divide.
    pixel_size : mapping of str to float, optional
        Micrometres per pixel along "Z", "Y" and "X", if they are not all the same;
        where one is missing, or 0, all are taken to be the same, and that is told.

    Returns
    -------
    labels : ndarray of int32
        With ids 1, 2, ... in the order in which objects begin. Where one divides, its
        id ends and both daughters have new ones.
    tracks : tuple of Track
        From when to when each id is there, and from which it came.

    Raises
    ------
    InputError
        If there is no time in them, they are no labels, or laptrack is missing.
    """
    named = resolve_axes(
        np.shape(labels), np.int32, person=axes, layer=stated_axes(labels)
    )
    letters = in_time(named).letters
    whole = as_labels(labels, axes=letters, mask=False).array
    return drain_logged(iter_track(whole, letters, config, pixel_size=pixel_size))


def iter_track(
    labels: LabelMap,
    axes: str,
    config: TrackConfig = _DEFAULT,
    *,
    pixel_size: Mapping[str, float] | None = None,
    whole: Sequence[Set[int]] = (),
) -> Generator[FramesDone | Notice, None, tuple[LabelMap, tuple[Track, ...]]]:
    """Do what `track` does, frame by frame; closing it cancels.

    Axes have T in them, and labels are whole numbers that are not negative. `whole` are
    the ids of each frame that are not cut.
    """
    refuse_missing()
    size = pixel_size or {}
    frames = to_canonical(labels, axes)[:, 0]
    flat = frames.shape[1] == 1
    lie = "YX" if flat else "ZYX"
    known = all(size.get(axis, 0.0) > 0 for axis in lie)
    # A number for some of the axes alone would stretch the others.
    spacing = [size[axis] if known else 1.0 for axis in lie]
    if not (flat or known):
        yield Notice(_NO_SPACING)
    total = len(frames)
    series = _Series(config, spacing)
    for number, frame in enumerate(frames):
        kept = whole[number] if whole else frozenset()
        series.add(frame[0] if flat else frame, kept)
        yield FramesDone(number + 1, total)
    series.end()
    if note := series.cuts_in_words():
        yield Notice(note)
    objects, pairs, links = series.objects, series.pairs, series.links
    if note := _gaps_in_words([len(each) > 0 for each in objects], config):
        yield Notice(note)
    steps = iter_join_segments(objects, pairs, links, config)
    edges = yield from told_as(FramesDone(total, total), steps)
    tracks, ids = _number(objects, edges)
    result = np.empty(frames.shape, np.int32)
    for place, there, own in zip(result, objects, ids, strict=True):
        place[...] = np.append(0, own)[there.dense]
        yield FramesDone(total, total)
    return from_canonical(result, axes), tracks


class _Series:
    """Frames that come one after the other, and what is one object in two of them.

    An object is cut by what is known of it later, so frames wait for as many as it may
    be one with another.
    """

    def __init__(self, config: TrackConfig, spacing: Sequence[float]) -> None:
        self.objects: list[FrameObjects] = []
        self.pairs: list[Pairs] = []
        self.links: Links = {}
        self._whole: list[Collection[int]] = []
        self._cut: list[int] = []
        self._config = config
        self._spacing = spacing
        self._ahead = config.missing if config.cuts else 0

    def add(self, frame: LabelMap, whole: Set[int]) -> None:
        """Take a frame; `whole` are the ids that are not cut."""
        self.objects.append(objects_of(frame, self._spacing))
        known = np.unique(frame[frame > 0]) if whole else np.zeros(0)
        self._whole.append((1 + np.flatnonzero(np.isin(known, [*whole]))).tolist())
        ready = len(self.objects) - 1 - self._ahead
        if ready > 0:
            self._link(ready)

    def end(self) -> None:
        """Take note that there are no more."""
        for number in range(len(self.pairs) + 1, len(self.objects)):
            self._link(number)

    def _link(self, number: int) -> None:
        """Find out which objects of a frame are those of the frame before."""
        before, here = self.objects[number - 1 : number + 1]
        after = self.objects[number + 1 : number + 1 + self._ahead]
        whole = self._whole[number]
        cut = cut_merged(before, here, after, self._spacing, whole=whole)
        if cut is not here:
            self.objects[number] = here = cut
            self._cut.append(number)
        self.pairs.append(likely_pairs(before, here, self._config.farthest))
        for first, second in assign(self.pairs[-1], (len(before), len(here))):
            self.links[number - 1, first] = number, second

    def cuts_in_words(self) -> str:
        """Say in which frames objects were cut."""
        if not self._cut:
            return ""
        count = len(self._cut)
        first = ", ".join(map(str, self._cut[:_NAMED]))
        more = f" and {count - _NAMED} more" if count > _NAMED else ""
        return (
            f"Objects were cut that are several before and afterwards, in frame "
            f"{first}{more} (from 0)."
        )


def why_missing() -> str:
    """Return what to type if laptrack is not installed, or nothing."""
    if find_spec("laptrack") is not None:
        return ""
    return (
        "Objects are followed through time by the package laptrack, which is not "
        f"installed; {how_to_install('tracking')}."
    )


def refuse_missing() -> None:
    """Raise an InputError, with what to type, if laptrack is not installed."""
    if reason := why_missing():
        raise InputError(reason)


def _number(
    objects: Sequence[FrameObjects], edges: Iterable[tuple[Node, Node]]
) -> tuple[tuple[Track, ...], list[npt.NDArray[np.int32]]]:
    """Return tracks, and for each frame the ids of its objects."""
    came_from = {second: first for first, second in edges}
    daughters: dict[Node, int] = {}
    for first in came_from.values():
        daughters[first] = daughters.get(first, 0) + 1
    ids = [np.zeros(len(each), np.int32) for each in objects]
    spans: list[list[int]] = []
    for frame, own in enumerate(ids):
        for number in range(len(own)):
            before = came_from.get((frame, number))
            former = 0 if before is None else int(ids[before[0]][before[1]])
            if before is None or daughters[before] > 1:
                spans.append([frame, frame, former])
                former = len(spans)
            own[number] = former
            spans[former - 1][1] = frame
    return tuple(Track(i, *span) for i, span in enumerate(spans, start=1)), ids


def _gaps_in_words(filled: Sequence[bool], config: TrackConfig) -> str:
    """Say which frames without objects are too many to go on after them."""
    runs = [(full, len(list(run))) for full, run in groupby(filled)]
    ends = np.cumsum([length for _, length in runs]).tolist()
    inner = list(zip(runs, ends, strict=True))[1:-1]
    long = [
        f"{end - length} to {end - 1}" if length > 1 else f"{end - 1}"
        for (full, length), end in inner
        if not full and length > config.missing
    ]
    if not long:
        return ""
    return (
        f"There are no objects in frame {', '.join(long)} (from 0), so all ids begin "
        f"anew after it: an object may be missing in {config.missing} in a row. Allow "
        "more if the same objects come back."
    )
