"""Where each object was, frame by frame, as viewers draw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap
from napari_unet.tracking.objects import objects_of
from napari_unet.tracking.tracks import parents_that_hold


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Lines that objects take.

    Parameters
    ----------
    points : ndarray, shape (n, 1 + axes)
        The id of an object, its frame, and where its centre is there, in pixels; by
        ids, and by frames.
    parents : dict
        The id from which another one came by a division.
    """

    points: npt.NDArray[np.float64]
    parents: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(np.unique(self.points[:, 0]))


def paths_of(labels: LabelMap, time: int, parents: Mapping[int, int]) -> Paths:
    """Return the paths of objects whose ids follow them.

    Parameters
    ----------
    labels : ndarray of int
        The axis `time` has the frames.
    parents : mapping
        Which id came from which; what cannot be is left out.
    """
    frames = np.moveaxis(labels, time, 0)
    parts = [np.zeros((0, 1 + labels.ndim))]
    present: dict[int, list[int]] = {}
    for number, frame in enumerate(frames):
        centres = objects_of(frame, (1.0,) * frame.ndim).centres
        ids = np.unique(frame[frame > 0])
        parts.append(np.column_stack([ids, np.full(len(ids), number), centres]))
        for each in ids.tolist():
            present.setdefault(each, []).append(number)
    points = np.concatenate(parts)
    order = np.lexsort((points[:, 1], points[:, 0]))
    return Paths(points[order], parents_that_hold(parents, present))
