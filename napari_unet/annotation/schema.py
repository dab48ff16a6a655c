"""What the labels of an image say: which task they belong to, and about what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Task: TypeAlias = Literal["instances", "classes", "regression"]


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What a model predicts and a person corrects.

    Parameters
    ----------
    task : {"instances", "classes", "regression"}
        What a pixel holds: an object's id, a class number, or values.
    names : tuple of str
        Names of the classes by number, or of the regressed variables; none for
        instances.
    """

    task: Task = "instances"
    names: tuple[str, ...] = ()

    def values_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is known of pixels of a shape.

        Regressed values have the variables as first axis.
        """
        return (len(self.names), *shape) if self.task == "regression" else shape

    def goes_with(self, other: LabelSchema) -> bool:
        """Whether work on the one can go on as work on the other.

        Classes may be added or left out at the end; every other difference would give
        the same number another meaning.
        """
        if self.task != other.task:
            return False
        if self.task == "classes":
            common = min(len(self.names), len(other.names))
            return self.names[:common] == other.names[:common]
        return self.names == other.names


INSTANCES = LabelSchema()
"""What there is where nobody says otherwise."""
