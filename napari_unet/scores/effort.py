"""What correcting costs a person, whether it becomes less, and when to stop.

How many corrections a view needs is a count that varies: views differ, and so does a
person's patience. So rates are told with an interval: counts are taken for Poisson
ones, whose rate is unknown before anything is seen, and the interval is wider where
views differ more than such counts do. Nothing is said that the views do not show:

* fewer than three views say nothing, and empty ones least of all;
* what more work would gain is told only when the model has changed in between, and
  the interval of the trend leaves no doubt that it gains, or that little is left.

Who goes where a model contradicts itself most meets the hard views first. Later ones
are easier by that alone, so the trend is an upper limit of what was learned; the advice
to stop errs on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, stdtrit

FEWEST_VIEWS = 3
"""Fewer finished views say nothing."""

LAST_VIEWS = 5
"""So many of the last views tell how it is now."""

MORE_SECONDS = 600.0
"""What is told of more work is told of so much."""

# Of an interval of 90 %: what lies outside on each side, and where, in deviations.
_TAIL, _NORMAL = 0.05, 1.645
# What is known of how much views differ before any is seen: twice as much as Poisson
# counts, which is worth as much as three views.
_USUAL_SPREAD, _USUAL_VIEWS = 2.0, 3
_FEWEST_OBJECTS = 20
_FEWEST_FOR_TREND = 6
_LITTLE = 0.01


@dataclass(frozen=True, slots=True)
class FinishedView:
    """A view that a person accepted, and what it took.

    Parameters
    ----------
    seconds : float
        What a person spent on it.
    corrections : int
        Objects that were corrected before it was accepted; strokes, where there are no
        objects.
    objects : int or None
        Objects that are in it now; None where there are none to count.
    model : str
        Which model had predicted it; models follow each other as they do here.
    """

    seconds: float
    corrections: int
    objects: int | None
    model: str = ""

    @property
    def telling(self) -> bool:
        """Whether there was anything to be right or wrong about."""
        return self.objects != 0 or self.corrections > 0


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean, and between which values it lies with 90 % probability."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Round:
    """What the views needed that one model had predicted."""

    model: str
    views: int
    per_view: Rate
    per_100_objects: Rate | None


def rate(counts: Sequence[int], exposures: Sequence[float] | None = None) -> Rate:
    """Estimate a rate, such as corrections per view, from some counts.

    Parameters
    ----------
    counts : sequence of int
        One for each view, at least one.
    exposures : sequence of float, optional
        How much could have been counted in each, such as hundreds of objects; 1 where
        it is missing. Not all are 0.

    Returns
    -------
    Rate
        The interval is that of a Gamma distribution (Jeffreys' prior), wider by as much
        as the counts differ more than Poisson counts do.
    """
    count = np.asarray(counts, np.float64)
    exposure = np.ones(len(count)) if exposures is None else np.asarray(exposures)
    total, of = float(count.sum()), float(exposure.sum())
    spread = _spread(count, exposure * total / of, 1)
    shape, scale = total / spread + 0.5, spread / of
    low = float(gammaincinv(shape, _TAIL)) * scale if total else 0.0
    high = float(gammaincinv(shape, 1 - _TAIL)) * scale
    return Rate(total / of, low, high)


def _spread(
    count: npt.NDArray[np.float64], expected: npt.NDArray[np.float64], fitted: int
) -> float:
    """Return by what factor counts vary more than Poisson counts; at least 1.

    Larger by as much as Student's distribution is wider than the normal one, as the
    factor is itself estimated.
    """
    known = expected > 0
    squares = (count[known] - expected[known]) ** 2 / expected[known]
    free = max(0, len(count) - fitted) + _USUAL_VIEWS
    pooled = float(squares.sum()) + _USUAL_VIEWS * _USUAL_SPREAD
    wider = float(stdtrit(free, 1 - _TAIL)) / _NORMAL
    return max(1.0, pooled / free) * wider**2


def rates_over_time(views: Sequence[FinishedView]) -> list[Rate]:
    """Return corrections per view after each view, of the last few views up to it."""
    counts = [view.corrections for view in views]
    ends = range(1, len(counts) + 1)
    return [rate(counts[max(0, end - LAST_VIEWS) : end]) for end in ends]


def rounds(views: Sequence[FinishedView]) -> list[Round]:
    """Return what the views needed, model by model, in the order of their first."""
    found = []
    for model in dict.fromkeys(view.model for view in views):
        own = [view for view in views if view.model == model]
        counts = [view.corrections for view in own]
        found.append(Round(model, len(own), rate(counts), _per_100_objects(own)))
    return found


def _per_100_objects(views: Sequence[FinishedView]) -> Rate | None:
    counted = [(v.corrections, v.objects / 100) for v in views if v.objects]
    if not counted:
        return None
    counts, exposures = zip(*counted, strict=True)
    return rate(counts, exposures)


def gain(views: Sequence[FinishedView], seconds: float = MORE_SECONDS) -> Rate | None:
    """Return which share of the objects more would be right after more such work.

    By the trend of corrections per object over the time spent, which is taken for
    exponential. None where that cannot be known: the same model predicted all views,
    they are few, or there are no objects to count.
    """
    counted = [view for view in views if view.objects]
    if len(counted) < _FEWEST_FOR_TREND or len({v.model for v in counted}) < 2:
        return None
    spent = np.cumsum([view.seconds for view in counted]) - [v.seconds for v in counted]
    count = np.array([view.corrections for view in counted], np.float64)
    objects = np.array([view.objects for view in counted], np.float64)
    fitted = _fit_trend(spent / seconds, count, objects)
    if fitted is None:
        return None
    now, slope, error = fitted
    ends = slope, slope - _NORMAL * error, slope + _NORMAL * error
    best, *others = (now * -math.expm1(min(each, 5.0)) for each in ends)
    return Rate(best, min(others), max(others))


def _fit_trend(
    time: npt.NDArray[np.float64],
    count: npt.NDArray[np.float64],
    objects: npt.NDArray[np.float64],
) -> tuple[float, float, float] | None:
    """Return corrections per object at the end, the slope of its logarithm, its error.

    A Poisson regression by Newton's method; None where there is no trend to fit.
    """
    if not np.ptp(time) or not count.sum():
        return None
    design = np.stack([np.ones_like(time), time - time[-1]], axis=1)
    at = np.array([math.log(count.sum() / objects.sum()), 0.0])
    for _ in range(50):
        expected = objects * np.exp(np.clip(design @ at, -30, 5))
        information = design.T @ (expected[:, None] * design) + 1e-9 * np.eye(2)
        step = np.linalg.solve(information, design.T @ (count - expected))
        at = at + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    expected = objects * np.exp(np.clip(design @ at, -30, 5))
    information = design.T @ (expected[:, None] * design) + 1e-9 * np.eye(2)
    error = math.sqrt(np.linalg.inv(information)[1, 1] * _spread(count, expected, 2))
    return float(math.exp(min(at[0], 0.0))), float(at[1]), error


def advise(views: Sequence[FinishedView]) -> str:
    """Say in plain words what the last views needed, and whether to go on."""
    telling = [view for view in views if view.telling]
    missing = FEWEST_VIEWS - len(telling)
    if missing > 0:
        more = " more" if telling else ""
        plural = "s" if missing > 1 else ""
        return (
            f"Too early to say when to stop: finish {missing}{more} view{plural} first."
        )
    clean = len(list(takewhile(lambda view: not view.corrections, reversed(telling))))
    if clean >= LAST_VIEWS and _enough(telling[-clean:]):
        return (
            f"The last {clean} views needed nothing: it may be time to run it on "
            "everything."
        )
    last = telling[-LAST_VIEWS:]
    found = rate([view.corrections for view in last])
    said = f"The last {len(last)} views needed {_rate_in_words(found)}"
    return f"{said}{_gain_in_words(gain(telling))}."


def _enough(views: Sequence[FinishedView]) -> bool:
    """Whether so many objects were right that it means something."""
    counted = [view.objects for view in views if view.objects is not None]
    return len(counted) < len(views) or sum(counted) >= _FEWEST_OBJECTS


def _rate_in_words(found: Rate) -> str:
    if not found.mean:
        return f"nothing (at most {_number(found.high)} corrections each)"
    each = "correction each" if _number(found.mean) == "1" else "corrections each"
    between = f"{_number(found.low)} to {_number(found.high)}"
    return f"{_number(found.mean)} {each} ({between})"


def _number(value: float) -> str:
    """Return a number with as many digits as mean something."""
    return f"{value:.0f}" if value >= 3 else f"{value:.1f}".removesuffix(".0")


def _gain_in_words(found: Rate | None) -> str:
    """Say what more work would gain, if that can be known."""
    if found is None:
        return ""
    minutes = f"; {MORE_SECONDS / 60:.0f} more minutes may gain"
    if found.high < _LITTLE:
        return f"{minutes} less than 1 %"
    if found.low > 0:
        return f"{minutes} about {max(1, round(100 * found.mean))} %"
    return ""
