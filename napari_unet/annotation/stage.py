"""How far a person and a model are with an image, or with a plane of it."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    """How far the work on something is, in the order in which that goes."""

    UNSEEN = "not predicted yet"
    PREDICTED = "predicted"
    BEGUN = "partly verified"
    DONE = "verified"
