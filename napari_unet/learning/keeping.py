"""Which weights of a training go live: the newest that have not become worse.

Of several states of one training the last one is best on other images, as a rule, and
a score of the few objects that are held out moves by chance: who picks the highest one
picks by luck, and loses what was learned since. But what is not better than the start,
or worse than the best by more than chance, is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_unet.learning.events import FitResult, ModelImproved
from napari_unet.learning.judging import Judgement

_OBJECTS_FOR_HALF = 10


def share_learned(objects: Sequence[int] | None, start_score: float) -> float:
    """Return how far weights may go from the start, by the verified objects of images.

    An image of which much is verified says as much as the start did; ten objects of it
    say half of that. More of them are learned by heart: how bright another image is,
    and how generously its objects are outlined, only other images tell, and what is
    held out of the same one cannot. Where no objects are counted, or the start agreed
    with nothing, there is nothing to weigh.
    """
    if objects is None or start_score <= 0:
        return 1.0
    known = sum(n / (n + _OBJECTS_FOR_HALF) for n in objects)
    return known / (known + 1)


@dataclass(slots=True, eq=False)
class Keeper:
    """What is live of one training, and the scores that decide what will be.

    Parameters
    ----------
    newest : ModelImproved
        What is live: at first the start, of step 0.
    start_score : float
        Agreement of the start with what is held out.
    highest : float
        The best agreement so far.
    fitted_at : int
        The step at which thresholds were fitted last that went live.
    """

    newest: ModelImproved
    start_score: float = -math.inf
    highest: float = -math.inf
    fitted_at: int = 0

    def begin(self, score: float) -> None:
        """Note the score of the start; one that is no number agrees with nothing."""
        self.start_score = self.highest = score if math.isfinite(score) else 0.0
        self.newest = ModelImproved(self.newest.model, 0, self.start_score)

    def welcomes(self, judgement: Judgement) -> bool:
        """Return whether weights go live that were judged so."""
        score = judgement.agreement
        lowest = self.highest - judgement.doubt
        return score > self.start_score and score >= lowest

    def keep(self, newest: ModelImproved) -> None:
        """Let a model be live, with thresholds fitted to it if they were due."""
        if self.thresholds_are_due(newest.step):
            self.fitted_at = newest.step
        self.newest = newest
        self.highest = max(self.highest, newest.score)

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
