"""What the labels of an image say: which task they belong to, and about what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What a model predicts and a person corrects.

    `names` are those of the classes by number, or of the regressed variables.
    """

    task: str = "instances"
    names: tuple[str, ...] = ()


INSTANCES = LabelSchema()
"""What there is where nobody says otherwise."""
