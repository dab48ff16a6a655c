"""Models and settings are kept in projects, as labels are: by themselves.

Every version that training makes is a model folder in the project where the training
was started, written before the manifest names it. So a crash during training loses no
version that was better. What the manifest holds besides stays as it is: nothing is
removed but checkpoints of a training run of this session that a better one replaced.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from napari_unet import models, weights
from napari_unet.core.jobs import Job, drain
from napari_unet.errors import ModelError, StorageError
from napari_unet.project.layout import model_folder
from napari_unet.project.manifest import ImageReading, Manifest, ModelEntry
from napari_unet.project.model_store import all_models, last_number
from napari_unet.project.project import Project
from napari_unet.session.images.images import Images
from napari_unet.session.interruption import remove_earlier
from napari_unet.session.models.models import Models
from napari_unet.session.models.restore import load_entry
from napari_unet.session.models.timeline import ModelVersion
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.settings import Settings
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.training import Training
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model

_RETRY_SECONDS = 10.0

Signature: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What a project should hold of models and settings.

    Parameters
    ----------
    versions : tuple of ModelVersion
        Those that the session knows of it; what it holds besides stays.
    superseded : frozenset of UUID
        Those that it should not hold any more.
    active : UUID or None
        The one that predicts there; as it was before, if nobody chose one.
    minutes : float or None
        How long a training lasts; as it was before, if nobody said it.
    diameters, readings : mapping
        Of some images; what is kept of others stays.
    training_over : bool
        Whether what a training kept to go on with is not needed any more.
    """

    versions: tuple[ModelVersion, ...]
    superseded: frozenset[UUID] = frozenset()
    active: UUID | None = None
    minutes: float | None = None
    diameters: Mapping[str, float | None] = field(default_factory=dict)
    readings: Mapping[str, ImageReading] = field(default_factory=dict)
    training_over: bool = False

    @property
    def signature(self) -> Signature:
        """Equal as long as there is nothing new to keep."""
        versions = tuple((each.uuid, _decoding(each)) for each in self.versions)
        sizes = tuple(sorted(self.diameters.items()))
        gone, over = self.superseded, self.training_over
        read = tuple(sorted((k, v.axes, v.channels) for k, v in self.readings.items()))
        return versions, gone, self.active, self.minutes, sizes, read, over


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
            entries[version.uuid] = _tuned(entry, version)
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
    settings = manifest.settings.model_copy(
        update={
            "minutes": kept.minutes or manifest.settings.minutes,
            "diameters": {k: size for k, size in sizes.items() if size is not None},
            "readings": {**manifest.settings.readings, **kept.readings},
        }
    )
    active = next(iter(chosen), None)
    update = {"models": models, "active_model": active, "settings": settings}
    return manifest.model_copy(update=update)


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
        weights.save_model(model, target, record=version.record)
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


def _tuned(entry: ModelEntry, version: ModelVersion) -> ModelEntry:
    """Return an entry with the thresholds that a version has now."""
    decoding = _decoding(version)
    return entry.model_copy(update={"decoding": decoding}) if decoding else entry


def _decoding(version: ModelVersion) -> Decoding | None:
    """Return the thresholds of a version, where it has any."""
    if version.model is None:
        return version.stored.entry.decoding if version.stored is not None else None
    spec = version.model.spec
    return spec.decoding if task_of(spec).outputs.sized else None


@dataclass(slots=True)
class _Plan:
    """What is to be done for one project."""

    begin: bool = False
    chosen: bool = False
    wanted: bool = False
    active: UUID | None = None
    done: Signature = ()
    not_before: float = 0.0
    told: str = ""


class ModelStore:
    """Keeps models and settings in the projects they belong to.

    Parameters
    ----------
    images, models, settings, training : Images, Models, Settings, Training
        What is kept, and where it belongs.
    """

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        projects: Projects,
        images: Images,
        models: Models,
        settings: Settings,
        training: Training,
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._projects = projects
        self._images = images
        self._models = models
        self._timeline = models.timeline
        self._settings = settings
        self._training = training
        self._clock = clock
        self._duties: dict[Project, _Plan] = {}

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
        project = project or self._images.home
        if project is not None:
            duty = self._duties.setdefault(project, _Plan())
            duty.wanted = True
            duty.begin |= begin
            duty.chosen |= chosen

    def note_active(self) -> None:
        """Note which model predicts in the project that models belong to now."""
        home, active = self._images.home, self._timeline.active
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
                drain(WriteModels(project, self._settled(project, duty)).run())
            except StorageError as error:
                problems.append(str(self._failed(duty, error)))
        return problems

    def _is_due(self, project: Project, duty: _Plan) -> bool:
        if project in self._projects.busy or not self._models.restoring.knows(project):
            return False
        if not self._worth_keeping(project, duty):
            return False
        return self._settled(project, duty).signature != duty.done

    def _worth_keeping(self, project: Project, duty: _Plan) -> bool:
        """Whether work was begun, with more than the usual model as it is."""
        if duty.begin:
            return True
        begun = project.working or (duty.chosen and project.store.files.exists)
        return begun and (duty.chosen or self._is_unusual(project))

    def _is_unusual(self, project: Project) -> bool:
        """Whether a project has models, or should predict with another than usual."""
        if any(each.home is project for each in self._timeline.versions):
            return True
        return project is self._images.home and not self._models.usual

    def _settled(self, project: Project, duty: _Plan) -> Contents:
        """Return what a project should hold, with the model that predicts there."""
        if project is self._images.home and self._timeline.active is not None:
            duty.active = self._timeline.settle(
                self._timeline.active.number, project
            ).uuid
        return Contents(
            tuple(v for v in self._timeline.versions if v.home is project),
            self._timeline.superseded,
            duty.active,
            self._models.restoring.minutes.get(project),
            self._settings.diameters(project),
            self._settings.readings(project),
            training_over=self._training_over(project),
        )

    def _training_over(self, project: Project) -> bool:
        """Whether nobody will go on with a training of a project."""
        restoring = self._models.restoring
        done = restoring.understands(project) and project not in restoring.interrupted
        return done and not self._training.goes_on_in(project)

    def _start(self, project: Project, duty: _Plan) -> None:
        kept = self._settled(project, duty)
        try:
            project.claim()
        except StorageError as error:
            self._failed(duty, error)
            return
        self._projects.busy.add(project)
        self._runner.start(
            WriteModels(project, kept),
            Handlers(
                result=lambda entries: self._done(project, kept, entries),
                error=lambda error: self._done(project, kept, error),
                closed=lambda: self._done(project, kept, _interrupted()),
            ),
        )

    def _done(
        self,
        project: Project,
        kept: Contents,
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
        if project is not self._images.home:
            project.leave()

    def _failed(self, duty: _Plan, error: Exception) -> StorageError:
        duty.not_before = self._clock() + _RETRY_SECONDS
        told = StorageError(f"The model is not kept: {error}")
        duty.told = str(told)
        self._holder.report("finetune", told)
        return told

    def _take_back(self, duty: _Plan) -> None:
        """Say no longer that the model is not kept."""
        told, duty.told = duty.told, ""
        shown = self._holder.state.problems.get("finetune")
        if told and shown is not None and shown.text == told:
            self._holder.clear("finetune")


def _interrupted() -> StorageError:
    return StorageError("writing was interrupted.")
