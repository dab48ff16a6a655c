"""Models are loaded and saved in the background, and remembered for the next start."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet import learning, models, nets, weights
from napari_unet.core.jobs import Job
from napari_unet.errors import StorageError
from napari_unet.models.library import ModelLibrary, OwnModel
from napari_unet.models.record import ModelRecord
from napari_unet.session.models.restore import load_entry
from napari_unet.session.models.timeline import ModelVersion
from napari_unet.session.status import EngineStatus

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model that was loaded.

    Parameters
    ----------
    model : Model
        It.
    record : ModelRecord
        What it is.
    source : str
        Its folder, unless it is built in.
    own_models : tuple of OwnModel or None
        The person's models from now on, if the list has changed.
    problem : str
        Why it is not in that list, or nothing.
    """

    model: Model
    record: ModelRecord
    source: str = ""
    own_models: tuple[OwnModel, ...] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """Where a model was saved, the person's models, and what did not work."""

    folder: Path
    own_models: tuple[OwnModel, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class StartEngine(Job[None, EngineStatus]):
    """Import the engine, which takes seconds, and ask what it offers."""

    library: ModelLibrary

    def run(self) -> Generator[None, None, EngineStatus]:
        """Import it, and look at the device."""
        yield
        device = nets.resolve_device("auto")
        learning.get_ready_to_train()
        yield
        text = nets.describe_device(device)
        if device.type == "cpu" and _nvidia_card_present():
            text += (
                " (there is an NVIDIA card, but this torch cannot use it: see README)"
            )
        names = tuple(spec.name for spec in models.list_models())
        return EngineStatus(True, text, names, self.library.read())


@dataclass(frozen=True, slots=True, eq=False)
class LoadModel(Job[None, Loaded]):
    """Load a model; see `napari_unet.weights.folder.load_model`."""

    name_or_path: str
    library: ModelLibrary

    def run(self) -> Generator[None, None, Loaded]:
        """Load it, and note its folder in the list of models."""
        yield
        name, library = self.name_or_path, self.library
        model = weights.load_model(name)
        record = models.read_record(name)
        if models.is_built_in(name):
            return Loaded(model, record)
        folder = Path(name).expanduser().absolute()
        try:
            return Loaded(model, record, str(folder), library.add(folder))
        except StorageError as error:
            return Loaded(model, record, str(folder), problem=_not_listed(error))


@dataclass(frozen=True, slots=True, eq=False)
class SaveModel(Job[None, Saved]):
    """Save a model in a new folder; see `napari_unet.weights.folder.save_model`."""

    model: Model
    record: ModelRecord
    folder: Path
    library: ModelLibrary

    def run(self) -> Generator[None, None, Saved]:
        """Save it, and note its folder in the list of models."""
        model, folder, library = self.model, self.folder, self.library
        yield
        named = model.spec.model_copy(update={"name": folder.name})
        weights.save_model(
            type(model)(named, model.net), folder, record=self.record.child()
        )
        try:
            return Saved(folder, library.add(folder))
        except StorageError as error:
            return Saved(folder, library.read(), _not_listed(error))


@dataclass(frozen=True, slots=True, eq=False)
class ForgetModel(Job[None, tuple[OwnModel, ...]]):
    """Take a model folder off the list of a person's models."""

    folder: Path
    library: ModelLibrary

    def run(self) -> Generator[None, None, tuple[OwnModel, ...]]:
        """Take it off."""
        yield
        return self.library.remove(self.folder)


@dataclass(frozen=True, slots=True, eq=False)
class LoadVersion(Job[None, "tuple[Model, Model]"]):
    """Load a version that lies on the disk; as it was made, and as it is used."""

    version: ModelVersion

    def run(self) -> Generator[None, None, tuple[Model, Model]]:
        """Load its weights."""
        version = self.version
        yield
        if version.stored is None or version.model is not None:
            raise StorageError("The model version is nowhere on the disk.")
        entry = version.stored.entry
        as_made = load_entry(version.stored.project, entry)
        decoding = entry.decoding or as_made.spec.decoding
        return as_made, as_made.with_decoding(decoding)


def _not_listed(error: StorageError) -> str:
    return f"It will not be in the list of models next time: {error}"


def _nvidia_card_present() -> bool:
    return _NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi") is not None
