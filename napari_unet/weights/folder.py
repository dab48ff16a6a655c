"""Models on the disk, with their weights: safetensors and JSON, no pickle anywhere."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors.torch

from napari_unet.core.atomic import write_folder_atomically
from napari_unet.errors import InputError, ModelError
from napari_unet.models.card import CARD_FILE, card_text
from napari_unet.models.folder import (
    SPEC_FILE,
    WEIGHTS_FILE,
    model_folder,
    parse_spec,
    read_spec,
    refuse_leaving,
    replaceable,
    unreadable,
    weights_checksum,
)
from napari_unet.models.record import (
    RECORD_FILE,
    ModelRecord,
    new_record,
    record_as_text,
)
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training import TRAINING_FILE, TrainingNotes
from napari_unet.nets.build import build, outline
from napari_unet.weights.model import Model
from napari_unet.weights.weights_file import read_state


def load_model(name_or_path: str | Path) -> Model:
    """Load a built-in model or a model folder.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a built-in model, or a folder that `save_model` wrote.

    Returns
    -------
    Model
        Ready to predict; never changed by anybody.

    Raises
    ------
    ModelError
        If the model does not exist, a file is missing or broken, or the weights do
        not fit the description.
    """
    folder = model_folder(name_or_path)
    spec = read_spec(folder)
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelError(
            f"The model folder {folder} has no {WEIGHTS_FILE}; copy the whole "
            "folder or choose another model."
        )
    refuse_leaving(path)
    try:
        with path.open("rb") as file:
            return read_model(spec, file, path.stat().st_size, str(path))
    except OSError as error:
        raise unreadable(path, error) from error


def save_model(
    model: Model,
    folder: str | Path,
    overwrite: bool = False,
    record: ModelRecord | None = None,
    training: TrainingNotes | None = None,
) -> None:
    """Write a model folder: all of it or nothing.

    Parameters
    ----------
    model : Model
        What to write.
    folder : str or Path
        Where; its parent exists.
    overwrite : bool
        Whether an existing model folder may be replaced.
    record : ModelRecord, optional
        What the model is and where it comes from, where that is known; it is a new
        model otherwise.
    training : TrainingNotes, optional
        How it was trained, for the person who finds the folder.

    Raises
    ------
    InputError
        If the folder exists and `overwrite` is False.
    StorageError
        If it cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not overwrite:
        raise InputError(
            f"{folder} exists already; choose another place or allow overwriting "
            "(--overwrite)."
        )
    state = {k: v.contiguous() for k, v in model.net.state_dict().items()}
    # Not `save_file`, which keeps the file from everybody but its owner.
    weights = safetensors.torch.save(state)
    checksum = weights_checksum(io.BytesIO(weights))
    spec = model.spec.model_copy(update={"checksum": checksum})
    record = record or new_record()
    texts = {
        SPEC_FILE: json.dumps(spec.model_dump(mode="json"), indent=2) + "\n",
        RECORD_FILE: record_as_text(record, checksum),
        CARD_FILE: card_text(spec, record, training),
    }
    if training is not None:
        texts[TRAINING_FILE] = training.model_dump_json(indent=2) + "\n"

    def write(target: Path) -> None:
        (target / WEIGHTS_FILE).write_bytes(weights)
        for name, text in texts.items():
            (target / name).write_text(text, encoding="utf-8")

    write_folder_atomically(
        folder, write, overwrite=overwrite, earlier=replaceable(folder)
    )


def read_model(spec: ModelSpec, weights: BinaryIO, size: int, name: str) -> Model:
    """Make a model of a description and a safetensors file of `size` bytes.

    A ModelError says that the network is too large or needs a package that is missing,
    or that the file, called `name`, holds other weights, or not those that were saved.
    """
    try:
        state = read_state(weights, size, outline(spec), name)
        net = build(spec)
    except InputError as error:
        raise ModelError(f"{name}: {error}") from error
    if spec.checksum not in (None, weights_checksum(weights)):
        raise ModelError(
            f"{name} is not what was saved with its {SPEC_FILE} (the checksum "
            "differs); copy the whole model folder again, or choose another model."
        )
    net.load_state_dict(state)
    # Training makes other weights of them.
    return Model(spec.model_copy(update={"checksum": None}), net.eval())


def unpack_model(members: Mapping[str, bytes], name: str) -> Model:
    """Make a model of the files of a model folder.

    Parameters
    ----------
    members : mapping of str to bytes
        By name, with or without the folder's.
    name : str
        What to call them in an error.

    Raises
    ------
    ModelError
        If they are not those of one model folder.
    """
    folders = {key.removesuffix(SPEC_FILE) for key in members if _is_spec(key)}
    if len(folders) != 1:
        raise ModelError(
            f"Expected one {SPEC_FILE} in {name!r}, at the top or in a folder, found "
            f"{len(folders)}; zip the folder of one model."
        )
    (folder,) = folders
    weights = members.get(folder + WEIGHTS_FILE)
    if weights is None:
        raise ModelError(
            f"{name!r} has no {WEIGHTS_FILE} beside its {SPEC_FILE}; zip the whole "
            "folder of the model."
        )
    spec = parse_spec(members[folder + SPEC_FILE], f"{SPEC_FILE} in {name!r}")
    place = f"{WEIGHTS_FILE} in {name!r}"
    return read_model(spec, io.BytesIO(weights), len(weights), place)


def _is_spec(key: str) -> bool:
    folder, _, file = key.rpartition("/")
    return file == SPEC_FILE and "/" not in folder
