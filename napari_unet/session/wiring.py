"""What follows what in a session, said in one place.

Every signal of a part is heard here, by one slot, so no order of connections matters.
Where one thing must happen before another, the slot calls them one after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.project.project import Project
from napari_unet.session.finetune import Improved
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.models.store import ModelStore
from napari_unet.session.words import schema_of
from napari_unet.tasks import goes_with

if TYPE_CHECKING:
    from napari_unet.session.session import Session
_FROM_ELSEWHERE = (
    "The model has learned. What another program found stays here until you press "
    "Predict; Compare shows what the model finds, and changes nothing."
)


class Wiring:
    """Connects the parts of a session.

    Attributes
    ----------
    version_chosen : bool
        Whether the person went to another version since the training began, which
        what it makes must not replace.
    """

    def __init__(self, session: Session, hub: Hub, store: ModelStore) -> None:
        self._hub = hub
        self._store = store
        self._halt = session.halt
        self._projects = session.projects
        self._images = images = session.images
        self._models = models = session.models
        self._settings = settings = session.settings
        self._predicting = predicting = session.predicting
        self._training = training = session.training
        self._correcting = session.correcting
        self._growing = session.growing
        self._following = session.following
        self._live = live = session.live
        self._comparing = session.comparing
        self._effort = session.effort
        self._guiding = session.guiding
        self._learning_along = session.learning_along
        self._worklist = worklist = session.worklist
        self.version_chosen = False
        self._projects.opened.connect(self._on_project_opened)
        self._projects.created.connect(self._on_project_created)
        self._projects.closed.connect(self._on_project_closed)
        images.saved.connect(self._on_saved)
        images.current_changed.connect(self._on_image)
        images.released.connect(self._on_released)
        models.timeline.changed.connect(self._on_model)
        models.chosen.connect(self._keep_choice)
        models.versions.edited.connect(self._keep_choice)
        settings.changed.connect(self._keep_choice)
        settings.read_anew.connect(self._on_read_anew)
        worklist.rows.listed.connect(worklist.tell)
        worklist.rows.changed.connect(worklist.tell)
        worklist.going.moved.connect(worklist.tell)
        predicting.measured.connect(settings.tell)
        predicting.applied.connect(self._on_applied)
        session.correcting.done.connect(session.effort.note_done)
        session.guiding.wanted.connect(session.effort.look)
        predicting.completed.connect(self._on_completed)
        predicting.finished.connect(live.note_whole)
        live.applied.connect(self._on_view)
        settings.undecoded.connect(live.look_again)
        training.improved.connect(self._on_improved)
        training.ended.connect(self._on_trained)
        training.started.connect(self._learning_along.note_training)

    def move(self, image: OpenImage, folder: Path) -> None:
        """Let work on an image go to another project, with what was trained on it."""
        self._models.take_along(image.project, self._projects.at(folder))
        image.saving.moving.start(folder)

    def _on_saved(self) -> None:
        self._images.tell()
        self._effort.move()
        self._list_again()
        self._come_home()

    def _on_image(self) -> None:
        self._comparing.look()
        self._effort.follow()
        self._tell_settings()
        self._come_home()
        self._worklist.ahead.arrive()

    def _on_released(self, image: OpenImage) -> None:
        self._worklist.note(image)
        self._predicting.forget(image)
        self._correcting.forget(image)
        self._growing.forget(image)
        self._following.paths.forget(image)
        self._live.forget(image)
        self._effort.forget(image)

    def _on_applied(self, image: OpenImage) -> None:
        self._effort.note_predicted(image)
        self._guiding.want()
        self._images.note_change(image)
        self._worklist.note(image, predicted=True)

    def _on_view(self, image: OpenImage) -> None:
        """Show a view, but order no views anew: the next one is predicted soon."""
        self._effort.note_predicted(image)
        self._images.note_change(image)

    def _on_completed(self, image: OpenImage) -> None:
        """Show a prediction that changes nothing, too."""
        self._images.show_labels(image)
        self._worklist.note(image, predicted=True)
        self._effort.note_predicted(image)
        self._guiding.want()

    def _on_model(self) -> None:
        self._guiding.drop()
        self._worklist.ahead.drop()
        self._models.tell()
        self._comparing.look()
        self._tell_settings()
        self._store.note_active()
        self._follow_model()

    def _tell_settings(self) -> None:
        self._settings.tell()
        self._settings.check_fit()

    def _keep_choice(self) -> None:
        self._store.want(chosen=True)

    def _on_read_anew(self) -> None:
        self._training.note_change()
        self._keep_choice()

    def _on_trained(self) -> None:
        self._learning_along.note_training()
        self._predicting.refresh.hurry()
        self._store.want(self._training.home, begin=True)

    def _come_home(self) -> None:
        """Bring the models of the project where the person works.

        One that others work in is asked anew each time.
        """
        place, locked = self._images.place
        self._models.come_to(place, again=locked)

    def _on_project_opened(self) -> None:
        self._put_all_away()
        self._come_home()
        self._worklist.listing.show_project(self._hub.state.project)

    def _on_project_created(self, project: Project, before: Project | None) -> None:
        self._come_home()
        for image in self._images:
            self.move(image, project.folder)
        self._store.want(begin=True)
        self._worklist.listing.keep_in(project)
        self._worklist.bring_into(project, before)

    def _list_again(self) -> None:
        """Show an image in its project once it is saved there."""
        image, project = self._images.current, self._hub.state.project
        if image is None or project is None or image.project.folder != project.folder:
            return
        if image.key not in {each.key for each in project.images}:
            self._projects.list_again()

    def _on_project_closed(self) -> None:
        self._put_all_away()
        self._worklist.listing.show_project(None)

    def _put_all_away(self) -> None:
        self._halt()
        self._images.release_all()

    def _on_improved(self, improved: Improved) -> None:
        home = self._training.home
        self._models.publish(improved, home, activate=not self.version_chosen)
        self._store.want(home, begin=True)
        if not self.version_chosen and not improved.record.worse:
            self._predicting.refresh.want()
            image = self._images.current
            if image is not None and image.annotation.history.from_elsewhere:
                self._hub.notice(_FROM_ELSEWHERE)

    def _follow_model(self) -> None:
        """Work on what the model predicts; what goes on for another task ends."""
        if self._models.active is None:
            return
        schema = schema_of(self._models.active.spec)
        if not goes_with(schema, self._images.schema):
            self._halt()
            # What the training still publishes must not bring its task back.
            self.version_chosen = True
        if schema != self._images.schema:
            self._images.set_schema(schema)
            self._worklist.listing.look_again()
