"""Scores of label maps as people have them in Python."""

from __future__ import annotations

import logging
from typing import Any

from napari_unet.annotation.labels import as_labels, tell
from napari_unet.scores.metrics import Scores
from napari_unet.scores.metrics import evaluate as compare

logger = logging.getLogger(__name__)


def evaluate(truth: Any, labels: Any) -> Scores:
    """Compare a label map with the truth.

    Objects are matched one to one by intersection over union, in the way that gives
    most matches at each threshold. Both label maps may have any whole numbers; what is
    made of them (`napari_unet.annotation.labels.as_labels`), such as of a mask that was
    split, is told as a warning.

    Parameters
    ----------
    truth, labels : array-like
        Label maps of one shape; 0 is background.

    Returns
    -------
    Scores
        Average precision by threshold, Dice and counts.

    Raises
    ------
    InputError
        If the shapes differ, or values are no ids of objects.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.repeat([[0, 1, 2]], 4, axis=0)
    >>> evaluate(truth, truth).ap["0.90"]
    1.0
    """
    both = [("truth", as_labels(truth)), ("labels", as_labels(labels))]
    for note in tell(both):
        logger.warning(note)
    (_, true), (_, found) = both
    return compare(true.array, found.array)
