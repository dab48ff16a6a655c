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

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.core.box import Box
from napari_unet.errors import InputError, NapariUnetError, StorageError
from napari_unet.project.project import Project
from napari_unet.session.finetune import Improved
from napari_unet.session.image import OpenImage
from napari_unet.session.images import Images
from napari_unet.session.keeping import Keeping
from napari_unet.session.model_words import subject_of
from napari_unet.session.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Runner
from napari_unet.session.saving import Saving
from napari_unet.session.state import Place, State, StateHolder
from napari_unet.session.training import Training
from napari_unet.session.tuning import Tuning
from napari_unet.session.words import verified_in_words

if TYPE_CHECKING:
    from napari_unet.engine.model import Model

logger = logging.getLogger(__name__)

SAVE_INTERVAL = 1.0
"""Seconds between two looks at what is to be saved."""


class Session:
    """Everything behind one window.

    Parameters
    ----------
    runner : Runner
        Drives jobs; its owner closes it, before the session.
    view : callable, optional
        Returns the part of the current image that the person looks at, or None.
    clock : callable
        Returns monotonic seconds.

    Attributes
    ----------
    projects : Projects
        Where work is kept.
    images, models : Images, Models
        What is open and what predicts, with the commands that belong to them.
    predicting, training : Predicting, Training
        What is going on.
    tuning : Tuning
        What may be set about predictions.
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
        self.models = Models(runner, self._holder)
        self.predicting = Predicting(runner, self._holder, view, clock)
        self.tuning = Tuning(self._holder, self.images, self.models, self.predicting)
        self.training = Training(runner, self._holder, self.images.lessons, clock)
        self._keeping = Keeping(
            runner,
            self._holder,
            self.projects,
            self.models.timeline,
            self.images.diameters,
            self._home,
            self._training_over,
            clock,
        )
        self._asked_for_models: set[Project] = set()
        self.state_changed = self._holder.changed
        self._saved_at = clock()
        self._version_chosen = False
        self._connect()

    def _connect(self) -> None:
        self._saving.ended.connect(self.images.tell)
        self._saving.ended.connect(self._list_again)
        self.projects.opened.connect(self._on_project_opened)
        self.projects.created.connect(self._on_project_created)
        self.projects.closed.connect(self._put_all_away)
        self.models.timeline.changed.connect(self._keeping.want)
        self.tuning.changed.connect(lambda: self._keeping.want(tuned=True))
        self.images.current_changed.connect(self._ask_for_models)
        self.models.timeline.changed.connect(self._follow_model)
        self.models.timeline.changed.connect(self._check_fit)
        self.images.current_changed.connect(self._check_fit)
        self.images.released.connect(self.predicting.forget)
        self.predicting.applied.connect(self.images.note_change)
        # A prediction that changes nothing is shown too.
        self.predicting.completed.connect(self.images.show_labels)
        self.training.improved.connect(self._on_improved)
        self.training.ended.connect(self.predicting.hurry_refresh)
        self.training.ended.connect(lambda: self._keeping.want(begin=True))

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

    def accept(self, box: Box) -> None:
        """Make everything inside a box of the current labels verified."""
        if not self._refused("correct", self.state.why_not_accept):
            self._settle()
            self._show_accepted(self._current.annotation.accept(box))

    def accept_object(self, number: int) -> None:
        """Make one object of the current labels verified."""
        why_not = self.state.why_not_accept_object
        if not why_not and number <= 0:
            why_not = "Choose an object first, with the picker of the labels layer (5)."
        if not self._refused("correct", why_not):
            self._settle()
            self._show_accepted(self._current.annotation.accept_object(number))

    def start_empty(self) -> None:
        """Show empty labels, to paint without a prediction."""
        if not self._refused("correct", self.state.why_not_paint):
            self.images.show_labels(self._current)

    def finetune(self, minutes: float) -> None:
        """Learn from everything that is verified, for so long."""
        self._settle()
        if not self._refused("finetune", self.state.why_not_finetune):
            self._version_chosen = False
            resume, self.models.interrupted = self.models.interrupted, False
            self.training.start(
                self._model,
                minutes,
                self.models.preset,
                self._training_folder(),
                resume=resume,
            )

    def stop(self) -> None:
        """Stop training; the best model stays."""
        self.training.stop()

    def activate_version(self, number: int) -> None:
        """Go to another version of the model, and predict with it."""
        if number == self.state.version:
            return
        self._version_chosen = True
        self.models.activate(number)
        self.predicting.want_refresh(soon=True)

    def set_minutes(self, minutes: float) -> None:
        """Let the next training last so long."""
        if minutes != self.state.minutes:
            self._holder.update(minutes=minutes)
            self._keeping.want(begin=self.projects.chosen is not None)

    def save_to(self, folder: Path) -> None:
        """Save the current image's work in another folder from now on."""
        if self.images.current is not None:
            self._holder.clear("project")
            self._move(self.images.current, folder)

    def save_now(self) -> None:
        """Save the current image's work."""
        if self.images.current is not None:
            self._saving.start(self.images.current)

    def note_edit(self, image: OpenImage) -> None:
        """Note that the person edited an image or that touched objects settled."""
        self._holder.clear("correct")
        self.images.note_change(image)
        self.training.note_change()

    def tick(self) -> None:
        """Do what is due on the main thread, for some milliseconds; call it often."""
        self.predicting.tick()
        self.tuning.tick()
        if self.predicting.refresh_due and self._shows_prediction():
            self.predicting.start(self._current, self._model, refreshing=True)
        now = self._clock()
        if now - self._saved_at >= SAVE_INTERVAL:
            self._saved_at = now
            self._saving.tick()
            self._keeping.tick()
            self.images.look_again()
            self.images.tell()

    def refuse(self, place: Place, reason: str) -> None:
        """Tell beside the controls why a front end cannot do something."""
        self._holder.report(place, InputError(reason))

    def retract(self, place: Place) -> None:
        """Take back what a front end refused, when it could do it now."""
        self._holder.clear(place)

    def report(self, place: Place, error: Exception) -> None:
        """Tell beside the controls what went wrong in a front end."""
        self._holder.report(place, error)

    def halt(self) -> None:
        """Stop whatever is going on; what is there stays."""
        self.predicting.cancel()
        self.training.stop()

    def close(self) -> list[str]:
        """Save everything; the runner is closed by then.

        Returns
        -------
        list of str
            What could not be saved, in words.
        """
        problems = self._saving.finish_all()
        self._keeping.finish()
        self.projects.close()
        return problems

    def _home(self) -> Project | None:
        """Return the project that models belong to now, if they can be kept."""
        image = self.images.current
        if self.projects.chosen is not None:
            return self.projects.chosen
        return image.project if image is not None and not image.read_only else None

    def _training_folder(self) -> Path | None:
        """Return where a training keeps what it needs to go on after a crash."""
        home = self._home()
        try:
            if home is not None:
                home.claim()
                return home.store.files.training
        except StorageError as error:
            # The training is worth as much without; that nothing is saved is told.
            logger.warning("No checkpoints: %s", error)
        return None

    def _training_over(self) -> bool:
        return self.state.training is None and not self.models.interrupted

    def _ask_for_models(self) -> None:
        """Bring the models of an image's own project back, once."""
        home = self._home()
        if home is None or home in self._asked_for_models:
            return
        self._asked_for_models.add(home)
        if self.models.untouched:
            self.models.restore(home, self._keeping)

    def _on_project_opened(self, project: Project) -> None:
        self._put_all_away()
        self._asked_for_models.add(project)
        self.models.restore(project, self._keeping)

    def _on_project_created(self, project: Project) -> None:
        self._asked_for_models.add(project)
        for image in self.images:
            self._move(image, project.folder)
        self._keeping.want(begin=True)

    def _move(self, image: OpenImage, folder: Path) -> None:
        self._saving.move(
            image, folder, lambda error: self._holder.report("project", error)
        )

    def _list_again(self) -> None:
        """Show an image in its project once it is saved there."""
        image, project = self.images.current, self.state.project
        if image is None or project is None or image.project.folder != project.folder:
            return
        if image.key not in {each.key for each in project.images}:
            self.projects.list_again()

    def _put_all_away(self) -> None:
        self.halt()
        self.images.release_all()

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

    def _show_accepted(self, changed: Box | None) -> None:
        image = self._current
        if changed is not None:
            image.canvas.refresh(changed)
            self.note_edit(image)
        words = verified_in_words(image)
        self._holder.update(message=words, about=("image", "labels"))

    def _on_improved(self, improved: Improved) -> None:
        self.models.publish(improved, activate=not self._version_chosen)
        self._keeping.want(begin=True)
        if not self._version_chosen:
            self.predicting.want_refresh()

    def _shows_prediction(self) -> bool:
        """Whether there is a prediction that a better model could replace."""
        state = self.state
        labelled = state.image is not None and state.image.has_labels
        return labelled and not state.why_not_predict

    def _follow_model(self) -> None:
        """Work on what the model predicts; what goes on for another task ends."""
        if self.models.active is None:
            return
        subject = subject_of(self.models.active.spec)
        if not subject.goes_with(self.images.subject):
            self.halt()
            # What the training still publishes must not bring its task back.
            self._version_chosen = True
        if subject != self.images.subject:
            self.images.set_subject(subject)

    def _check_fit(self) -> None:
        """Tell whether the model can take the image, as soon as both are known."""
        image, model = self.images.current, self.models.active
        if image is None or model is None:
            return
        self._holder.clear("image")
        # Not earlier: torch takes seconds. It is loaded when there is a model.
        from napari_unet.engine.images import check_image

        try:
            check_image(image.pixels, image.axes, model)
        except NapariUnetError as error:
            self._holder.report("image", error)
