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

from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.project.manifest import LEAST_MINUTES, MOST_MINUTES
from napari_unet.session.comparing import Comparing
from napari_unet.session.correcting import Correcting
from napari_unet.session.counting import Counting
from napari_unet.session.effort import Effort
from napari_unet.session.exporting import Exporting
from napari_unet.session.following import Following
from napari_unet.session.growing import Growing
from napari_unet.session.guiding import Guiding
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.learning_along import LearningAlong
from napari_unet.session.live.live import Live
from napari_unet.session.measuring import Measuring
from napari_unet.session.models.models import Models
from napari_unet.session.models.store import ModelStore
from napari_unet.session.predicting import Predicting
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Runner
from napari_unet.session.seeing import Probable, Seeing
from napari_unet.session.settings import Settings
from napari_unet.session.state import State
from napari_unet.session.status import NO_TARGET, Place, Target
from napari_unet.session.thumbnails import Thumbnails
from napari_unet.session.training import Training
from napari_unet.session.wiring import Wiring
from napari_unet.session.worklist.reading import PlainReader, Reader
from napari_unet.session.worklist.worklist import Worklist

SAVE_INTERVAL = 1.0
"""Seconds between two looks at what is to be saved."""


class Session:
    """Everything behind one window.

    Its parts have the commands that belong to them. `view` returns the part of the
    current image that the person looks at, or None; `reader` reads files of the list as
    the front end does.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        view: Callable[[], Box | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        reader: Reader | None = None,
    ) -> None:
        self._hub = hub = Hub(runner, clock)
        self.projects = Projects(hub)
        self.images = Images(hub, self.projects)
        self.models = Models(hub, lambda: self.images.home)
        self.predicting = Predicting(hub, view)
        self.live = Live(hub, self.images, self.models, self.predicting, view)
        unseen = self.predicting.just_changed.unseen
        self.correcting = Correcting(
            hub, self.images, self.note_edit, self.cancel_prediction, unseen
        )
        self.growing = Growing(
            hub,
            self.images,
            self.predicting.maps_of,
            self.correcting.perform,
            self.correcting.note_nothing,
        )
        self.effort = Effort(hub, self.images, self.models)
        self.guiding = Guiding(hub, self.images, self.models)
        self.measuring = Measuring(hub, self.images, self.predicting.maps_of)
        self.exporting = Exporting(
            hub, self.images, self.projects, self.predicting.maps_of
        )
        self.following = Following(hub, self.images, self.correcting.perform)
        self.counting = Counting(hub, self.images, view)
        self.seeing = Seeing(hub, self.images, (self._maps_of, self.live.maps_of))
        self.settings = Settings(hub, self.images, self.models, self.predicting)
        self.training = Training(hub, self.images)
        self.learning_along = LearningAlong(
            hub, lambda: self.finetune(self.state.minutes)
        )
        self.comparing = Comparing(hub, self.images, self.models.timeline, view)
        self.worklist = Worklist(
            hub,
            self.images,
            self.projects,
            self.models,
            self.predicting,
            reader or PlainReader(),
            self.predict,
        )
        self.guiding.beyond = self.worklist.going.step_to_unfinished
        self.training.elsewhere = self.worklist.lessons
        self.exporting.elsewhere = self.worklist.saved_work
        self.thumbnails = Thumbnails(hub)
        self._store = ModelStore(
            hub, self.images, self.models, self.settings, self.training
        )
        self.state_changed = hub.changed
        self._saved_at = clock()
        self._wiring = Wiring(self, hub, self._store)

    @property
    def state(self) -> State:
        """What a front end shows."""
        return self._hub.state

    def start(self) -> None:
        """Get ready: load the engine and the built-in model in the background."""
        self.models.loader.start()

    def predict(self) -> None:
        """Predict the current image, what the person looks at first."""
        if not self._refused("predict", self.state.why_not_predict):
            self.comparing.end()
            self._predict()

    def finetune(self, minutes: float) -> None:
        """Learn from everything that is verified, for so long."""
        for image in self.images:
            image.canvas.settle()
        home = self.images.home
        why_not = self.state.why_not_finetune or self.models.restorer.why_wait(home)
        start = None if why_not else self.models.settle(home)
        model = self.models.active
        if self._refused("finetune", why_not) or start is None or model is None:
            return
        self._wiring.version_chosen = False
        restorer = self.models.restorer
        resume = home in restorer.interrupted
        restorer.interrupted.discard(home)
        checkpoints = home is None or restorer.understands(home)
        self.training.start(
            model,
            start.record,
            start.preset,
            minutes,
            home,
            checkpoints=checkpoints,
            resume=resume,
        )

    def activate_version(self, number: int) -> None:
        """Go to another version of the model, and predict with it."""
        if number == self.state.version:
            return
        self.comparing.end()
        self._wiring.version_chosen = True
        self.models.loader.go_to(number, asked=True)
        self.predicting.refresh.want(soon=True)

    def set_minutes(self, minutes: float) -> None:
        """Let the next training last so long; an InputError says that it cannot."""
        if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
            raise InputError(
                f"A training of {minutes:g} minutes is not possible; choose from "
                f"{LEAST_MINUTES:g} to {MOST_MINUTES:g}."
            )
        if minutes != self.state.minutes:
            self._hub.show(minutes=minutes)
            if (home := self.images.home) is not None:
                self.models.restorer.minutes[home] = minutes
            self._store.want(begin=self.projects.chosen is not None)

    def save_to(self, folder: Path) -> None:
        """Save the current image's work in another folder from now on."""
        if self.images.current is not None:
            self._hub.clear("project")
            self._wiring.move(self.images.current, folder)

    def note_edit(self, image: OpenImage) -> None:
        """Note that the person edited an image or that touched objects settled."""
        self._hub.clear("correct")
        self.images.note_change(image)
        self.training.note_change()
        self.learning_along.note_edit()

    def tick(self) -> None:
        """Do what is due on the main thread, for some milliseconds; call it often."""
        self.predicting.tick()
        self.settings.tick()
        self.comparing.tick()
        self.guiding.tick()
        self.measuring.tick()
        self.learning_along.tick()
        self.exporting.tick()
        self.following.tick()
        self.counting.tick()
        self.seeing.tick()
        self.worklist.tick()
        self.thumbnails.tick()
        if self.predicting.refresh.due and self._shows_prediction():
            self._refresh()
        self.live.tick()
        now = self._hub.clock()
        if now - self._saved_at >= SAVE_INTERVAL:
            self._saved_at = now
            self.images.tick()
            self.effort.tell()
            self._store.tick()

    def aim(self, target: Target) -> None:
        """Note what a front end shows of that on which commands act."""
        if self.state.target.stranger and not target.stranger:
            self._hub.clear("correct")
        self._hub.show(target=target)

    def report(self, place: Place, error: Exception) -> None:
        """Tell beside the controls what a front end could not do."""
        self._hub.report(place, error)

    def retract(self, place: Place) -> None:
        """Take back what was reported, when a front end could do it now."""
        self._hub.clear(place)

    def tell(self, message: str) -> None:
        """Say in the status line what happened in a front end."""
        self._hub.say(message, "image")

    def halt(self) -> None:
        """Stop whatever is going on; what is there stays."""
        self.comparing.end()
        self.cancel_prediction()
        self.training.stop()
        self.exporting.cancel()
        self.following.cancel()
        self.models.exporting.cancel()
        self.worklist.halt()

    def close(self) -> list[str]:
        """Save everything, after the runner is closed; return what could not be."""
        problems = [*self.images.finish_all(), *self._store.finish()]
        problems += self.worklist.listing.finish()
        self.projects.close()
        return problems

    def cancel_prediction(self) -> None:
        """Cancel what is being predicted; what was applied stays."""
        self.live.end_rest()
        self.live.cancel()
        self.predicting.cancel()

    def _maps_of(self, image: OpenImage) -> Probable | None:
        """Return what the network that is chosen now has said of all of an image."""
        model = self.models.active
        if model is None or not self.predicting.can_decode(image, model):
            return None
        return self.predicting.maps_of(image)

    def _refresh(self) -> None:
        """Let another model predict what the one before it did."""
        image = self.images.current
        if image is not None and (image.large or self.live.explores(image)):
            self.predicting.refresh.drop()
        else:
            self._predict(refreshing=True)

    def _predict(self, *, refreshing: bool = False) -> None:
        image, model = self.images.current, self.models.active
        if image is not None and model is not None:
            self.live.cancel()
            if image.large:
                self.live.fill(image)
            else:
                self.predicting.start(image, model, refreshing=refreshing)

    def _refused(self, place: Place, reason: str) -> bool:
        """Tell beside the controls why something is refused, if it is."""
        if reason:
            self._hub.report(place, InputError(reason))
        else:
            self._hub.clear(place)
        return bool(reason)

    def _shows_prediction(self) -> bool:
        """Whether there is a prediction that a better model could replace."""
        # What training makes better may be out of sight.
        state, image = replace(self.state, target=NO_TARGET), self.images.current
        labelled = image is not None and image.has_labels
        if image is not None and image.annotation.history.from_elsewhere:
            # Nobody knows whether a model is better than what another program found.
            labelled &= self.predicting.refresh.asked
        # What is compared with stays as it is until the person has decided.
        return labelled and not (state.why_not_predict or state.comparing)
