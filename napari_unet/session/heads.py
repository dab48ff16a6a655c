"""Turning the loaded model to another task: another head on the same network."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet.core.subject import Task
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.engine.model import Model
    from napari_unet.nets.spec import ModelSpec

_MOST_NAME = 100
# Values within a range lie about two standard deviations on each side of its middle.
_SPREADS = 4


@dataclass(frozen=True, slots=True)
class HeadWish:
    """What a model should predict from now on.

    Parameters
    ----------
    task : {"instances", "classes", "regression"}
        The task.
    names : tuple of str
        Names of the classes, background first, or of the variables.
    unit : str
        Of the variables.
    low, high : float
        Between what their values usually lie.
    """

    task: Task
    names: tuple[str, ...] = ()
    unit: str = ""
    low: float = 0.0
    high: float = 1.0

    @property
    def problem(self) -> str:
        """Return why no model can be made of this, or nothing."""
        if self.task == "classes" and len(self.names) < 2:
            return "Name two classes or more, background first."
        if self.task == "regression" and not self.names:
            return "Name one variable or more."
        if len(set(self.names)) < len(self.names):
            return "Give every name once."
        if self.task == "regression" and not self.low < self.high:
            return "The highest value must be above the lowest."
        return ""

    @property
    def note(self) -> str:
        """Say in a few words what it is."""
        return f"new head: {', '.join(self.names) or self.task}"


def iter_new_head(model: Model, wish: HeadWish) -> Generator[None, None, Model]:
    """Return a model with another head; it knows nothing of its task yet.

    Raises
    ------
    InputError
        If the wish cannot be fulfilled.
    """
    if wish.problem:
        raise InputError(wish.problem)
    from napari_unet.engine.start import with_new_head

    yield
    return with_new_head(model, _spec(model.spec, wish))


def _spec(old: ModelSpec, wish: HeadWish) -> ModelSpec:
    from pydantic import ValidationError

    from napari_unet.nets.spec import PixelClass, Variable

    middle, scale = (wish.low + wish.high) / 2, (wish.high - wish.low) / _SPREADS
    try:
        classes = [PixelClass(name=name) for name in wish.names]
        variables = [
            Variable(name=name, unit=wish.unit, mean=middle, scale=scale)
            for name in wish.names
        ]
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise InputError(f"These names cannot be used: {reason}.") from error
    changes = {
        "name": f"{old.name} {wish.task}"[:_MOST_NAME],
        "description": "",
        "task": wish.task,
        "classes": tuple(classes) if wish.task == "classes" else (),
        "variables": tuple(variables) if wish.task == "regression" else (),
    }
    return old.model_copy(update=changes)
