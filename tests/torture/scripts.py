"""What a training says that is played, not run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from napari_unet.core.events import MicroBatch, TrainStep, Validated
from napari_unet.learning.events import ModelImproved
from tests.torture.scene import model_for


@contextmanager
def a_short_training(task: str, better: bool) -> Iterator[None]:
    """Let trainings take two steps, and find a better model or none."""

    def play(model, samples, config, **options):
        yield Validated(0, 0.5, 0.5, best=True)
        for number in (1, 2):
            yield MicroBatch(number, 1, 1)
            yield TrainStep(number, 1.0 / number, 0.1 * number)
        yield Validated(2, 0.75 if better else 0.25, 0.5, best=better)
        if better:
            yield ModelImproved(model_for(task, 1), 2, 0.75)

    with patch("napari_unet.learning.iter_fit", play):
        yield
