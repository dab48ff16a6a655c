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

from napari_unet.errors import ModelError, StorageError
from napari_unet.project.manifest import ImageReading, Manifest, ModelEntry
from napari_unet.project.model_store import all_models, last_number
from napari_unet.project.project import Project
from napari_unet.session.projects import Projects
from napari_unet.session.restore import load_entry
from napari_unet.session.runner import Runner
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.timeline import ModelVersion, Timeline

if TYPE_CHECKING:
    from napari_unet.core.instances import Decoding
    from napari_unet.engine.model import Model

_RETRY_SECONDS = 10.0

Signature: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
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


@dataclass(slots=True)
class _Duty:
    """What is to be done for one project."""

    begin: bool = False
    chosen: bool = False
    wanted: bool = False
    active: UUID | None = None
    done: Signature = ()
    not_before: float = 0.0


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
                for _ in iter_keep(project, self._settled(project, duty)):
                    pass
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
            iter_keep(project, kept),
            on_event=lambda _: None,
            on_return=lambda entries: self._done(project, kept, entries),
            on_error=lambda error: self._done(project, kept, error),
            on_closed=lambda: self._done(project, kept, _interrupted()),
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
            self._timeline.note_stored(project, outcome)
        if project is not self._around.home():
            project.leave()

    def _failed(self, duty: _Duty, error: Exception) -> StorageError:
        duty.not_before = self._clock() + _RETRY_SECONDS
        told = StorageError(f"The model is not kept: {error}")
        self._holder.report("finetune", told)
        return told


def iter_keep(
    project: Project, kept: Kept
) -> Generator[None, None, tuple[ModelEntry, ...]]:
    """Write versions that are new, then the manifest, which keeps all it had.

    Returns
    -------
    tuple of ModelEntry
        What the project holds now.
    """
    files = project.store.files
    held = all_models(files.models, project.store.read()[0].models)
    entries = {entry.uuid: entry for entry in held}
    number = max(last_number(files.models), *(entry.number for entry in held), 0)
    for version in kept.versions:
        entry = entries.get(version.uuid)
        if entry is None:
            model = version.model or _load(version)
            if model is None:  # lost where it lies, which is told where it is chosen
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
    return models


def _changed(
    manifest: Manifest, models: tuple[ModelEntry, ...], kept: Kept
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
        from napari_unet.engine.weights import (
            read_spec,
            save_model,
        )

        words = re.sub("[^a-z0-9]+", "-", version.note.lower()).strip("-")
        folder = f"{number}-{words[:60].strip('-') or 'model'}"
        target = project.store.files.models / folder
        save_model(model, target, record=version.record)
        checksum = read_spec(target).checksum
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
    return spec.decoding if spec.task == "instances" else None


def _interrupted() -> StorageError:
    return StorageError("writing was interrupted.")
