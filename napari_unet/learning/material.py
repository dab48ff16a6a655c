"""What a training learns from, and what it is measured on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, Preparing
from napari_unet.core.jobs import told_as
from napari_unet.learning.fit_config import FitConfig
from napari_unet.learning.holdout import Holdout, iter_hold_out
from napari_unet.learning.planes import (
    AnnotatedPlane,
    check_learnable,
    iter_annotated_planes,
)
from napari_unet.learning.sampling import Plane, assemble_plane
from napari_unet.learning.validation import Window, Windows
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

_GAP = 8


_NOTHING_HELD_OUT = Notice(
    "Fewer than six verified objects: none is held out, so scores come from the "
    "objects that train. Correct a few more to get honest ones."
)


@dataclass(frozen=True, slots=True)
class Material:
    """What a training learns from and is measured on.

    Parameters
    ----------
    planes : list of Plane
        Planes to learn from.
    chances : ndarray of float
        Chance of each to give the next crop.
    windows : list of Window
        Where the network is compared with verified pixels.
    held_out : bool
        False where the windows show pixels that also train.
    """

    planes: list[Plane]
    chances: npt.NDArray[np.float64]
    windows: list[Window]
    held_out: bool


def iter_prepare(
    model: Model,
    objective: Objective,
    samples: Sequence[Sample],
    config: FitConfig,
    replay: Sequence[Sample],
) -> Generator[Preparing, None, tuple[Material, list[Notice]]]:
    """Turn samples into planes, hold some of what is verified out, and say if not.

    Yields
    ------
    Preparing
        Several times a second.

    Raises
    ------
    InputError
        If there is nothing to learn from, or images and labels do not fit.
    """
    nothing_yet = Preparing(0, len(samples) + len(replay))
    annotated = yield from told_as(nothing_yet, _iter_annotated(samples, model))
    check_learnable(annotated, objective)
    yield nothing_yet
    split = yield from told_as(nothing_yet, _iter_split(annotated, objective, config))
    old = yield from told_as(nothing_yet, _iter_annotated(replay, model))
    windows = Windows(model.net.stride)
    parts = [*(split or _undivided(annotated)), *_only_training(old)]
    ready: list[list[Plane]] = []
    for plane, part in zip([*annotated, *old], parts, strict=True):
        steps = _iter_plane(plane, part, objective, windows)
        ready.append((yield from told_as(Preparing(len(ready), len(parts)), steps)))
    planes, old_planes = (
        list(chain.from_iterable(some))
        for some in (ready[: len(annotated)], ready[len(annotated) :])
    )
    material = Material(
        planes + old_planes,
        _chances(planes, old_planes, config.replay),
        windows.fullest,
        split is not None,
    )
    return material, [*_told_of(annotated), *([] if split else [_NOTHING_HELD_OUT])]


def _told_of(planes: Sequence[AnnotatedPlane]) -> list[Notice]:
    """Return what was left out of images, each once."""
    return [Notice(note) for note in sorted({p.note for p in planes if p.note})]


def _iter_annotated(
    samples: Sequence[Sample], model: Model
) -> Generator[None, None, list[AnnotatedPlane]]:
    planes = []
    for sample in samples:
        planes += yield from iter_annotated_planes(sample, model)
    return planes


def _iter_split(
    annotated: Sequence[AnnotatedPlane], objective: Objective, config: FitConfig
) -> Generator[None, None, list[Holdout] | None]:
    pieces = []
    for plane in annotated:
        pieces.append(objective.pieces(plane.values, plane.verified))
        yield
    verified = [plane.verified for plane in annotated]
    rng = np.random.default_rng(config.seed)
    return (yield from iter_hold_out(pieces, verified, gap=_GAP, rng=rng))


def _undivided(annotated: Sequence[AnnotatedPlane]) -> list[Holdout]:
    """Let all that is verified train and measure: there is too little of it."""
    return [Holdout(plane.verified, plane.verified) for plane in annotated]


def _only_training(annotated: Sequence[AnnotatedPlane]) -> list[Holdout]:
    """Let replay train alone: the person's own images measure."""
    return [Holdout(p.verified, np.zeros_like(p.verified)) for p in annotated]


def _iter_plane(
    plane: AnnotatedPlane, part: Holdout, objective: Objective, windows: Windows
) -> Generator[None, None, list[Plane]]:
    """Prepare a plane to learn from, if anything in it trains, and add its windows."""
    masks = [part.train, plane.verified]
    targets, of_all = yield from objective.iter_targets(plane.values, masks)
    yield from windows.iter_add(plane, part.held, of_all)
    if not part.train.any():
        return []
    strata = objective.strata(plane.values, part.train)
    yield
    return [assemble_plane(plane.image, targets, strata)]


def _chances(
    planes: Sequence[Plane], replay: Sequence[Plane], share: float
) -> npt.NDArray[np.float64]:
    """Draw planes by the square root of their verified area, replay by its share."""
    weights = np.sqrt([float(p.known.sum()) for p in planes])
    chances = weights / weights.sum()
    if not replay:
        return np.asarray(chances)
    old = np.full(len(replay), share / len(replay))
    return np.concatenate([chances * (1 - share), old])
