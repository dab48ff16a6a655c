"""Models are loaded and saved in the background, and remembered for the next start."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.errors import StorageError
from napari_unet.models.library import ModelLibrary, OwnModel
from napari_unet.models.record import ModelRecord
from napari_unet.session.restore import load_entry
from napari_unet.session.timeline import ModelVersion

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Engine:
    """What the engine offers on this machine, and which models a person has."""

    device: str
    models: tuple[str, ...]
    own_models: tuple[OwnModel, ...]


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


def iter_start_engine(library: ModelLibrary) -> Generator[None, None, Engine]:
    """Import the engine, which takes seconds, and ask what it offers."""
    from napari_unet.learning.optimize import get_ready_to_train
    from napari_unet.nets.device import describe_device, resolve_device
    from napari_unet.weights.folder import list_models

    yield
    device = resolve_device("auto")
    get_ready_to_train()
    yield
    text = describe_device(device)
    if device.type == "cpu" and _nvidia_card_present():
        text += " (there is an NVIDIA card, but this torch cannot use it: see README)"
    names = tuple(spec.name for spec in list_models())
    return Engine(text, names, library.read())


def iter_load(
    name_or_path: str, library: ModelLibrary
) -> Generator[None, None, Loaded]:
    """Load a model; see `napari_unet.weights.folder.load_model`."""
    from napari_unet.weights.folder import is_built_in, load_model, read_record

    yield
    model = load_model(name_or_path)
    record = read_record(name_or_path)
    if is_built_in(name_or_path):
        return Loaded(model, record)
    folder = Path(name_or_path).expanduser().absolute()
    try:
        return Loaded(model, record, str(folder), library.add(folder))
    except StorageError as error:
        return Loaded(model, record, str(folder), problem=_not_listed(error))


def iter_save(
    model: Model, record: ModelRecord, folder: Path, library: ModelLibrary
) -> Generator[None, None, Saved]:
    """Save a model in a new folder; see `napari_unet.weights.folder.save_model`."""
    from napari_unet.weights.folder import save_model

    yield
    named = model.spec.model_copy(update={"name": folder.name})
    save_model(type(model)(named, model.net), folder, record=record.child())
    try:
        return Saved(folder, library.add(folder))
    except StorageError as error:
        return Saved(folder, library.read(), _not_listed(error))


def iter_forget(
    folder: Path, library: ModelLibrary
) -> Generator[None, None, tuple[OwnModel, ...]]:
    """Take a model folder off the list of a person's models."""
    yield
    return library.remove(folder)


def iter_load_version(
    version: ModelVersion,
) -> Generator[None, None, tuple[Model, Model]]:
    """Load a version that lies on the disk; as it was made, and as it is used."""
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
