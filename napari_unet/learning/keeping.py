"""Which weights of a training go live: the newest that have not become worse.

Of several states of one training the last one is best on other images, as a rule, and
a score of the few objects that are held out moves by chance: who picks the highest one
picks by luck, and loses what was learned since. But what is not better than the start,
or worse than the best by more than chance, is not kept. Nor does a start that is right
give way to what may be better by chance alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_unet.learning.events import FitResult, ModelImproved
from napari_unet.learning.judging import Judgement
from napari_unet.scores.likeness import Likeness

_OBJECTS_FOR_HALF = 10


def odds_of(found: Likeness) -> float:
    """Return how many objects are right for each that is wrong.

    Outlines count, as pairs do in the likeness: a start that finds all objects, but
    none as people outline them, has much to learn. One of both more than there are, as
    few objects say little (Agresti and Coull 1998); so without objects the odds are
    even.
    """
    wrong = found.objects / 2 - found.matched
    return (found.matched + 1) / (wrong + 1)


def share_learned(objects: Sequence[int] | None, odds: float) -> float:
    """Return how far weights may go from the start, by the verified objects of images.

    An image of which much is verified counts as one, ten objects of it as a half. More
    of them are learned by heart: how bright another image is, and how generously its
    objects are outlined, only other images tell, and what is held out of the same one
    cannot. On the other side counts what the start knows, by the odds that an object of
    it is right: one that finds nothing has nothing to lose. Where no objects are
    counted there is nothing to weigh.
    """
    if objects is None:
        return 1.0
    known = sum(n / (n + _OBJECTS_FOR_HALF) for n in objects)
    return known / (known + odds)


@dataclass(slots=True, eq=False)
class Keeper:
    """What is live of one training, and the scores that decide what will be.

    Parameters
    ----------
    newest : ModelImproved
        What is live: at first the start, of step 0.
    start_score : float
        Agreement of the start with what is held out.
    start_odds : float
        How many of its objects are right there for each that is wrong.
    highest : float
        The best agreement so far.
    fitted_at : int
        The step at which thresholds were fitted last that went live.
    """

    newest: ModelImproved
    start_score: float = -math.inf
    start_odds: float = 1.0
    highest: float = -math.inf
    fitted_at: int = 0

    def begin(self, start: Judgement) -> None:
        """Note how good the start is; a score that is no number agrees with nothing."""
        score, self.start_odds = start.agreement, odds_of(start.likeness)
        self.start_score = self.highest = score if math.isfinite(score) else 0.0
        self.newest = ModelImproved(self.newest.model, 0, self.start_score)

    def welcomes(self, judgement: Judgement) -> bool:
        """Return whether weights go live that were judged so.

        A start that is right more often than not gives way only to what chance would
        hardly make so much better.
        """
        score, doubt = judgement.agreement, judgement.doubt
        more = doubt * max(0.0, 1 - 1 / self.start_odds)
        return score > self.start_score + more and score >= self.highest - doubt

    def keep(self, newest: ModelImproved) -> None:
        """Let a model be live, with thresholds fitted to it if they were due."""
        if self.thresholds_are_due(newest.step):
            self.fitted_at = newest.step
        self.newest = newest
        self.highest = max(self.highest, newest.score)

    def scores(self) -> dict[str, Any]:
        """Return all but the model, as a checkpoint names it."""
        return {
            "best_step": self.newest.step,
            "best_score": self.newest.score,
            "highest_score": self.highest,
            "start_score": self.start_score,
            "start_odds": self.start_odds,
            "fitted_at": self.fitted_at,
        }

    def result(self, steps: int, held_out: bool, seconds: float) -> FitResult:
        """Return what a training came to."""
        best, start = self.newest, self.start_score
        return FitResult(best.model, steps, best.score, start, held_out, seconds)

    def thresholds_are_due(self, step: int, *, last: bool = False) -> bool:
        """Return whether to fit thresholds, which takes as long as a dozen steps.

        Weights change less and less, so twice as many steps lie between two times. Only
        those that went live count: with older ones all that follows would be judged.
        """
        return last or step >= 2 * self.fitted_at
