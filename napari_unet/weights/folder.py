"""Model folders: `model.json` and `weights.safetensors`, no pickle anywhere."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import safetensors.torch
from pydantic import ValidationError

from napari_unet.core.atomic import write_folder_atomically
from napari_unet.core.strict_json import parse_json
from napari_unet.core.validation import first_problem
from napari_unet.errors import InputError, ModelError
from napari_unet.models.record import (
    LARGEST_RECORD,
    RECORD_FILE,
    ModelRecord,
    built_in_uuid,
    new_record,
    parse_record,
    record_as_text,
    uuid_of,
)
from napari_unet.models.spec import FORMAT_VERSION, ModelSpec
from napari_unet.weights.model import Model
from napari_unet.weights.weights_file import read_state

SPEC_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
_BUILT_IN = Path(__file__).parents[1] / "models"
LARGEST_SPEC = 1_000_000


def list_models() -> list[ModelSpec]:
    """Return the descriptions of the built-in models, sorted by name."""
    return [read_spec(f.parent) for f in sorted(_BUILT_IN.glob(f"*/{SPEC_FILE}"))]


def model_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a built-in model or of a path.

    Raises
    ------
    ModelError
        If there is neither.
    """
    if not isinstance(name_or_path, str | Path):
        raise ModelError(
            f"Expected the name of a model or its folder, found {name_or_path!r}."
        )
    built_in = _built_in_names()
    if str(name_or_path) in built_in:
        return _BUILT_IN / name_or_path
    # A name may be too long for a path, or that of a home that nobody has.
    with contextlib.suppress(OSError, RuntimeError):
        path = Path(name_or_path).expanduser()
        if path.is_dir():
            return path
    known = ", ".join(sorted(built_in)) or "none"
    raise ModelError(
        f"There is no model {str(name_or_path)!r}: it is neither a built-in model "
        f"({known}) nor a model folder; check the name or the path."
    )


def is_built_in(name_or_path: str | Path) -> bool:
    """Whether that is the name of a built-in model."""
    return str(name_or_path) in _built_in_names()


def _built_in_names() -> set[str]:
    return {folder.parent.name for folder in _BUILT_IN.glob(f"*/{SPEC_FILE}")}


def model_size(name_or_path: str | Path) -> float:
    """Return the size of a model's weights in megabytes (10^6 bytes)."""
    return (model_folder(name_or_path) / WEIGHTS_FILE).stat().st_size / 1e6


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
    _refuse_leaving(path)
    try:
        with path.open("rb") as file:
            return read_model(spec, file, path.stat().st_size, str(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def save_model(
    model: Model,
    folder: str | Path,
    overwrite: bool = False,
    record: ModelRecord | None = None,
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
    checksum = weights_checksum(weights)
    spec = model.spec.model_copy(update={"checksum": checksum})

    def write(target: Path) -> None:
        text = json.dumps(spec.model_dump(mode="json"), indent=2)
        (target / SPEC_FILE).write_text(text + "\n", encoding="utf-8")
        (target / WEIGHTS_FILE).write_bytes(weights)
        text = record_as_text(record or new_record(), checksum)
        (target / RECORD_FILE).write_text(text, encoding="utf-8")

    write_folder_atomically(folder, write, overwrite=overwrite)


def read_record(name_or_path: str | Path) -> ModelRecord:
    """Return what a built-in model or a model folder is.

    A folder without a record, or with that of other weights, is known by its content:
    always as the same model.

    Raises
    ------
    ModelError
        If there is no such model, or its description cannot be read.
    """
    folder = model_folder(name_or_path)
    spec, weights = read_spec(folder), folder / WEIGHTS_FILE
    created = datetime.fromtimestamp(weights.stat().st_mtime, UTC)
    if folder.parent == _BUILT_IN:
        name = folder.name
        return ModelRecord(uuid=built_in_uuid(name), replay=name, created=created)
    path = folder / RECORD_FILE
    if path.is_file() and not path.is_symlink():
        record = parse_record(path.read_bytes()[: LARGEST_RECORD + 1], spec.checksum)
        if record is not None:
            return record
    checksum = spec.checksum or weights_checksum(weights.read_bytes())
    uuid = uuid_of("model folder", spec.name, checksum)
    return ModelRecord(uuid=uuid, created=created)


def weights_checksum(weights: bytes) -> str:
    """Return a hash of the content of a file of weights."""
    return blake2b(weights, digest_size=16).hexdigest()


def read_spec(folder: Path) -> ModelSpec:
    """Read the description of a model folder.

    Raises
    ------
    ModelError
        If it is missing, too large, no JSON, or not a description this version knows.
    """
    path = folder / SPEC_FILE
    if not path.is_file():
        raise ModelError(
            f"{folder} is not a model folder: it has no {SPEC_FILE}; "
            "choose a folder that napari-unet saved."
        )
    _refuse_leaving(path)
    try:
        if path.stat().st_size > LARGEST_SPEC:
            raise ModelError(
                f"{path} is too large for a model description; it is broken."
            )
        return parse_spec(path.read_bytes(), str(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def parse_spec(text: bytes, name: str) -> ModelSpec:
    """Return the description that a text is.

    Parameters
    ----------
    text : bytes
        JSON.
    name : str
        What to call it in an error.

    Raises
    ------
    ModelError
        If it is none that this version knows.
    """
    try:
        content = parse_json(text, most_bytes=LARGEST_SPEC)
    except ValueError as error:
        raise ModelError(
            f"{name} is not valid JSON ({error}); restore the file or choose "
            "another model."
        ) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelError(
            f"{name} was written by a newer napari-unet (format {version}, this one "
            f"reads {FORMAT_VERSION}); update napari-unet."
        )
    try:
        return ModelSpec.model_validate(content)
    except ValidationError as error:
        where, words = first_problem(error, "the file")
        raise ModelError(
            f"{name} does not describe a model: {where[:200]}: {words}; restore the "
            "file or choose another model."
        ) from error


def read_model(spec: ModelSpec, weights: BinaryIO, size: int, name: str) -> Model:
    """Make a model of a description and a safetensors file.

    Parameters
    ----------
    weights : file
        Binary, at its start.
    size : int
        Its length in bytes.
    name : str
        What to call it in an error.

    Raises
    ------
    ModelError
        If the network is too large, needs a package that is missing, or the weights
        are not exactly those of the network, or not those that were saved.
    """
    try:
        state = read_state(weights, size, spec.outline(), name)
        net = spec.build()
    except InputError as error:
        raise ModelError(f"{name}: {error}") from error
    weights.seek(0)
    if spec.checksum not in (None, weights_checksum(weights.read())):
        raise ModelError(
            f"{name} is not what was saved with its {SPEC_FILE} (the checksum "
            "differs); copy the whole model folder again, or choose another model."
        )
    net.load_state_dict(state)
    # Training makes other weights of them.
    return Model(spec.model_copy(update={"checksum": None}), net.eval())


def _refuse_leaving(path: Path) -> None:
    """Refuse a file of a model folder that is a link to somewhere else."""
    if path.resolve().parent != path.parent.resolve():
        raise ModelError(
            f"{path} is a link that leads out of its model folder; copy the file "
            "itself into the folder, or choose another model."
        )


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"{path} cannot be read ({error.strerror or error}); change its permissions or "
        "choose another model."
    )
