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
from napari_unet.engine.sampling import (
    AnnotatedPlane,
    Plane,
    annotated_planes,
    make_plane,
)
from napari_unet.engine.validation import Window, make_windows
from napari_unet.errors import InputError


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
    model: Model, samples: Sequence[Sample], config: FitConfig, replay: Sequence[Sample]
) -> tuple[Material, Notice | None]:
    """Turn samples into planes, hold some of what is verified out, and say if not.

    Raises
    ------
    InputError
        If there is nothing to learn from, or images and labels do not fit.
    """
    annotated = [p for sample in samples for p in annotated_planes(sample, model)]
    _check_learnable(annotated)
    split = hold_out(
        [p.labels for p in annotated],
        [p.verified for p in annotated],
        gap=8,
        rng=np.random.default_rng(config.seed),
    )
    train = [h.train for h in split] if split else [p.verified for p in annotated]
    held = [h.held for h in split] if split else train
    planes = _planes(annotated, train)
    old = [p for sample in replay for p in annotated_planes(sample, model)]
    old_planes = _planes(old, [p.verified for p in old])
    material = Material(
        planes + old_planes,
        _chances(planes, old_planes, config.replay),
        make_windows(annotated, held, model.net.stride),
        split is not None,
    )
    return material, None if split else Notice(
        "Fewer than six verified objects: none is held out, so scores come from the "
        "objects that train. Correct a few more to get honest ones."
    )


def _check_learnable(planes: Sequence[AnnotatedPlane]) -> None:
    if not planes:
        raise InputError(
            "Nothing is verified yet, so there is nothing to learn from; paint or "
            "accept some objects first."
        )
    if not any(np.any(p.verified & (p.labels > 0)) for p in planes):
        raise InputError(
            "Only background is verified; paint or accept some objects too, so that "
            "the model can tell them apart."
        )
    if not any(np.any(p.verified & (p.labels <= 0)) for p in planes):
        raise InputError(
            "Only objects are verified, no background; accept a view that shows some "
            "background too, or erase a wrong pixel beside an object."
        )


def _planes(
    annotated: Sequence[AnnotatedPlane], masks: Sequence[npt.NDArray[np.bool_]]
) -> list[Plane]:
    return [
        make_plane(p.image, p.labels, mask)
        for p, mask in zip(annotated, masks, strict=True)
        if mask.any()
    ]


def _chances(
    planes: Sequence[Plane], replay: Sequence[Plane], share: float
) -> npt.NDArray[np.float64]:
    """Draw planes by the square root of their verified area, replay by its share."""
    weights = np.sqrt([float(p.stack[-1].sum()) for p in planes])
    chances = weights / weights.sum()
    if not replay:
        return np.asarray(chances)
    old = np.full(len(replay), share / len(replay))
    return np.concatenate([chances * (1 - share), old])
