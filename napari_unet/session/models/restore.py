"""The models of a project come back when it is opened again.

A project that a person comes to is asked once. Its models join the list; which one
predicts depends on whether the person has chosen one: that one goes on, or else the one
that predicted there last.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from napari_unet import models, weights
from napari_unet.core.jobs import Job
from napari_unet.errors import ModelError, NapariUnetError
from napari_unet.models.record import newest_of_run
from napari_unet.project.manifest import Manifest, ModelEntry, Settings
from napari_unet.project.model_store import all_models
from napari_unet.project.project import Project
from napari_unet.session.interruption import (
    Interruption,
    find_earlier,
    find_interruption,
)
from napari_unet.session.models.timeline import MOST_LOADED, ModelVersion, Stored
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.state_holder import StateHolder

if TYPE_CHECKING:
    from napari_unet.session.models.models import Models
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class ProjectModels:
    """What a project knows of models.

    Parameters
    ----------
    settings : Settings or None
        What the person chose; None where nothing was ever kept.
    versions : tuple of ModelVersion
        Oldest first; the weights of old ones are loaded when they are chosen.
    active : ModelVersion or None
        The one that predicted last.
    interruption : Interruption or None
        A training that came to no end.
    earlier : tuple of Interruption
        Others, before it, whose best models were not kept any more.
    told : str
        Which cannot be loaded, and why; or nothing.
    """

    settings: Settings | None
    versions: tuple[ModelVersion, ...]
    active: ModelVersion | None = None
    interruption: Interruption | None = None
    earlier: tuple[Interruption, ...] = ()
    told: str = ""

    @property
    def lost_versions(self) -> tuple[ModelVersion, ...]:
        """The best models of rounds, where no version of their runs is as good."""
        last = () if self.interruption is None else (self.interruption,)
        found = (self._lost(each) for each in (*self.earlier, *last))
        return tuple(version for version in found if version is not None)

    def _lost(self, found: Interruption) -> ModelVersion | None:
        if found.best is None:
            return None
        steps = newest_of_run([v.record for v in self.versions], found.run)
        if steps is not None and steps >= found.best_step:
            return None
        note = "interrupted training"
        return ModelVersion(0, found.record, found.best, note)


@dataclass(frozen=True, slots=True, eq=False)
class RestoreModels(Job[None, ProjectModels]):
    """Load the models of a project; one that is damaged does not stop the others."""

    project: Project

    def run(self) -> Generator[None, None, ProjectModels]:
        """Load what there is.

        Raises
        ------
        StorageError
            If the project cannot be read.
        """
        project = self.project
        yield
        files = project.store.files
        manifest, _ = project.store.read()
        entries = all_models(files.models, manifest.models)
        yield
        loaded, problems = [], []
        wanted = _to_be_loaded(manifest, entries)
        for entry in entries:
            try:
                model = load_entry(project, entry) if entry.number in wanted else None
                loaded.append(version_of(project, entry, model))
            except NapariUnetError as error:
                problems.append(str(error))
            yield
        active = _active_of(manifest, loaded)
        return ProjectModels(
            manifest.settings if files.exists else None,
            tuple(loaded),
            active,
            find_interruption(files.training),
            tuple(find_earlier(files.training)),
            f"A version of the model is lost. {problems[0]}" if problems else "",
        )


def _to_be_loaded(manifest: Manifest, entries: tuple[ModelEntry, ...]) -> set[int]:
    numbers = {entry.number for entry in entries[-MOST_LOADED:]}
    return numbers | {manifest.active_model or 0}


def _active_of(manifest: Manifest, loaded: list[ModelVersion]) -> ModelVersion | None:
    """Return the version that predicted last; the newest where that is lost."""
    uuids = [e.uuid for e in manifest.models if e.number == manifest.active_model]
    chosen = [version for version in loaded if version.uuid in uuids]
    usable = [version for version in loaded if version.model is not None]
    return next(iter(chosen), None) or next(reversed(usable), None)


def load_entry(project: Project, entry: ModelEntry) -> Model:
    """Load a version of a project as it was made, without moved thresholds.

    Raises
    ------
    ModelError
        If it is missing, damaged, or not what was saved.
    """
    if entry.built_in is not None:
        return weights.load_model(entry.built_in)
    folder = project.store.files.models / str(entry.folder)
    file = folder / models.WEIGHTS_FILE
    checked = entry.checksum is not None and file.is_file()
    if checked and models.weights_checksum(file) != entry.checksum:
        raise ModelError(f"{file} is not what was saved.")
    return weights.load_model(folder)


def version_of(
    project: Project, entry: ModelEntry, as_made: Model | None
) -> ModelVersion:
    """Return a version of a project, with the thresholds that it has there."""
    model, came_with = as_made, None
    if as_made is not None and entry.decoding not in (None, as_made.spec.decoding):
        model, came_with = as_made.with_decoding(entry.decoding), as_made.spec.decoding
    return ModelVersion(
        entry.number,
        entry.record,
        model,
        entry.note,
        entry.preset,
        entry.built_in or "",
        came_with=came_with,
        home=project,
        stored=Stored(project, entry),
    )


class Restoring:
    """Brings models of projects into the timeline.

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
        models: Models,
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._models = models
        self._timeline = models.timeline
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

    def _on_restored(self, project: Project, restored: ProjectModels) -> None:
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

    def _merge(self, project: Project, restored: ProjectModels) -> None:
        lost = restored.lost_versions
        versions = [_at_home(v, project) for v in (*restored.versions, *lost)]
        if not versions:
            return
        here = project is self._place
        takes_over = here and not self._models.loader.has_chosen
        active = lost[-1] if lost else restored.active
        uuid = active.uuid if active is not None and takes_over else None
        if uuid is not None:
            self._active[project] = uuid
            self._holder.show(loading="")
        self._timeline.merge(versions, uuid, without=self._models.loader.default)
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
            self._models.loader.go_to(there.number)

    def _to_go_on_with(self, project: Project) -> ModelVersion | None:
        """Return a version of a project that should predict there, if there is one."""
        active = self._timeline.active
        last = self._active.get(project)
        if last is not None and not self._models.loader.has_chosen:
            return self._timeline.find(last, project)
        return None if active is None else self._timeline.find(active.uuid, project)


def _at_home(version: ModelVersion, project: Project) -> ModelVersion:
    """Return a version that this very project keeps, not its copy in a job."""
    there = version.stored
    stored = Stored(project, there.entry) if there is not None else None
    return replace(version, home=project, stored=stored)
