"""Models that come in other ways than as a folder: zip files, and descriptions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from napari_unet.errors import ModelError
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.folder import (
    LARGEST_SPEC,
    SPEC_FILE,
    WEIGHTS_FILE,
    model_folder,
    parse_spec,
    read_model,
    read_spec,
)
from napari_unet.weights.model import Model


def describe(name_or_path: str) -> ModelSpec:
    """Return a description: of a model, or from a file like its `model.json`.

    Raises
    ------
    ModelError
        If there is none.
    """
    path = Path(name_or_path)
    if not path.is_file():
        return read_spec(model_folder(name_or_path))
    with path.open("rb") as file:
        return parse_spec(file.read(LARGEST_SPEC + 1), name_or_path)


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
