"""How large the steps of a training are, and those that are skipped.

A step whose loss or gradient is no number would spoil the weights for good, so it is
skipped: nothing is changed by it, and the steps that follow are smaller. Where one
after the other is skipped, the training has come to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_unet.core.events import Notice
from napari_unet.errors import TrainingError

MOST_IN_A_ROW = 8
_LEAST_SHARE = 1 / 16


@dataclass(slots=True)
class Pace:
    """At which share of the learning rate steps are taken.

    `skipped` steps halve it, each for all that follow; down to a sixteenth, as what is
    wrong may be one image. `in_a_row` are those after the last that was taken.
    """

    skipped: int = 0
    in_a_row: int = 0

    def rate(self, progress: float) -> float:
        """Return the share when so much of the budget is spent, from 0 to 1.

        Warm up over the first twentieth, then fall along a cosine to a tenth.
        """
        left = max(_LEAST_SHARE, 0.5**self.skipped)
        if progress < 0.05:
            return left * (0.1 + 0.9 * progress / 0.05)
        angle = np.pi * (progress - 0.05) / 0.95
        return left * float(0.1 + 0.9 * 0.5 * (1 + np.cos(angle)))

    def note_taken(self) -> None:
        """Note that a step was taken."""
        self.in_a_row = 0

    def note_skipped(self, step: int) -> list[Notice]:
        """Note that a step was skipped; return what is to be said, only once.

        Raises a TrainingError where it is one too many.
        """
        self.skipped += 1
        self.in_a_row += 1
        if self.in_a_row >= MOST_IN_A_ROW:
            raise TrainingError(
                f"The training has ended at step {step}: in {self.in_a_row} steps in a "
                "row the loss or its gradient was no number. Look for extreme values "
                "in images and in what was verified, or start from another model."
            )
        if self.skipped > 1:
            return []
        return [
            Notice(
                f"In step {step} the loss or its gradient was no number. The step was "
                "skipped; training goes on with half the learning rate."
            )
        ]
