"""Models and settings are kept in projects, as labels are: by themselves.

Every version that training makes is a model folder in the project where the training
was started, written before the manifest names it. So a crash during training loses no
version that was better. What the manifest holds besides stays as it is: nothing is
removed but checkpoints of a training run of this session that a better one replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from napari_unet.core.jobs import drain
from napari_unet.errors import StorageError
from napari_unet.project.manifest import ImageReading, ModelEntry
from napari_unet.project.project import Project
from napari_unet.session.models.store import KeepModels, Kept, Signature
from napari_unet.session.models.timeline import Timeline
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.state_holder import StateHolder

_RETRY_SECONDS = 10.0


@dataclass(slots=True)
class _Duty:
    """What is to be done for one project."""

    begin: bool = False
    chosen: bool = False
    wanted: bool = False
    active: UUID | None = None
    done: Signature = ()
    not_before: float = 0.0
    told: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What keeping asks of the rest of a session.

    Parameters
    ----------
    home : callable
        Returns the project that models belong to now, or None.
    known : callable
        Returns whether it was looked what a project holds.
    minutes : callable
        Returns how long a training lasts in a project, or None.
    diameters : callable
        Returns the diameters that a person has set for open images of a project, or
        None, by the keys of images.
    readings : callable
        Returns what a person has said of how open images of a project are read, by the
        hashes of their pixels.
    training_over : callable
        Returns whether nobody will go on with a training of a project.
    usual : callable
        Returns whether the model predicts that does so where nobody chose one.
    """

    home: Callable[[], Project | None]
    known: Callable[[Project], bool]
    minutes: Callable[[Project], float | None]
    diameters: Callable[[Project], dict[str, float | None]]
    readings: Callable[[Project], dict[str, ImageReading]]
    training_over: Callable[[Project], bool]
    usual: Callable[[], bool]


class Keeping:
    """Keeps the timeline of models, and settings, in the projects they belong to.

    Parameters
    ----------
    runner : Runner
        Writes in the background.
    holder : StateHolder
        Where problems are told.
    projects : Projects
        Says who else writes.
    timeline : Timeline
        What is kept.
    around : Surroundings
        What is asked of the session.
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        projects: Projects,
        timeline: Timeline,
        around: Surroundings,
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._projects = projects
        self._timeline = timeline
        self._around = around
        self._clock = clock
        self._duties: dict[Project, _Duty] = {}

    def want(
        self,
        project: Project | None = None,
        *,
        begin: bool = False,
        chosen: bool = False,
    ) -> None:
        """Keep what there is, soon.

        Parameters
        ----------
        project : Project, optional
            Where; in the project that models belong to now without one.
        begin : bool
            Also where no work was done in the project yet: the person did something
            that is worth to begin with. Otherwise, to look at images writes nothing.
        chosen : bool
            Also where there is work of another day only: the person has chosen a model
            for it, thresholds, or the size of objects.
        """
        project = project or self._around.home()
        if project is not None:
            duty = self._duties.setdefault(project, _Duty())
            duty.wanted = True
            duty.begin |= begin
            duty.chosen |= chosen

    def note_active(self) -> None:
        """Note which model predicts in the project that models belong to now."""
        home, active = self._around.home(), self._timeline.active
        if home is not None and active is not None:
            self.want(home)
            self._duties[home].active = active.uuid

    def tick(self) -> None:
        """Keep what is to be kept; call it about once a second."""
        self.note_active()
        for project, duty in tuple(self._duties.items()):
            if self._clock() >= duty.not_before and self._is_due(project, duty):
                self._start(project, duty)

    def finish(self) -> list[str]:
        """Keep what is to be kept before this returns; nothing else runs any more.

        Returns
        -------
        list of str
            What could not be kept, in words.
        """
        self.note_active()
        problems = []
        for project, duty in self._duties.items():
            if not self._is_due(project, duty):
                continue
            try:
                project.claim()
                drain(KeepModels(project, self._settled(project, duty)).run())
            except StorageError as error:
                problems.append(str(self._failed(duty, error)))
        return problems

    def _is_due(self, project: Project, duty: _Duty) -> bool:
        if project in self._projects.busy or not self._around.known(project):
            return False
        if not self._worth_keeping(project, duty):
            return False
        return self._settled(project, duty).signature != duty.done

    def _worth_keeping(self, project: Project, duty: _Duty) -> bool:
        """Whether work was begun, with more than the usual model as it is."""
        if duty.begin:
            return True
        begun = project.working or (duty.chosen and project.store.files.exists)
        return begun and (duty.chosen or self._is_unusual(project))

    def _is_unusual(self, project: Project) -> bool:
        """Whether a project has models, or should predict with another than usual."""
        if any(each.home is project for each in self._timeline.versions):
            return True
        return project is self._around.home() and not self._around.usual()

    def _settled(self, project: Project, duty: _Duty) -> Kept:
        """Return what a project should hold, with the model that predicts there."""
        if project is self._around.home() and self._timeline.active is not None:
            duty.active = self._timeline.settle(
                self._timeline.active.number, project
            ).uuid
        return Kept(
            tuple(v for v in self._timeline.versions if v.home is project),
            self._timeline.superseded,
            duty.active,
            self._around.minutes(project),
            self._around.diameters(project),
            self._around.readings(project),
            training_over=self._around.training_over(project),
        )

    def _start(self, project: Project, duty: _Duty) -> None:
        kept = self._settled(project, duty)
        try:
            project.claim()
        except StorageError as error:
            self._failed(duty, error)
            return
        self._projects.busy.add(project)
        self._runner.start(
            KeepModels(project, kept),
            Handlers(
                result=lambda entries: self._done(project, kept, entries),
                error=lambda error: self._done(project, kept, error),
                closed=lambda: self._done(project, kept, _interrupted()),
            ),
        )

    def _done(
        self,
        project: Project,
        kept: Kept,
        outcome: tuple[ModelEntry, ...] | Exception,
    ) -> None:
        self._projects.busy.discard(project)
        duty = self._duties[project]
        if isinstance(outcome, Exception):
            self._failed(duty, outcome)
        else:
            duty.done = kept.signature
            self._take_back(duty)
            self._timeline.note_stored(project, outcome)
        if project is not self._around.home():
            project.leave()

    def _failed(self, duty: _Duty, error: Exception) -> StorageError:
        duty.not_before = self._clock() + _RETRY_SECONDS
        told = StorageError(f"The model is not kept: {error}")
        duty.told = str(told)
        self._holder.report("finetune", told)
        return told

    def _take_back(self, duty: _Duty) -> None:
        """Say no longer that the model is not kept."""
        told, duty.told = duty.told, ""
        shown = self._holder.state.problems.get("finetune")
        if told and shown is not None and shown.text == told:
            self._holder.clear("finetune")


def _interrupted() -> StorageError:
    return StorageError("writing was interrupted.")
