"""What a task is: an object with a facet for every room that asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_unet.scores.report import Scoring
from napari_unet.tasks.labeling import Labeling
from napari_unet.tasks.outputs import Described, LossOptions, Outputs
from napari_unet.tasks.words import Words

if TYPE_CHECKING:
    from napari_unet.tasks.objectives.objective import Objective

Learning: TypeAlias = "Callable[[Described, LossOptions], Objective]"


@dataclass(frozen=True, eq=False)
class Task:
    """What a network can be asked for, one object a task.

    Parameters
    ----------
    name : str
        In JSON and on the command line.
    labels : Labeling
        What labels mean: how they are read, saved, corrected and merged.
    outputs : Outputs
        What its models predict, and which can be asked for.
    words : Words
        What is said of it.
    scoring : Scoring
        How results are compared with the truth.
    objective : callable
        Returns targets, loss, decoding and score for a model; imports torch.
    """

    name: str
    labels: Labeling
    outputs: Outputs
    words: Words
    scoring: Scoring[Any]
    objective: Learning


def objective_in(module: str) -> Learning:
    """Return the function `objective` of a module that is imported when it is used.

    By its name, for such a module needs torch.
    """

    def objective(spec: Described, options: LossOptions) -> Objective:
        made: Objective = import_module(module).objective(spec, options)
        return made

    return objective
