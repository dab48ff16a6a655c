"""What projects bring of models, settings and interrupted trainings.

A project that a person comes to is asked once. Its models join the list; which one
predicts depends on whether the person has chosen one: that one goes on, or else the one
that predicted there last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from napari_unet.errors import ModelError
from napari_unet.project.project import Project
from napari_unet.session.models.restore import Restored, RestoreModels
from napari_unet.session.models.timeline import ModelVersion, Stored, Timeline
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.state_holder import StateHolder


class Restoring:
    """Brings models of projects into the timeline.

    Parameters
    ----------
    runner : Runner
        Reads in the background.
    holder : StateHolder
        Where the state is told.
    timeline : Timeline
        Where models come.
    chosen : callable
        Returns whether the person has chosen what predicts.
    default : callable
        Returns the number of the version that is there because nobody chose one.
    activate : callable
        Lets a version predict, by its number.

    Attributes
    ----------
    interrupted : set of Project
        Where there is a training to go on with.
    minutes : dict of Project to float
        How long a training lasts, where that is known.
    """

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        timeline: Timeline,
        chosen: Callable[[], bool],
        default: Callable[[], int],
        activate: Callable[[int], object],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._timeline = timeline
        self._chosen = chosen
        self._default = default
        self._activate = activate
        self._active: dict[Project, UUID | None] = {}
        self._asked: set[Project] = set()
        self._failed: set[Project] = set()
        self._place: Project | None = None
        self.interrupted: set[Project] = set()
        self.minutes: dict[Project, float] = {}

    def knows(self, project: Project) -> bool:
        """Whether it was looked what a project holds."""
        return project in self._active

    def understands(self, project: Project) -> bool:
        """Whether all that a project holds could be read."""
        return project in self._active and project not in self._failed

    def waits_for(self, project: Project | None) -> bool:
        """Whether a project is being asked now."""
        return project in self._asked

    def come_to(self, project: Project | None, *, again: bool = False) -> None:
        """Go on in a project, with its models if it has any.

        Parameters
        ----------
        again : bool
            Look again what it holds, since others work in it.
        """
        self._place = project
        if project is None or project in self._asked:
            return
        if project in self._active and not again:
            self._arrive(project)
            return
        self._asked.add(project)
        self._runner.start(
            RestoreModels(project),
            Handlers(
                result=lambda restored: self._on_restored(project, restored),
                error=lambda error: self._on_failed(project, error),
                closed=lambda: self._asked.discard(project),
            ),
        )

    def _on_failed(self, project: Project, error: Exception) -> None:
        self._asked.discard(project)
        self._active.setdefault(project, None)
        self._failed.add(project)
        self._holder.report("model", error)

    def _on_restored(self, project: Project, restored: Restored) -> None:
        self._asked.discard(project)
        self._failed.discard(project)
        active = restored.active
        self._active[project] = active.uuid if active is not None else None
        if restored.settings is not None:
            self.minutes[project] = restored.settings.minutes
        if restored.told:
            self._holder.report("model", ModelError(restored.told))
        self._merge(project, restored)
        if restored.interruption is not None:
            self.interrupted.add(project)
            self._holder.notice(restored.interruption.describe())
        if project is self._place:
            self._arrive(project)

    def _merge(self, project: Project, restored: Restored) -> None:
        lost = restored.lost_versions
        versions = [_at_home(v, project) for v in (*restored.versions, *lost)]
        if not versions:
            return
        here = project is self._place
        takes_over = here and not self._chosen()
        active = lost[-1] if lost else restored.active
        uuid = active.uuid if active is not None and takes_over else None
        if uuid is not None:
            self._active[project] = uuid
            self._holder.show(loading="")
        self._timeline.merge(versions, uuid, without=self._default())
        if not self._holder.state.loading:
            words = self._welcome(taken_over=uuid is not None)
            self._holder.say(words, "version")

    def _welcome(self, *, taken_over: bool) -> str:
        active = self._timeline.active
        if taken_over or active is None or active.model is None:
            return "Your models are here again."
        return (
            "Your earlier models are here again, in the list of versions; "
            f"{active.model.name} goes on predicting."
        )

    def _arrive(self, project: Project) -> None:
        """Go on with what a project has: its minutes, and its model or its like."""
        if project in self.minutes:
            self._holder.show(minutes=self.minutes[project])
        there = self._to_go_on_with(project)
        if there is not None and there is not self._timeline.active:
            self._activate(there.number)

    def _to_go_on_with(self, project: Project) -> ModelVersion | None:
        """Return a version of a project that should predict there, if there is one."""
        active = self._timeline.active
        last = self._active.get(project)
        if last is not None and not self._chosen():
            return self._timeline.find(last, project)
        return None if active is None else self._timeline.find(active.uuid, project)


def _at_home(version: ModelVersion, project: Project) -> ModelVersion:
    """Return a version that this very project keeps, not its copy in a job."""
    there = version.stored
    stored = Stored(project, there.entry) if there is not None else None
    return replace(version, home=project, stored=stored)
