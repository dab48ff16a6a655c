"""The state that front ends show, as a pure function of what every part says.

What is said belongs to something: that a prediction found 20 objects is about *this*
image, that a model is ready is about *this* model. A remark carries what it was about
when it was said; when that is another one, it gives way to what can be said of the
situation as it is. So do problems, and what a training had to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from napari_unet.session.state import State
from napari_unet.session.status import (
    DEFAULT_MINUTES,
    NO_TARGET,
    EngineStatus,
    ImageState,
    ImageStatus,
    ModelStatus,
    Place,
    PredictingStatus,
    Problem,
    ProjectState,
    SettingsState,
    Target,
    TrainingStatus,
)
from napari_unet.tasks import task_of

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


@dataclass(frozen=True, slots=True)
class Parts:
    """What every part of a session says of itself.

    Parameters
    ----------
    loading : str
        The model that is being loaded, or nothing.
    project : ProjectState or None
        The chosen project; without one, work is kept beside each image.
    minutes : float
        How long the next training lasts.
    settings : SettingsState or None
        Size of objects and thresholds, where objects are predicted.
    target : Target
        What of the image is selected and in sight.
    """

    engine: EngineStatus = field(default_factory=EngineStatus)
    models: ModelStatus = field(default_factory=ModelStatus)
    loading: str = ""
    images: ImageStatus = field(default_factory=ImageStatus)
    predicting: PredictingStatus = field(default_factory=PredictingStatus)
    training: TrainingStatus = field(default_factory=TrainingStatus)
    project: ProjectState | None = None
    minutes: float = DEFAULT_MINUTES
    settings: SettingsState | None = None
    target: Target = NO_TARGET


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, and what it was about when it was said."""

    text: str
    about: tuple[tuple[Topic, object], ...] = ()

    def holds(self, parts: Parts) -> bool:
        """Whether it is about nothing that has changed."""
        return all(_TOPICS[topic](parts) == then for topic, then in self.about)


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, and what did not work; the newest problem last."""

    message: Remark | None = None
    notice: Remark | None = None
    problems: tuple[tuple[Place, Problem, Remark], ...] = ()

    def that_hold(self, parts: Parts) -> Words:
        """Return them without what is true no more."""
        message, notice = self.message, self.notice
        return Words(
            message if message and message.holds(parts) else None,
            notice if notice and notice.holds(parts) else None,
            tuple(each for each in self.problems if each[2].holds(parts)),
        )

    def with_problem(self, place: Place, error: Exception, parts: Parts) -> Words:
        """Return them with a problem of a place instead of the one it had."""
        problem = Problem.of(error)
        told = (place, problem, remark(problem.text, parts, *_PLACES[place]))
        return replace(self, message=None, problems=(*self._others(place), told))

    def without_problems(self, *places: Place) -> Words:
        """Return them without the problems of some places."""
        return replace(self, problems=self._others(*places))

    def _others(self, *places: Place) -> tuple[tuple[Place, Problem, Remark], ...]:
        return tuple(each for each in self.problems if each[0] not in places)


def remark(text: str, parts: Parts, *about: Topic) -> Remark:
    """Return a sentence that holds as long as these topics are what they are now."""
    return Remark(text, tuple((topic, _TOPICS[topic](parts)) for topic in about))


def resolve(parts: Parts, words: Words) -> State:
    """Return what a front end shows."""
    words = words.that_hold(parts)
    engine, models, images = parts.engine, parts.models, parts.images
    state = State(
        ready=engine.ready,
        device=engine.device,
        models=engine.models,
        own_models=engine.own_models,
        model=models.model,
        loading=parts.loading,
        versions=models.versions,
        version=models.version,
        source=models.source,
        image=images.image,
        save=images.save,
        recovered=images.recovered,
        predicting=parts.predicting.progress,
        refreshing=parts.predicting.refreshing,
        cancelling=parts.predicting.cancelling,
        training=parts.training.progress,
        stopping=parts.training.stopping,
        notice=words.notice.text if words.notice else "",
        problems={place: problem for place, problem, _ in words.problems},
        project=parts.project,
        minutes=parts.minutes,
        settings=parts.settings,
        target=parts.target,
    )
    message = words.message.text if words.message else describe(state)
    return replace(state, message=message)


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
    return task_of(image).words.verified(
        image.objects, image.verified_objects, image.verified_share
    )


def _image(parts: Parts) -> object:
    image = parts.images.image
    return image and (image.name, image.axes, image.shape, image.task)


def _labels(parts: Parts) -> object:
    image = parts.images.image
    if image is None:
        return None
    return image.has_labels, image.objects, image.verified_objects, image.verified_share


def _model(parts: Parts) -> object:
    model = parts.models.model
    return model and (model.name, model.task, model.classes, model.variables)


_TOPICS: Mapping[Topic, Callable[[Parts], object]] = MappingProxyType(
    {
        "image": _image,
        "labels": _labels,
        "model": _model,
        "version": lambda parts: (_model(parts), parts.models.version),
        "project": lambda parts: parts.project and parts.project.folder,
        "predicting": lambda parts: parts.predicting.progress is not None,
        "training": lambda parts: parts.training.progress is not None,
        "loading": lambda parts: parts.loading,
    }
)
"""What a message can be about, and how it is seen that this is another one."""

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
