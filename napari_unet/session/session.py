"""The application: what a person can ask for, and what comes of it.

How it flows: a front end calls a command (`images.open`, `predict`, `finetune`, ...);
the session starts a job on the runner; the job's events and its end come back on the
main thread, change the annotation or the state, and signals tell the front end::

    front end --command--> Session --generator--> Runner (another thread)
        ^                   |   ^                    |
        +---- signals ------+   +------ events ------+

Everything is owned by the main thread. A job sees only immutable things: snapshots,
published models, the pixels of images. The front end calls `tick` often, so that the
session can do its own work in small portions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.session.correcting import Correcting
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.images.saving import Saving
from napari_unet.session.models.models import Models
from napari_unet.session.models.store import ModelStore
from napari_unet.session.predicting import Predicting
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Runner
from napari_unet.session.settings import Settings
from napari_unet.session.state import State
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import NO_TARGET, Place, Target
from napari_unet.session.training import Training
from napari_unet.session.wiring import Wiring

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

SAVE_INTERVAL = 1.0
"""Seconds between two looks at what is to be saved."""


class Session:
    """Everything behind one window.

    Parameters
    ----------
    view : callable, optional
        Returns the part of the current image that the person looks at, or None.

    Attributes
    ----------
    projects : Projects
        Where work is kept.
    images, models : Images, Models
        What is open and what predicts, with the commands that belong to them.
    predicting, training : Predicting, Training
        What is going on.
    correcting : Correcting
        What a person says of labels, besides painting.
    settings : Settings
        What may be set about predictions: axes, channels, size, thresholds.
    state_changed : Signal(State)
        There is a new state to show.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        view: Callable[[], Box | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._view = view
        self._clock = clock
        self._holder = StateHolder()
        self.projects = Projects(runner, self._holder)
        self._saving = Saving(runner, self.projects, clock)
        self.images = Images(runner, self._holder, self._saving, self.projects)
        self.models = Models(runner, self._holder, lambda: self.images.home)
        self.predicting = Predicting(runner, self._holder, view, clock)
        self.correcting = Correcting(
            runner, self._holder, self.images, self.note_edit, self.predicting.cancel
        )
        self.settings = Settings(
            self._holder, self.images, self.models, self.predicting
        )
        self.training = Training(
            runner, self._holder, self.images.training_snapshots, clock
        )
        self._store = ModelStore(
            runner,
            self._holder,
            self.projects,
            self.images,
            self.models,
            self.settings,
            self.training,
            clock,
        )
        self.state_changed = self._holder.changed
        self._saved_at = clock()
        self._wiring = Wiring(self, self._holder, self._saving, self._store)

    @property
    def state(self) -> State:
        """What a front end shows."""
        return self._holder.state

    def start(self) -> None:
        """Get ready: load the engine and the built-in model in the background."""
        self.models.start()

    def predict(self) -> None:
        """Predict the current image, what the person looks at first."""
        if not self._refused("predict", self.state.why_not_predict):
            self.predicting.start(self._current, self._model)

    def cancel(self) -> None:
        """Cancel the prediction that is going on; what is there stays."""
        self.predicting.cancel()

    def start_empty(self) -> None:
        """Show labels to paint in, without a prediction."""
        self.correcting.start_empty()

    def finetune(self, minutes: float) -> None:
        """Learn from everything that is verified, for so long."""
        self._settle()
        home = self.images.home
        why_not = self.state.why_not_finetune or self.models.why_wait(home)
        start = None if why_not else self.models.settle(home)
        if self._refused("finetune", why_not) or start is None:
            return
        self._wiring.version_chosen = False
        interrupted = self.models.restoring.interrupted
        resume = home in interrupted
        interrupted.discard(home)
        self.training.start(
            self._model,
            start.record,
            minutes,
            self.models.preset,
            home,
            checkpoints=home is None or self.models.restoring.understands(home),
            resume=resume,
        )

    def stop(self) -> None:
        """Stop training; the best model stays."""
        self.training.stop()

    def activate_version(self, number: int) -> None:
        """Go to another version of the model, and predict with it."""
        if number == self.state.version:
            return
        self._wiring.version_chosen = True
        self.models.loader.activate(number)
        self.predicting.want_refresh(soon=True)

    def set_minutes(self, minutes: float) -> None:
        """Let the next training last so long."""
        if minutes != self.state.minutes:
            self._holder.show(minutes=minutes)
            if (home := self.images.home) is not None:
                self.models.restoring.minutes[home] = minutes
            self._store.want(begin=self.projects.chosen is not None)

    def save_to(self, folder: Path) -> None:
        """Save the current image's work in another folder from now on."""
        if self.images.current is not None:
            self._holder.clear("project")
            self._wiring.move(self.images.current, folder)

    def note_edit(self, image: OpenImage) -> None:
        """Note that the person edited an image or that touched objects settled."""
        self._holder.clear("correct")
        self.images.note_change(image)
        self.training.note_change()

    def tick(self) -> None:
        """Do what is due on the main thread, for some milliseconds; call it often."""
        self.predicting.tick()
        self.settings.tick()
        if self.predicting.refresh_due and self._shows_prediction():
            self.predicting.start(self._current, self._model, refreshing=True)
        now = self._clock()
        if now - self._saved_at >= SAVE_INTERVAL:
            self._saved_at = now
            self._saving.tick()
            self._store.tick()
            self.images.look_again()
            self.images.tell()

    def aim(self, target: Target) -> None:
        """Note what a front end shows of that on which commands act."""
        if self.state.target.stranger and not target.stranger:
            self._holder.clear("correct")
        self._holder.show(target=target)

    def refuse(self, place: Place, reason: str) -> None:
        """Tell beside the controls why a front end cannot do something."""
        self._holder.report(place, InputError(reason))

    def retract(self, place: Place) -> None:
        """Take back what a front end refused, when it could do it now."""
        self._holder.clear(place)

    def report(self, place: Place, error: Exception) -> None:
        """Tell beside the controls what went wrong in a front end."""
        self._holder.report(place, error)

    def tell(self, message: str) -> None:
        """Say in the status line what happened in a front end."""
        self._holder.say(message, "image")

    def halt(self) -> None:
        """Stop whatever is going on; what is there stays."""
        self._wiring.halt()

    def close(self) -> list[str]:
        """Save everything; the runner is closed by then.

        Returns
        -------
        list of str
            What could not be saved, in words.
        """
        problems = [*self._saving.finish_all(), *self._store.finish()]
        self.projects.close()
        return problems

    @property
    def _current(self) -> OpenImage:
        """The current image; there is one where nothing was refused."""
        if self.images.current is None:
            raise InputError("Choose an image first.")
        return self.images.current

    @property
    def _model(self) -> Model:
        """The active model; there is one where nothing was refused."""
        if self.models.active is None:
            raise InputError("Choose a model first.")
        return self.models.active

    def _refused(self, place: Place, reason: str) -> bool:
        """Tell beside the controls why something is refused, if it is."""
        if reason:
            self._holder.report(place, InputError(reason))
        else:
            self._holder.clear(place)
        return bool(reason)

    def _settle(self) -> None:
        for image in self.images:
            image.canvas.settle()

    def _shows_prediction(self) -> bool:
        """Whether there is a prediction that a better model could replace."""
        # What training makes better may be out of sight.
        state = replace(self.state, target=NO_TARGET)
        labelled = state.image is not None and state.image.has_labels
        return labelled and not state.why_not_predict
