"""Models and settings are kept in projects, as labels are: by themselves.

Every version that training makes is a model folder in the project where the training
was started, written before the manifest names it. So a crash during training loses no
version that was better. What the manifest holds besides stays as it is: nothing is
removed but checkpoints of a training run of this session that a better one replaced,
and, when the session ends, what a person deleted: until then that can be brought back.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from napari_unet import models, weights
from napari_unet.core.jobs import Job, drain
from napari_unet.errors import ModelError, StorageError
from napari_unet.project.layout import model_folder
from napari_unet.project.manifest import ImageReading, Manifest, ModelEntry
from napari_unet.project.model_store import all_models, last_number
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.images.images import Images
from napari_unet.session.interruption import remove_earlier
from napari_unet.session.models.models import Models
from napari_unet.session.models.restore import load_entry
from napari_unet.session.models.timeline import ModelVersion
from napari_unet.session.settings import Settings
from napari_unet.session.training import Training
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model

_RETRY_SECONDS = 10.0

Signature: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a project should hold of models and settings; what it has besides stays.

    That is all but the versions that are `superseded` or were deleted, and what a
    training kept to go on with, when that is over. Where nobody chose a version that
    predicts, or said how many minutes a training lasts, the project keeps what it has.
    """

    versions: tuple[ModelVersion, ...]
    superseded: frozenset[UUID]
    active: UUID | None
    minutes: float | None
    diameters: Mapping[str, float | None]
    readings: Mapping[str, ImageReading | None]
    training_over: bool

    @property
    def signature(self) -> Signature:
        """Equal as long as there is nothing new to keep."""
        versions = tuple((v.uuid, v.name, _decoding(v)) for v in self.versions)
        return versions, replace(self, versions=())


@dataclass(frozen=True, slots=True, eq=False)
class WriteModels(Job[None, tuple[ModelEntry, ...]]):
    """Write versions that are new, then the manifest, which keeps all it had."""

    project: Project
    kept: Contents

    def run(self) -> Generator[None, None, tuple[ModelEntry, ...]]:
        """Write; return what the project holds now."""
        project, kept = self.project, self.kept
        files = project.store.files
        held = all_models(files.models, project.store.read()[0].models)
        entries = {entry.uuid: entry for entry in held}
        number = max(last_number(files.models), *(entry.number for entry in held), 0)
        for version in kept.versions:
            entry = entries.get(version.uuid)
            if entry is None:
                model = version.model or _load(version)
                if model is None:  # lost there, which is told where it is chosen
                    continue
                number += 1
                entry = _write(project, version, model, number)
            entries[version.uuid] = _as_it_is_now(entry, version)
            yield
        replaced = [e for uuid, e in entries.items() if uuid in kept.superseded]
        stay = [e for uuid, e in entries.items() if uuid not in kept.superseded]
        models = tuple(sorted(stay, key=lambda entry: entry.number))
        project.store.update(lambda manifest: _changed(manifest, models, kept))
        for entry in replaced:
            if entry.folder is not None:
                shutil.rmtree(files.models / entry.folder, ignore_errors=True)
        if kept.training_over:
            shutil.rmtree(files.training, ignore_errors=True)
        remove_earlier(files.training, {*entries})
        return models


def _changed(
    manifest: Manifest, models: tuple[ModelEntry, ...], kept: Contents
) -> Manifest:
    """Return a manifest with these models, and what the person chose."""
    before = [e.uuid for e in manifest.models if e.number == manifest.active_model]
    numbers = {entry.uuid: entry.number for entry in models}
    chosen = [numbers[u] for u in (kept.active, *before) if u in numbers]
    sizes = {**manifest.settings.diameters, **kept.diameters}
    readings = {**manifest.settings.readings, **kept.readings}
    changed = manifest.with_settings(
        minutes=kept.minutes or manifest.settings.minutes,
        diameters={k: size for k, size in sizes.items() if size is not None},
        readings={k: said for k, said in readings.items() if said is not None},
    )
    active = next(iter(chosen), None)
    return changed.model_copy(update={"models": models, "active_model": active})


def _load(version: ModelVersion) -> Model | None:
    """Return a version that lies in another project; None if it is lost there."""
    stored = version.stored
    with suppress(ModelError):
        return load_entry(stored.project, stored.entry) if stored is not None else None
    return None


def _write(
    project: Project, version: ModelVersion, model: Model, number: int
) -> ModelEntry:
    folder = checksum = None
    if not version.built_in:
        # Imported in the background: torch takes seconds.
        words = re.sub("[^a-z0-9]+", "-", version.note.lower()).strip("-")
        folder = model_folder(number, words)
        target = project.store.files.models / folder
        if version.came_with is not None:
            model = model.with_decoding(version.came_with)
        weights.save_model(
            model, target, record=version.record, training=version.training
        )
        checksum = models.read_spec(target).checksum
    return ModelEntry(
        number=number,
        record=version.record,
        built_in=version.built_in or None,
        folder=folder,
        checksum=checksum,
        note=version.note[:1024],
        preset=version.preset,
    )


def _as_it_is_now(entry: ModelEntry, version: ModelVersion) -> ModelEntry:
    """Return an entry with the name and the thresholds that a version has now."""
    decoding = _decoding(version) or entry.decoding
    return entry.model_copy(update={"name": version.name, "decoding": decoding})


def _decoding(version: ModelVersion) -> Decoding | None:
    """Return the thresholds of a version, where it has any."""
    if version.model is None:
        return version.stored.entry.decoding if version.stored is not None else None
    spec = version.model.spec
    return spec.decoding if task_of(spec).labels.objects else None


@dataclass(slots=True)
class _Plan:
    """What is to be kept in one project: see `ModelStore.want`."""

    begin: bool = False
    chosen: bool = False
    active: UUID | None = None
    done: Signature = ()
    not_before: float = 0.0
    told: str = ""


class ModelStore:
    """Keeps models and settings in the projects they belong to."""

    def __init__(
        self,
        hub: Hub,
        images: Images,
        models: Models,
        settings: Settings,
        training: Training,
    ) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._timeline = models.timeline
        self._settings = settings
        self._training = training
        self._plans: dict[Project, _Plan] = {}
        self._ending = False

    def want(
        self,
        project: Project | None = None,
        *,
        begin: bool = False,
        chosen: bool = False,
    ) -> None:
        """Keep what there is, soon, in a project or where models belong to now.

        To look at images writes nothing. Where no work was done yet, something is kept
        if the person did what is worth to `begin` with; where there is work of another
        day only, if a model, thresholds, or the size of objects were `chosen` for it.
        """
        project = project or self._images.home
        if project is not None:
            plan = self._plans.setdefault(project, _Plan())
            plan.begin |= begin
            plan.chosen |= chosen

    def note_active(self) -> None:
        """Note which model predicts in the project that models belong to now."""
        home, active = self._images.home, self._timeline.active
        if home is not None and active is not None:
            self.want(home)
            self._plans[home].active = active.uuid

    def tick(self) -> None:
        """Keep what is to be kept; call it about once a second."""
        self.note_active()
        for project, plan in tuple(self._plans.items()):
            if self._hub.clock() >= plan.not_before and self._is_due(project, plan):
                self._start(project, plan)

    def finish(self) -> list[str]:
        """Keep all before this returns, as nothing else runs any more.

        Returns what could not be kept, in words.
        """
        self._ending = True
        self.note_active()
        problems = []
        for project, plan in self._plans.items():
            if not self._is_due(project, plan):
                continue
            try:
                project.claim()
                drain(WriteModels(project, self._settled(project, plan)).run())
            except StorageError as error:
                problems.append(str(self._failed(plan, error)))
        return problems

    def _is_due(self, project: Project, plan: _Plan) -> bool:
        if project in self._images.projects.busy:
            return False
        if not self._models.restorer.knows(project):
            return False
        if not self._worth_keeping(project, plan):
            return False
        return self._settled(project, plan).signature != plan.done

    def _worth_keeping(self, project: Project, plan: _Plan) -> bool:
        """Whether work was begun, with more than the usual model as it is."""
        if plan.begin:
            return True
        begun = project.working or (plan.chosen and project.store.files.exists)
        return begun and (plan.chosen or self._is_unusual(project))

    def _is_unusual(self, project: Project) -> bool:
        """Whether a project has models, or should predict with another than usual."""
        if any(each.home is project for each in self._timeline.versions):
            return True
        active = self._timeline.active
        usual = active is None or active.number == self._models.loader.default
        return project is self._images.home and not usual

    def _settled(self, project: Project, plan: _Plan) -> Contents:
        """Return what a project should hold, with the model that predicts there."""
        active = self._timeline.active
        if project is self._images.home and active is not None:
            plan.active = self._timeline.settle(active.number, project).uuid
        restorer = self._models.restorer
        # Where nobody will go on with a training of the project, if there was one.
        over = restorer.understands(project) and project not in restorer.interrupted
        return Contents(
            tuple(v for v in self._timeline.versions if v.home is project),
            self._timeline.superseded | self._deleted(project),
            plan.active,
            restorer.minutes.get(project),
            self._settings.diameters(project),
            self._settings.readings(project),
            training_over=over and not self._training.goes_on_in(project),
        )

    def _deleted(self, project: Project) -> frozenset[UUID]:
        """Return what a person deleted in a project, when it is to go for good."""
        gone = (version for _, version in self._timeline.deleted if self._ending)
        return frozenset(each.uuid for each in gone if each.home is project)

    def _start(self, project: Project, plan: _Plan) -> None:
        kept = self._settled(project, plan)
        try:
            project.claim()
        except StorageError as error:
            self._failed(plan, error)
            return
        self._images.projects.write(
            project,
            WriteModels(project, kept),
            lambda outcome: self._done(project, kept, outcome),
        )

    def _done(
        self,
        project: Project,
        kept: Contents,
        outcome: tuple[ModelEntry, ...] | Exception,
    ) -> None:
        plan = self._plans[project]
        if isinstance(outcome, Exception):
            self._failed(plan, outcome)
        else:
            plan.done = kept.signature
            self._take_back(plan)
            self._timeline.note_stored(project, outcome)
        if project is not self._images.home:
            project.leave()

    def _failed(self, plan: _Plan, error: Exception) -> StorageError:
        plan.not_before = self._hub.clock() + _RETRY_SECONDS
        told = StorageError(f"The model is not kept: {error}")
        plan.told = str(told)
        self._hub.report("finetune", told)
        return told

    def _take_back(self, plan: _Plan) -> None:
        """Say no longer that the model is not kept."""
        told, plan.told = plan.told, ""
        shown = self._hub.state.problems.get("finetune")
        if told and shown is not None and shown.text == told:
            self._hub.clear("finetune")
