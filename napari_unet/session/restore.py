"""The models of a project come back when it is opened again."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet.errors import ModelError, NapariUnetError
from napari_unet.project.manifest import ModelEntry, Settings
from napari_unet.project.project import Project
from napari_unet.session.interruption import Interruption, find_interruption

if TYPE_CHECKING:
    from napari_unet.engine.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """What a project knows of models.

    Parameters
    ----------
    project : Project
        Where they lie.
    settings : Settings
        What the person chose.
    versions : tuple of (ModelEntry, Model)
        Those that can be loaded, oldest first, as they were made.
    active : int or None
        Number of the one that predicted last.
    interruption : Interruption or None
        A training that came to no end.
    told : str
        Which cannot be loaded, and why; or nothing.
    """

    project: Project
    settings: Settings
    versions: tuple[tuple[ModelEntry, Model], ...]
    active: int | None
    interruption: Interruption | None = None
    told: str = ""

    @property
    def lost_version(self) -> Interruption | None:
        """An interruption whose best model is not among the versions."""
        found = self.interruption
        if found is None or found.best is None:
            return None
        scores = {entry.score for entry, _ in self.versions}
        return None if found.score in scores else found


def iter_restore(project: Project) -> Generator[None, None, Restored]:
    """Load the models of a project; one that is damaged does not stop the others.

    Raises
    ------
    StorageError
        If the project cannot be read.
    """
    yield
    manifest, _ = project.store.read()
    loaded, problems = [], []
    for entry in manifest.models:
        try:
            loaded.append((entry, _load_as_made(project, entry)))
        except NapariUnetError as error:
            problems.append(str(error))
        yield
    return Restored(
        project,
        manifest.settings,
        tuple(loaded),
        manifest.active_model,
        find_interruption(project.store.files.training),
        f"A version of the model is lost. {problems[0]}" if problems else "",
    )


def _load_as_made(project: Project, entry: ModelEntry) -> Model:
    # Imported in the background: torch takes seconds.
    from napari_unet.engine.weights import (
        WEIGHTS_FILE,
        load_model,
        weights_checksum,
    )

    if entry.built_in is not None:
        return load_model(entry.built_in)
    folder = project.store.files.models / str(entry.folder)
    weights = folder / WEIGHTS_FILE
    checked = entry.checksum is not None and weights.is_file()
    if checked and weights_checksum(weights.read_bytes()) != entry.checksum:
        raise ModelError(f"{weights} is not what was saved.")
    return load_model(folder)
