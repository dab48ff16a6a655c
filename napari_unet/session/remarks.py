"""What was said, and what that was about.

That a prediction found 20 objects is about *this* image, that a model is ready is about
*this* model. A remark carries what it was about when it was said; when that changes, it
gives way to what can be said of the situation as it is. So do problems, and what a
training had to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_unet.session.status import Place, Problem

if TYPE_CHECKING:
    from napari_unet.session.state import State

Topic: TypeAlias = Literal[
    "image",
    "labels",
    "model",
    "version",
    "project",
    "predicting",
    "training",
    "model_export",
    "loading",
]
"""What a message can be about; "version" is a version of a model."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, and what it was about when it was said."""

    text: str
    about: tuple[tuple[Topic, object], ...] = ()

    @classmethod
    def of(cls, text: str, state: State, *about: Topic) -> Remark:
        """Return one that holds as long as these topics are what they are now."""
        return cls(text, tuple((topic, _TOPICS[topic](state)) for topic in about))

    def holds(self, state: State) -> bool:
        """Whether nothing that it is about has changed."""
        return all(_TOPICS[topic](state) == then for topic, then in self.about)


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, and what did not work; the newest problem last."""

    message: Remark | None = None
    notice: Remark | None = None
    problems: tuple[tuple[Place, Problem, Remark], ...] = ()

    def that_hold(self, state: State) -> Words:
        """Return them without what is true no more."""
        message, notice = self.message, self.notice
        return Words(
            message if message and message.holds(state) else None,
            notice if notice and notice.holds(state) else None,
            tuple(each for each in self.problems if each[2].holds(state)),
        )

    def with_problem(self, place: Place, error: Exception, state: State) -> Words:
        """Return them with a problem of a place instead of the one it had."""
        problem = Problem.of(error)
        told = place, problem, Remark.of(problem.text, state, *_PLACES[place])
        others = self.without_problems(place).problems
        return replace(self, message=None, problems=(*others, told))

    def without_problems(self, *places: Place) -> Words:
        """Return them without the problems of some places."""
        stay = tuple(each for each in self.problems if each[0] not in places)
        return replace(self, problems=stay)


NOTHING_SAID = Words()


def _image(state: State) -> object:
    image = state.image
    return image and (image.name, image.axes, image.shape, image.task)


def _labels(state: State) -> object:
    image = state.image
    if image is None:
        return None
    return image.has_labels, image.objects, image.verified_objects, image.verified_share


def _model(state: State) -> object:
    model = state.model
    return model and (model.name, model.task, model.classes, model.variables)


_TOPICS: Mapping[Topic, Callable[[State], object]] = MappingProxyType(
    {
        "image": _image,
        "labels": _labels,
        "model": _model,
        "version": lambda state: (_model(state), state.version),
        "project": lambda state: state.project and state.project.folder,
        "predicting": lambda state: state.predicting is not None,
        "training": lambda state: state.training is not None,
        "model_export": lambda state: state.model_export is not None,
        "loading": lambda state: state.loading,
    }
)
"""How it is seen that a message is about something else by now."""

_PLACES: Mapping[Place, tuple[Topic, ...]] = MappingProxyType(
    {
        "image": ("image",),
        "predict": ("image", "model"),
        "correct": ("image",),
        "objects": ("image",),
        "finetune": ("image", "model"),
        "model": (),
        "project": ("project",),
        "results": (),
        "images": (),
    }
)
"""What the problems of a place are about."""
