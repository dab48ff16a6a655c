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
from napari_unet.models.training import TrainingNotes
from napari_unet.project.manifest import Manifest, ModelEntry, Settings
from napari_unet.project.model_store import all_models
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.interruption import (
    Interruption,
    find_earlier,
    find_interruption,
)
from napari_unet.session.models.timeline import MOST_LOADED, ModelVersion, Stored
from napari_unet.session.runner import Handlers

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.session.models.models import Models
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class ProjectModels:
    """What a project knows of models.

    There are no settings where nothing was ever kept. Versions are there from the
    oldest on; the weights of old ones are loaded when they are chosen. `active` is the
    one that predicted last; `interruption` is a training that came to no end, and
    `earlier` are others, before it, whose best models were not kept any more. `told`
    says which versions cannot be loaded, and why.
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
        return tuple(
            ModelVersion(0, found.record, found.best, "interrupted training")
            for found in (*self.earlier, *last)
            if found.best is not None
            and found.record.is_news(each.record for each in self.versions)
        )


@dataclass(frozen=True, slots=True, eq=False)
class RestoreModels(Job[None, ProjectModels]):
    """Load the models of a project; one that is damaged does not stop the others."""

    project: Project

    def run(self) -> Generator[None, None, ProjectModels]:
        """Load what there is."""
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
    """Return the version that predicted last; the newest good one if that is lost."""
    uuids = [e.uuid for e in manifest.models if e.number == manifest.active_model]
    chosen = [version for version in loaded if version.uuid in uuids]
    usable = [v for v in loaded if v.model is not None and not v.record.worse]
    return next(iter(chosen), None) or next(reversed(usable), None)


def load_entry(project: Project, entry: ModelEntry) -> Model:
    """Load a version of a project as it was made, without moved thresholds.

    A ModelError says that it is missing, damaged, or not what was saved.
    """
    if entry.built_in is not None:
        return weights.load_model(entry.built_in)
    folder = project.store.files.models / str(entry.folder)
    file = folder / models.WEIGHTS_FILE
    checked = entry.checksum is not None and file.is_file()
    if checked and models.weights_checksum(file) != entry.checksum:
        raise ModelError(f"{file} is not what was saved.")
    return weights.load_model(folder)


def with_thresholds(
    as_made: Model, decoding: Decoding | None
) -> tuple[Model, Decoding | None]:
    """Return a model with its own or other thresholds; and its own, if these moved.

    Thresholds of another way to find objects are of no use to it: a built-in model of
    that name may have become another one since they were moved.
    """
    model = as_made.with_decoding(decoding) if decoding else as_made
    return model, None if model is as_made else as_made.spec.decoding


def version_of(
    project: Project, entry: ModelEntry, as_made: Model | None
) -> ModelVersion:
    """Return a version of a project, with the thresholds that it has there."""
    model, came_with = None, None
    if as_made is not None:
        model, came_with = with_thresholds(as_made, entry.decoding)
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
        name=entry.name,
        training=_training_of(project, entry),
    )


def _training_of(project: Project, entry: ModelEntry) -> TrainingNotes | None:
    if entry.folder is None:
        return None
    return models.read_training(project.store.files.models / entry.folder)


class ModelRestorer:
    """Brings models of projects into the timeline.

    Attributes
    ----------
    interrupted : set of Project
        Where there is a training to go on with.
    minutes : dict of Project to float
        How long a training lasts, where that is known.
    """

    def __init__(self, hub: Hub, models: Models) -> None:
        self._hub = hub
        self._models = models
        self._timeline = models.timeline
        self._active: dict[Project, UUID | None] = {}
        self._asked: set[Project] = set()
        self._failed: set[Project] = set()
        self.interrupted: set[Project] = set()
        self.minutes: dict[Project, float] = {}

    def knows(self, project: Project) -> bool:
        """Whether it was looked what a project holds."""
        return project in self._active

    def understands(self, project: Project) -> bool:
        """Whether all that a project holds could be read."""
        return project in self._active and project not in self._failed

    def why_wait(self, project: Project | None) -> str:
        """Return why no training may begin in a project yet, or nothing."""
        if project in self._asked:
            return "The earlier models of this project are being loaded; wait a moment."
        return ""

    def come_to(self, project: Project | None, *, again: bool = False) -> None:
        """Go on in a project, with its models if it has any.

        If others work in it, it is looked `again` what it holds.
        """
        if project is None or project in self._asked:
            return
        if project in self._active and not again:
            self._arrive(project)
            return
        self._asked.add(project)
        self._hub.runner.start(
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
        self._hub.report("model", error)

    def _on_restored(self, project: Project, restored: ProjectModels) -> None:
        self._asked.discard(project)
        self._failed.discard(project)
        active = restored.active
        self._active[project] = active.uuid if active is not None else None
        if restored.settings is not None:
            self.minutes[project] = restored.settings.minutes
        if restored.told:
            self._hub.report("model", ModelError(restored.told))
        self._merge(project, restored)
        if restored.interruption is not None:
            self.interrupted.add(project)
            self._hub.notice(restored.interruption.describe())
        if project is self._models.place:
            self._arrive(project)

    def _merge(self, project: Project, restored: ProjectModels) -> None:
        lost = restored.lost_versions
        versions = [_at_home(v, project) for v in (*restored.versions, *lost)]
        if not versions:
            return
        here = project is self._models.place
        takes_over = here and not self._models.loader.has_chosen
        # One that was worse than its start waits in the list, as it did before.
        good = [each for each in lost if not each.record.worse]
        active = good[-1] if good else restored.active
        uuid = active.uuid if active is not None and takes_over else None
        if uuid is not None:
            self._active[project] = uuid
            self._hub.show(loading="")
        self._timeline.merge(versions, uuid, without=self._models.loader.default)
        if not self._hub.state.loading:
            words = self._welcome(taken_over=uuid is not None)
            self._hub.say(words, "version")

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
            self._hub.show(minutes=self.minutes[project])
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
