"""What a project should hold of models and settings, and how that is written.

A model is a folder that is written before the manifest names it, and nothing that could
bring it back is removed before that.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from napari_unet import models, weights
from napari_unet.core.jobs import Job
from napari_unet.errors import ModelError
from napari_unet.project.layout import model_folder
from napari_unet.project.manifest import ImageReading, Manifest, ModelEntry
from napari_unet.project.model_store import all_models, last_number
from napari_unet.project.project import Project
from napari_unet.session.interruption import remove_earlier
from napari_unet.session.models.restore import load_entry
from napari_unet.session.models.timeline import ModelVersion
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model

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


@dataclass(frozen=True, slots=True, eq=False)
class KeepModels(Job[None, tuple[ModelEntry, ...]]):
    """Write versions that are new, then the manifest, which keeps all it had."""

    project: Project
    kept: Kept

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
                if (
                    model is None
                ):  # lost where it lies, which is told where it is chosen
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
