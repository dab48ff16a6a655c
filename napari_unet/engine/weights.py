"""Model folders: `model.json` and `weights.safetensors`, no pickle anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError

from napari_unet.core.atomic import write_folder_atomically
from napari_unet.core.validation import first_problem
from napari_unet.engine.model import Model
from napari_unet.errors import InputError, ModelError
from napari_unet.nets.spec import FORMAT_VERSION, ModelSpec

SPEC_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
_BUILT_IN = Path(__file__).parents[1] / "models"
_LARGEST_SPEC = 1_000_000


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
    built_in = {folder.parent.name for folder in _BUILT_IN.glob(f"*/{SPEC_FILE}")}
    if str(name_or_path) in built_in:
        return _BUILT_IN / name_or_path
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path
    known = ", ".join(sorted(built_in)) or "none"
    raise ModelError(
        f"There is no model {str(name_or_path)!r}: it is neither a built-in model "
        f"({known}) nor a model folder; check the name or the path."
    )


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
    state = _read_weights(folder / WEIGHTS_FILE)
    net = spec.build()
    expected = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    if expected != found:
        raise ModelError(_difference(folder, expected, found))
    net.load_state_dict({key: _as_stored_dtype(v) for key, v in state.items()})
    return Model(spec, net.eval())


def save_model(model: Model, folder: str | Path, overwrite: bool = False) -> None:
    """Write a model folder: all of it or nothing.

    Parameters
    ----------
    model : Model
        What to write.
    folder : str or Path
        Where; its parent exists.
    overwrite : bool
        Whether an existing model folder may be replaced.

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

    def write(target: Path) -> None:
        text = json.dumps(model.spec.model_dump(mode="json"), indent=2)
        (target / SPEC_FILE).write_text(text + "\n", encoding="utf-8")
        # Not `save_file`, which keeps the file from everybody but its owner.
        (target / WEIGHTS_FILE).write_bytes(safetensors.torch.save(state))

    write_folder_atomically(folder, write, overwrite=overwrite)


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
    if path.stat().st_size > _LARGEST_SPEC:
        raise ModelError(f"{path} is too large for a model description; it is broken.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not valid JSON ({error}); restore the file or choose "
            "another model."
        ) from error
    return _validate(path, content)


def _validate(path: Path, content: object) -> ModelSpec:
    version = content.get("format_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelError(
            f"{path} was written by a newer napari-unet (format {version}, this one "
            f"reads {FORMAT_VERSION}); update napari-unet."
        )
    try:
        return ModelSpec.model_validate(content)
    except ValidationError as error:
        where, words = first_problem(error, "the file")
        raise ModelError(
            f"{path} does not describe a model: {where}: {words}; restore the "
            "file or choose another model."
        ) from error


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise ModelError(
            f"The model folder {path.parent} has no {WEIGHTS_FILE}; copy the whole "
            "folder or choose another model."
        )
    try:
        state: dict[str, torch.Tensor] = safetensors.torch.load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} is broken ({error}); restore the file or choose another model."
        ) from error
    return state


def _as_stored_dtype(value: torch.Tensor) -> torch.Tensor:
    """Undo the float16 in which shipped weights are stored."""
    return value.float() if value.is_floating_point() else value


def _difference(
    folder: Path,
    expected: dict[str, tuple[int, ...]],
    found: dict[str, tuple[int, ...]],
) -> str:
    names = sorted(expected.keys() | found.keys())
    name = next(n for n in names if expected.get(n) != found.get(n))
    return (
        f"The weights in {folder} do not fit its {SPEC_FILE}: {name} should be "
        f"{expected.get(name, 'absent')} and is {found.get(name, 'absent')}; "
        "restore the folder or choose another model."
    )
