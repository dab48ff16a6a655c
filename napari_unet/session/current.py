"""What is said belongs to something: it goes when that is gone.

A message says what came of a prediction of *this* image, or that *this* model is ready.
It carries what it is about; when that is another one, the message gives way to what can
be said of the situation as it is. So do problems, and what a training had to tell.
Nothing is said here of how things changed: two states are compared, that is all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from napari_unet.session.project_state import NOT_SAVED

if TYPE_CHECKING:
    from napari_unet.session.state import ImageState, Place, State

Topic: TypeAlias = Literal[
    "image",
    "labels",
    "model",
    "version",
    "project",
    "predicting",
    "training",
    "loading",
]
"""What a message can be about; "version" is a version of a model."""

_PLACES: Mapping[Place, tuple[Topic, ...]] = MappingProxyType(
    {
        "image": ("image",),
        "predict": ("image", "model"),
        "correct": ("image",),
        "finetune": ("image", "model"),
        "model": (),
        "project": ("project",),
    }
)
"""What the problems of a place are about."""


def without_stale_words(old: State, new: State, fresh: Collection[str]) -> State:
    """Return a new state without words of the old one that are true no more.

    Parameters
    ----------
    old : State
        What was shown.
    new : State
        The same after some fields were replaced.
    fresh : collection of str
        The names of these fields; what was said in the same moment holds.
    """
    changed = {topic for topic, of in _TOPICS.items() if of(old) != of(new)}
    problems = {
        place: problem
        for place, problem in new.problems.items()
        if problem is not old.problems.get(place) or changed.isdisjoint(_PLACES[place])
    }
    if len(problems) != len(new.problems):
        new = replace(new, problems=problems)
    if "model" in changed and "notice" not in fresh:
        new = replace(new, notice="")
    if "image" in changed and "save" not in fresh:
        new = replace(new, save=NOT_SAVED)
    if "message" in fresh or _holds(old, new, changed):
        return new
    return replace(new, message=describe(new), about=tuple(_TOPICS))


def describe(state: State) -> str:
    """Say where things stand: what is to be said when nothing else is."""
    if state.problems:
        return list(state.problems.values())[-1].text
    if state.loading:
        return f"Loading the model {state.loading}…"
    if state.training:
        return "Training…"
    if state.predicting:
        return "Predicting…"
    if not state.ready and state.model is None:
        return "Getting ready…"
    if state.image is None:
        return "Choose an image, or drop one into the window."
    return _describe_image(state.image)


def _describe_image(image: ImageState) -> str:
    if not image.open:
        return f"Opening {image.name}…"
    if not image.has_labels:
        return f"{image.name} is open."
    if image.task == "instances":
        return f"{image.verified_objects:,} of {image.objects:,} objects are verified."
    return f"{percent(image.verified_share)} of pixels are verified."


def percent(share: float) -> str:
    """Return a share such as "31 %", with a digit more where it is small."""
    return f"{100 * share:.{0 if share >= 0.1 or not share else 1}f} %"


def _holds(old: State, new: State, changed: set[Topic]) -> bool:
    """Whether a message is about nothing that changed."""
    told = {problem.text for problem in old.problems.values()}
    if new.message in told:
        return new.message in {problem.text for problem in new.problems.values()}
    return changed.isdisjoint(new.about)


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
        "loading": lambda state: state.loading,
    }
)
"""What a message can be about, and how it is seen that this is another one."""
