"""The models of a project come back when it is opened again."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
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
class RestoreModels(Job[None, Restored]):
    """Load the models of a project; one that is damaged does not stop the others."""

    project: Project

    def run(self) -> Generator[None, None, Restored]:
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
        return Restored(
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
