"""The one place where the state changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

from psygnal import Signal

from napari_unet.session.resolve import Parts, Topic, Words, remark, resolve
from napari_unet.session.state import State
from napari_unet.session.status import (
    EngineStatus,
    ImageStatus,
    ModelStatus,
    Place,
    PredictingStatus,
    ProjectState,
    SettingsState,
    Target,
    TrainingStatus,
)


class PartChanges(TypedDict, total=False):
    """Fields of `Parts` by name."""

    engine: EngineStatus
    models: ModelStatus
    loading: str
    images: ImageStatus
    predicting: PredictingStatus
    training: TrainingStatus
    project: ProjectState | None
    minutes: float
    settings: SettingsState | None
    target: Target


class StateHolder:
    """Holds what all parts say of themselves, and tells when that changes.

    Attributes
    ----------
    changed : Signal(State)
        There is a new state.
    """

    changed = Signal(State)

    def __init__(self) -> None:
        self._parts = Parts()
        self._words = Words()
        self._state = resolve(self._parts, self._words)

    @property
    def state(self) -> State:
        """What a front end shows now."""
        return self._state

    @property
    def parts(self) -> Parts:
        """What the parts say now."""
        return self._parts

    def show(self, **parts: Unpack[PartChanges]) -> None:
        """Let parts have another status; what was said of the former one goes."""
        self._set(replace(self._parts, **parts), self._words)

    def say(self, message: str, *about: Topic, **parts: Unpack[PartChanges]) -> None:
        """Say what goes on or came of something, with the statuses that belong to it.

        Parameters
        ----------
        message : str
            A sentence.
        *about : Topic
            When one of them is another one, the message goes.
        """
        new = replace(self._parts, **parts)
        self._set(new, replace(self._words, message=remark(message, new, *about)))

    def notice(self, text: str) -> None:
        """Say what a person should know of the last training; or nothing."""
        said = remark(text, self._parts, "model") if text else None
        self._set(self._parts, replace(self._words, notice=said))

    def report(self, place: Place, error: Exception) -> None:
        """Tell a problem beside the controls it belongs to."""
        words = self._words.with_problem(place, error, self._parts)
        self._set(self._parts, words)

    def clear(self, *places: Place) -> None:
        """Forget the problems of these places."""
        self._set(self._parts, self._words.without_problems(*places))

    def _set(self, parts: Parts, words: Words) -> None:
        self._parts, self._words = parts, words.that_hold(parts)
        state = resolve(self._parts, self._words)
        if state != self._state:
            self._state = state
            self.changed.emit(state)
