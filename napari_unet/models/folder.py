"""Model folders: descriptions, records and checksums, without torch.

A folder holds `model.json`, `weights.safetensors` and `record.json`, a README for
people and, where the model was trained here, `training.json`. The weights are
read by `napari_unet.weights.folder`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from napari_unet.core.validation import first_problem, parse_json
from napari_unet.errors import ModelError
from napari_unet.models.card import CARD_FILE, is_card
from napari_unet.models.record import (
    LARGEST_RECORD,
    RECORD_FILE,
    ModelRecord,
    built_in_uuid,
    parse_record,
    uuid_of,
)
from napari_unet.models.spec import FORMAT_VERSION, ModelSpec
from napari_unet.models.training import TRAINING_FILE, TrainingNotes, parse_training

SPEC_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
LARGEST_SPEC = 1_000_000

_OURS = (SPEC_FILE, WEIGHTS_FILE, RECORD_FILE, TRAINING_FILE)

_BUILT_IN = Path(__file__).parent


def list_models() -> list[ModelSpec]:
    """Return the descriptions of the built-in models, sorted by name."""
    return [read_spec(_BUILT_IN / name) for name in _built_in_names()]


def model_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a built-in model or of a path.

    Raises
    ------
    ModelError
        If there is neither.
    """
    if not isinstance(name_or_path, str | Path) or not str(name_or_path).strip():
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
    known = ", ".join(built_in) or "none"
    raise ModelError(
        f"There is no model {str(name_or_path)!r}: it is neither a built-in model "
        f"({known}) nor a model folder; check the name or the path."
    )


def is_built_in(name_or_path: str | Path) -> bool:
    """Whether that is the name of a built-in model."""
    return str(name_or_path) in _built_in_names()


def _built_in_names() -> list[str]:
    return sorted(file.parent.name for file in _BUILT_IN.glob(f"*/{SPEC_FILE}"))


def model_size(name_or_path: str | Path) -> float:
    """Return the size of a model's weights in megabytes (10^6 bytes)."""
    return (model_folder(name_or_path) / WEIGHTS_FILE).stat().st_size / 1e6


def replaceable(folder: Path) -> list[str]:
    """Return the names of what may be replaced in a model folder by another model."""
    return [*_OURS, *([CARD_FILE] if is_card(folder / CARD_FILE) else [])]


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
    refuse_leaving(path)
    try:
        if path.stat().st_size > LARGEST_SPEC:
            raise ModelError(
                f"{path} is too large for a model description; it is broken."
            )
        return parse_spec(path.read_bytes(), str(path))
    except OSError as error:
        raise unreadable(path, error) from error


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


def parse_spec(text: bytes, name: str) -> ModelSpec:
    """Return the description that a text in JSON is; `name` is for a ModelError."""
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
    checksum = spec.checksum or weights_checksum(weights)
    uuid = uuid_of("model folder", spec.name, checksum)
    return ModelRecord(uuid=uuid, created=created)


def origin_in(
    members: Mapping[str, bytes],
) -> tuple[ModelRecord | None, TrainingNotes | None]:
    """Return what the files of a model folder say of where the model comes from.

    By name, with or without the folder's, as `napari_unet.weights.unpack_model` takes
    them.
    """
    key = next(key for key in members if key.rpartition("/")[2] == SPEC_FILE)
    folder = key.removesuffix(SPEC_FILE)
    checksum = parse_spec(members[key], key).checksum
    record = parse_record(members.get(f"{folder}{RECORD_FILE}", b""), checksum)
    return record, parse_training(members.get(f"{folder}{TRAINING_FILE}", b""))


def weights_checksum(weights: BinaryIO | Path) -> str:
    """Return a hash of a file of weights, from its start."""
    if isinstance(weights, Path):
        with weights.open("rb") as file:
            return weights_checksum(file)
    weights.seek(0)
    short = partial(hashlib.blake2b, digest_size=16)
    return hashlib.file_digest(weights, short).hexdigest()  # type: ignore[arg-type]


def refuse_leaving(path: Path) -> None:
    """Refuse a file of a model folder that is a link to somewhere else."""
    if path.resolve().parent != path.parent.resolve():
        raise ModelError(
            f"{path} is a link that leads out of its model folder; copy the file "
            "itself into the folder, or choose another model."
        )


def unreadable(path: Path, error: OSError) -> ModelError:
    """Return the error that says so."""
    return ModelError(
        f"{path} cannot be read ({error.strerror or error}); change its permissions or "
        "choose another model."
    )
