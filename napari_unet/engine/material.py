"""What a training learns from, and what it is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice
from napari_unet.core.holdout import hold_out
from napari_unet.core.sample import Sample
from napari_unet.engine.fit_config import FitConfig
from napari_unet.engine.model import Model
from napari_unet.engine.objectives import Objective
from napari_unet.engine.planes import (
    AnnotatedPlane,
    annotated_planes,
    check_learnable,
)
from napari_unet.engine.sampling import Plane, make_plane
from napari_unet.engine.validation import Window, make_windows


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


def prepare(
    model: Model,
    objective: Objective,
    samples: Sequence[Sample],
    config: FitConfig,
    replay: Sequence[Sample],
) -> tuple[Material, Notice | None]:
    """Turn samples into planes, hold some of what is verified out, and say if not.

    Raises
    ------
    InputError
        If there is nothing to learn from, or images and labels do not fit.
    """
    annotated = [p for sample in samples for p in annotated_planes(sample, model)]
    check_learnable(annotated, objective)
    split = hold_out(
        [objective.pieces(p.values, p.verified) for p in annotated],
        [p.verified for p in annotated],
        gap=8,
        rng=np.random.default_rng(config.seed),
    )
    train = [h.train for h in split] if split else [p.verified for p in annotated]
    held = [h.held for h in split] if split else train
    planes = _planes(annotated, train, objective)
    old = [p for sample in replay for p in annotated_planes(sample, model)]
    old_planes = _planes(old, [p.verified for p in old], objective)
    material = Material(
        planes + old_planes,
        _chances(planes, old_planes, config.replay),
        make_windows(annotated, held, objective, model.net),
        split is not None,
    )
    return material, None if split else Notice(
        "Fewer than six verified objects: none is held out, so scores come from the "
        "objects that train. Correct a few more to get honest ones."
    )


def _planes(
    annotated: Sequence[AnnotatedPlane],
    masks: Sequence[npt.NDArray[np.bool_]],
    objective: Objective,
) -> list[Plane]:
    return [
        make_plane(p.image, p.values, mask, objective=objective)
        for p, mask in zip(annotated, masks, strict=True)
        if mask.any()
    ]


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
