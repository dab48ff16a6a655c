"""What a person's work costs, and whether it is time to stop.

How it flows: every change of an open image goes to its `Pace`. When a view is accepted,
what it took becomes a line of its project (`project.finished`), which is read again
when an image of that project is opened. All lines of these projects that are about the
task at hand are what the advice stands on.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.edits import AcceptView, TakeToCorrect
from napari_unet.annotation.pace import Pace
from napari_unet.core.jobs import Job
from napari_unet.project.finished import Finished, append_finished, read_finished
from napari_unet.scores.effort import FinishedView, advise
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.models.models import Models
from napari_unet.session.runner import Handlers
from napari_unet.session.status import EffortState
from napari_unet.tasks import task_of


@dataclass(slots=True, eq=False)
class _Sitting:
    """The work on an open image: where it is written down, and what is going on.

    `accepted` are the views of this sitting, by the step that accepted them.
    """

    folder: Path
    key: str
    pace: Pace
    model: str = ""
    accepted: dict[int, Finished] = field(default_factory=dict)


class Effort:
    """Writes down what finished views took, and says what follows from it."""

    def __init__(self, hub: Hub, images: Images, models: Models) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._sittings: dict[OpenImage, _Sitting] = {}
        self._known: dict[Path, list[Finished]] = {}

    def follow(self) -> None:
        """Listen to the current image, and learn what is known of its project."""
        image = self._images.current
        if image is not None and image not in self._sittings:
            self._sittings[image] = _Sitting(image.project.folder, image.key, Pace())
            image.heard = lambda change: self._note(image, change)
        if image is not None:
            self._read(image.project.folder)
        self.tell()

    def forget(self, image: OpenImage) -> None:
        """Listen no more to an image that is put away."""
        if self._sittings.pop(image, None):
            image.heard = None
            self.tell()

    def note_predicted(self, image: OpenImage) -> None:
        """Note which model has predicted an image."""
        version = self._models.timeline.active
        if (sitting := self._sittings.get(image)) and version is not None:
            sitting.model = str(version.uuid)

    def look(self, image: OpenImage) -> None:
        """Note that the person looks at an image."""
        if sitting := self._sittings.get(image):
            sitting.pace.look(self._hub.clock())

    def note_done(self, image: OpenImage, edit: Edit, change: Change | None) -> None:
        """Write a view down that was accepted; labels from elsewhere are no model's."""
        sitting = self._sittings.get(image)
        if sitting is not None and isinstance(edit, TakeToCorrect):
            sitting.model = ""
        if sitting is None or not isinstance(edit, AcceptView):
            return
        spent, strokes, about = sitting.pace.finish(edit.box)
        if change is None and not strokes:
            sitting.pace.seconds += spent
            return
        counted = task_of(image.schema).labels.objects
        objects = about | (change.ids if change is not None else frozenset())
        self._move(image, sitting)
        finished = Finished(
            image=sitting.key,
            time=datetime.now(UTC),
            task=image.schema.task,
            seconds=round(spent, 1),
            corrections=len(about) if counted else strokes,
            objects=len(objects) if counted else None,
            model=sitting.model,
        )
        if change is not None:
            sitting.accepted[change.stroke] = finished
        self._write(sitting, finished)

    def move(self) -> None:
        """Let what is known of images go where their work has gone."""
        for image, sitting in self._sittings.items():
            self._move(image, sitting)
        self.tell()

    def tell(self) -> None:
        """Show what follows from what is known."""
        folders = dict.fromkeys(each.folder for each in self._sittings.values())
        task = self._images.schema.task
        views = [v for f in folders for v in self._known.get(f, ()) if v.task == task]
        views.sort(key=lambda view: view.time)
        spent = sum(view.seconds for view in views)
        spent += sum(each.pace.seconds for each in self._sittings.values())
        advice = advise([_told(view) for view in views]) if self._sittings else ""
        self._hub.show(effort=EffortState(advice, len(views), int(spent // 60)))

    def _note(self, image: OpenImage, change: Change) -> None:
        sitting = self._sittings[image]
        sitting.pace.note(change, self._hub.clock())
        accepted = sitting.accepted.get(change.stroke)
        if accepted is not None and change.kind in ("undo", "redo"):
            withdrawn = {"withdrawn": change.kind == "undo"}
            self._write(sitting, accepted.model_copy(update=withdrawn))

    def _write(self, sitting: _Sitting, finished: Finished) -> None:
        known = self._known.setdefault(sitting.folder, [])
        same = (finished.image, finished.time)
        known[:] = [each for each in known if (each.image, each.time) != same]
        if not finished.withdrawn:
            known.append(finished)
        append_finished(sitting.folder, [finished])
        self.tell()

    def _move(self, image: OpenImage, sitting: _Sitting) -> None:
        """Write down anew what is known of an image whose project is another one."""
        folder, key = image.project.folder, image.key
        if (folder, key) == (sitting.folder, sitting.key) or not image.project.working:
            return
        known = self._known.get(sitting.folder, [])
        own = [each for each in known if each.image == sitting.key]
        moved = [each.model_copy(update={"image": key}) for each in own]
        known[:] = [each for each in known if each.image != sitting.key]
        self._known.setdefault(folder, []).extend(moved)
        append_finished(folder, moved)
        sitting.folder, sitting.key = folder, key
        sitting.accepted = {
            step: each.model_copy(update={"image": key})
            for step, each in sitting.accepted.items()
        }

    def _read(self, folder: Path) -> None:
        if folder in self._known:
            return
        self._known[folder] = []
        self._hub.runner.start(
            ReadFinished(folder),
            Handlers(result=lambda found: self._on_read(folder, found)),
        )

    def _on_read(self, folder: Path, found: tuple[Finished, ...]) -> None:
        """Put what was read before what happened meanwhile."""
        known = self._known[folder]
        here = {(each.image, each.time) for each in known}
        known[:0] = [each for each in found if (each.image, each.time) not in here]
        self.tell()


def _told(view: Finished) -> FinishedView:
    return FinishedView(view.seconds, view.corrections, view.objects, view.model)


@dataclass(frozen=True, slots=True)
class ReadFinished(Job[None, tuple[Finished, ...]]):
    """Read which views of a project were finished before."""

    folder: Path

    def run(self) -> Generator[None, None, tuple[Finished, ...]]:
        """Read them."""
        yield
        return read_finished(self.folder)
