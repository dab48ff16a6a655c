"""The figures a training is judged by: of all pictures, of groups, of data sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from napari_unet.scores.metrics import PooledScores, Scores, pool
from training.splits import Split

SHOWN = ("0.50", "0.75", "0.90")
"""Intersections over union at which the average precision is told."""

MSA = "mSA"
"""Name of its mean over all thresholds, see `napari_unet.scores.metrics.Scores.msa`."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Average precision at some IoUs, and mSA, over a set of pictures.

    Parameters
    ----------
    pooled, mean, worst : dict of float
        Over all objects, as mean of the pictures, and pooled in the group that is
        worst at 0.50 (of those with three pictures or more).
    by_group : dict of dict of float
        Pooled at IoU 0.50, and mSA, of groups with three pictures or more.
    by_set : dict of dict of dict of float
        "pooled" and "mean" of every data set by its name; empty where there is one.
    """

    pooled: dict[str, float]
    mean: dict[str, float]
    worst: dict[str, float]
    by_group: dict[int, dict[str, float]]
    by_set: dict[str, dict[str, dict[str, float]]]


def figures(scores: Sequence[tuple[str, Scores]], split: Split) -> Figures:
    """Return the figures of pictures, each by its stem; one may come twice."""
    groups: dict[int, list[Scores]] = defaultdict(list)
    for stem, score in scores:
        groups[split.group_of(stem)].append(score)
    pools = {n: of_all(pool(each)) for n, each in groups.items() if len(each) > 2}
    whole = pool([score for _, score in scores])
    nothing = dict.fromkeys((*SHOWN, MSA), 0.0)
    return Figures(
        of_all(whole),
        of_images(whole),
        min(pools.values(), key=lambda p: p["0.50"], default=nothing),
        {n: {key: p[key] for key in ("0.50", MSA)} for n, p in sorted(pools.items())},
        by_set(scores, split),
    )


def by_set(
    scores: Sequence[tuple[str, Scores]], split: Split
) -> dict[str, dict[str, dict[str, float]]]:
    """Return pooled and mean figures of every data set, if there are several."""
    sets: dict[str, list[Scores]] = defaultdict(list)
    for stem, score in scores:
        sets[split.set_of(stem)].append(score)
    if len(set(split.sets)) < 2:
        return {}
    pools = {name: pool(each) for name, each in sorted(sets.items())}
    return {
        name: {"pooled": of_all(each), "mean": of_images(each)}
        for name, each in pools.items()
    }


def card_of(scores: PooledScores) -> dict[str, float]:
    """Return scores by the names that the card of a model has them by."""
    both = {"pooled": of_all(scores), "image mean": of_images(scores)}
    return {
        f"{key if key == MSA else f'AP{key[2:]}'} {kind}": value
        for kind, found in both.items()
        for key, value in found.items()
    }


def of_all(scores: PooledScores) -> dict[str, float]:
    """Return what is pooled over images."""
    return _rounded(scores.pooled.ap, scores.pooled.msa)


def of_images(scores: PooledScores) -> dict[str, float]:
    """Return the mean of images."""
    return _rounded(scores.ap_mean, scores.msa_mean)


def _rounded(ap: dict[str, float], msa: float) -> dict[str, float]:
    shown = {key: ap[key] for key in SHOWN} | {MSA: msa}
    return {key: round(float(value), 4) for key, value in shown.items()}
