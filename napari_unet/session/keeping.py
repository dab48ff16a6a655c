"""Models and settings are kept in the project, as labels are: by themselves.

Every version that training makes is a model folder in the project, written before the
manifest names it. So a crash during training loses no version that was better.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from napari_unet.errors import StorageError
from napari_unet.project.manifest import (
    ImageReading,
    Manifest,
    ModelEntry,
    Settings,
)
from napari_unet.project.project import Project
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Runner
from napari_unet.session.state import StateHolder
from napari_unet.session.timeline import ModelVersion, Timeline

if TYPE_CHECKING:
    from pathlib import Path

_RETRY_SECONDS = 10.0
_FOLDER = re.compile(r"[0-9]+-[a-z0-9-]+")


class Keeping:
    """Keeps the timeline of models, and settings, in the project.

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
    diameters : callable
        Returns the diameters that a person has set for open images of a project, or
        None, by the keys of images.
    readings : callable
        Returns what a person has said of how open images of a project are read, by the
        hashes of their pixels.
    home : callable
        Returns the project that models belong to now, or None.
    training_over : callable
        Returns whether nobody will go on with a training.
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        projects: Projects,
        timeline: Timeline,
        diameters: Callable[[Project], dict[str, float | None]],
        readings: Callable[[Project], dict[str, ImageReading]],
        home: Callable[[], Project | None],
        training_over: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._projects = projects
        self._timeline = timeline
        self._diameters = diameters
        self._readings = readings
        self._home = home
        self._training_over = training_over
        self._clock = clock
        self._entries: dict[Project, dict[int, ModelEntry]] = {}
        self._wanted = self._begin = self._tuned = False
        self._not_before = 0.0

    def want(self, *, begin: bool = False, tuned: bool = False) -> None:
        """Keep what there is, soon.

        Parameters
        ----------
        begin : bool
            Also where no work was done in the project yet: the person did something
            that is worth to begin with. Otherwise, to look at images writes nothing.
        tuned : bool
            Also where there are only models that are built in: the person has set
            thresholds, or the size of objects.
        """
        self._wanted = True
        self._begin |= begin
        self._tuned |= tuned

    def learn(self, project: Project, entries: dict[int, ModelEntry]) -> None:
        """Take note of where versions lie that were loaded from a project."""
        self._entries[project] = entries
        self._wanted = self._begin = False

    def tick(self) -> None:
        """Keep what is to be kept; call it about once a second."""
        project = self._home()
        if not self._wanted or project is None or self._clock() < self._not_before:
            return
        if project in self._projects.busy or not self._worth_keeping(project):
            return
        self._wanted = self._begin = self._tuned = False
        try:
            project.claim()
        except StorageError as error:
            self._failed(error)
            return
        self._projects.busy.add(project)
        self._runner.start(
            self._iter_keep(project),
            on_event=lambda _: None,
            on_return=lambda entries: self._done(project, entries),
            on_error=lambda error: self._done(project, error),
            on_closed=lambda: self._done(project, _interrupted()),
        )

    def finish(self) -> None:
        """Keep what is to be kept before this returns; nothing else runs any more."""
        project = self._home()
        if self._wanted and project is not None and self._worth_keeping(project):
            try:
                project.claim()
                for _ in self._iter_keep(project):
                    pass
            except StorageError as error:
                self._failed(error)

    def _worth_keeping(self, project: Project) -> bool:
        """Whether work was begun, with more than a built-in model as it is."""
        own = self._tuned or any(not each.built_in for each in self._timeline.versions)
        begun = project.working or (self._tuned and project.store.files.exists)
        return (own or self._begin) and (begun or self._begin)

    def _iter_keep(
        self, project: Project
    ) -> Generator[None, None, dict[int, ModelEntry]]:
        active, minutes = self._timeline.active, self._holder.state.minutes
        return iter_keep(
            project,
            self._timeline.versions,
            dict(self._entries.get(project, {})),
            active.number if active else 0,
            Settings(minutes=minutes),
            self._diameters(project),
            self._readings(project),
            training_over=self._training_over(),
        )

    def _done(
        self, project: Project, outcome: dict[int, ModelEntry] | Exception
    ) -> None:
        self._projects.busy.discard(project)
        if isinstance(outcome, Exception):
            self._failed(outcome)
        else:
            self._entries[project] = outcome

    def _failed(self, error: Exception) -> None:
        self.want(begin=True, tuned=True)
        self._not_before = self._clock() + _RETRY_SECONDS
        self._holder.report("finetune", StorageError(f"The model is not kept: {error}"))


def iter_keep(
    project: Project,
    versions: Sequence[ModelVersion],
    entries: dict[int, ModelEntry],
    active: int,
    settings: Settings,
    diameters: Mapping[str, float | None],
    readings: Mapping[str, ImageReading],
    *,
    training_over: bool,
) -> Generator[None, None, dict[int, ModelEntry]]:
    """Write versions that are new, then the manifest; forget what is not wanted.

    Parameters
    ----------
    entries : dict of int to ModelEntry
        What the project holds already, by the numbers of versions.
    active : int
        Number of the version that predicts.
    settings : Settings
        What the person chose, but for diameters and readings.
    diameters, readings : mapping
        Of some images; what is kept of others stays.
    training_over : bool
        Whether what a training kept to go on with is not needed any more.

    Returns
    -------
    dict of int to ModelEntry
        What the project holds now.
    """
    held = project.store.read()[0].models
    number = max((entry.number for entry in held), default=0)
    kept: dict[int, ModelEntry] = {}
    for version in versions:
        entry = entries.get(version.number)
        if entry is None:
            number += 1
            entry = _write(project, version, number)
        kept[version.number] = _tuned(entry, version)
        yield
    chosen = kept[active].number if active in kept else None
    models = tuple(sorted(kept.values(), key=lambda entry: entry.number))

    def change(manifest: Manifest) -> Manifest:
        sizes = {**manifest.settings.diameters, **diameters}
        told = {key: size for key, size in sizes.items() if size is not None}
        read = {**manifest.settings.readings, **readings}
        chosen_now = settings.model_copy(update={"diameters": told, "readings": read})
        update = {"models": models, "active_model": chosen, "settings": chosen_now}
        return manifest.model_copy(update=update)

    project.store.update(change)
    _remove_others(project.store.files.models, {entry.folder for entry in models})
    if training_over:
        shutil.rmtree(project.store.files.training, ignore_errors=True)
    return kept


def _write(project: Project, version: ModelVersion, number: int) -> ModelEntry:
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
        save_model(version.model, target, overwrite=True)
        checksum = read_spec(target).checksum
    return ModelEntry(
        number=number,
        built_in=version.built_in or None,
        folder=folder,
        checksum=checksum,
        note=version.note[:1024],
        score=_finite(version.score),
        start_score=_finite(version.start_score),
        created=version.created,
        preset=version.preset,
    )


def _tuned(entry: ModelEntry, version: ModelVersion) -> ModelEntry:
    """Return an entry with the thresholds that a version has now."""
    if version.model.spec.task != "instances":
        return entry
    return entry.model_copy(update={"decoding": version.model.spec.decoding})


def _finite(score: float | None) -> float | None:
    return score if score is not None and math.isfinite(score) else None


def _remove_others(folder: Path, wanted: set[str | None]) -> None:
    """Remove versions that the manifest does not name any more."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name not in wanted and _FOLDER.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)


def _interrupted() -> StorageError:
    return StorageError("writing was interrupted.")
