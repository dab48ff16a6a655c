"""The one place where the state changes, and what else all parts of a session share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict, TypeVar, Unpack

from psygnal import Signal

from napari_unet.core.jobs import Job
from napari_unet.models.library import OwnModel
from napari_unet.session.images.place import SaveState
from napari_unet.session.images.status import ImageState
from napari_unet.session.models.status import (
    Comparison,
    ModelState,
    SettingsState,
    VersionState,
)
from napari_unet.session.remarks import Remark, Topic
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.state import State
from napari_unet.session.status import (
    EffortState,
    ExportState,
    FollowState,
    LiveState,
    MeasuredState,
    Place,
    Progress,
    Target,
)
from napari_unet.session.worklist.status import ProjectState, WorklistState

E = TypeVar("E")
R = TypeVar("R")


class Changes(TypedDict, total=False):
    """Fields of `State` by name, all but `words`."""

    ready: bool
    device: str
    models: tuple[str, ...]
    own_models: tuple[OwnModel, ...]
    model: ModelState | None
    loading: str
    versions: tuple[VersionState, ...]
    version: int
    deleted: str
    comparing: Comparison | None
    source: str
    image: ImageState | None
    save: SaveState
    recovered: str
    predicting: Progress | None
    refreshing: bool
    cancelling: bool
    live: LiveState
    in_view: int | None
    seeing: bool
    training: Progress | None
    stopping: bool
    minutes: float
    learns_along: bool
    project: ProjectState | None
    settings: SettingsState | None
    target: Target
    effort: EffortState
    measured: MeasuredState
    exporting: ExportState
    following: FollowState
    model_export: Progress | None
    worklist: WorklistState


class Hub:
    """What all parts of a session share: the state, the runner of jobs, and a clock.

    They show what they do by replacing fields of the state, and say what came of it;
    what was said goes by itself when it is about something else.

    Attributes
    ----------
    changed : Signal(State)
        There is a new state.
    """

    changed = Signal(State)

    def __init__(
        self, runner: Runner, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.runner = runner
        self.clock = clock
        self.state = State()

    def start(
        self, job: Job[E, R], result: Callable[[R], object], place: Place
    ) -> Running:
        """Start a job whose problem is told beside the controls of a place."""
        handlers: Handlers[E, R] = Handlers(
            result=result, error=lambda error: self.report(place, error)
        )
        return self.runner.start(job, handlers)

    def show(self, **changes: Unpack[Changes]) -> None:
        """Show something else; what was said of what it was goes."""
        self._set(replace(self.state, **changes))

    def say(self, message: str, *about: Topic, **changes: Unpack[Changes]) -> None:
        """Say what goes on or came of something, and show what belongs to that.

        When one of the topics changes, the message goes.
        """
        state = replace(self.state, **changes)
        said = replace(state.words, message=Remark.of(message, state, *about))
        self._set(replace(state, words=said))

    def notice(self, text: str) -> None:
        """Say what a person should know of the last training; or nothing."""
        said = Remark.of(text, self.state, "model") if text else None
        self._set(replace(self.state, words=replace(self.state.words, notice=said)))

    def report(self, place: Place, error: Exception) -> None:
        """Tell a problem beside the controls it belongs to."""
        words = self.state.words.with_problem(place, error, self.state)
        self._set(replace(self.state, words=words))

    def clear(self, *places: Place) -> None:
        """Forget the problems of these places."""
        words = self.state.words.without_problems(*places)
        if words != self.state.words:  # every stroke asks
            self._set(replace(self.state, words=words))

    def _set(self, state: State) -> None:
        state = replace(state, words=state.words.that_hold(state))
        if state != self.state:
            self.state = state
            self.changed.emit(state)
