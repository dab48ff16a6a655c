"""Packages of BioImage.IO as models of this program.

Nobody's Python is run, nothing is fetched, and no pickle is loaded: a package brings
its network in TorchScript, of which only arithmetic is run (`nets.program`), or its
weights alone for a network that a person names. One that this program made brings the
very model.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_unet import weights
from napari_unet.errors import ModelError
from napari_unet.exchange.foreign_spec import describe_foreign
from napari_unet.exchange.graph import example
from napari_unet.exchange.rdf import (
    Description,
    File,
    find_description,
    read_description,
)
from napari_unet.models import SPEC_FILE
from napari_unet.models.architectures.torchscript import TorchScriptConfig
from napari_unet.models.record import ModelRecord
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training import TrainingNotes
from napari_unet.nets.build import build
from napari_unet.nets.network import centre_crop, same_size
from napari_unet.tasks.objectives import objective_of
from napari_unet.weights.model import Model

_ELSEWHERE = ("http:", "https:", "ftp:", "file:")
_NEAR = 1e-3
_LARGEST_SAMPLE = 2**26

Members = Mapping[str, bytes]
Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """A model from elsewhere, and what a person should know of it.

    Where it comes from is known of our own models alone.
    """

    model: Model
    notes: tuple[str, ...] = ()
    record: ModelRecord | None = None
    training: TrainingNotes | None = None


def is_package(members: Members) -> bool:
    """Whether these files are a package of BioImage.IO that others made.

    One of ours is a zipped model folder, too, which holds all that we know of a model.
    """
    found = find_description(members)
    return bool(found) and f"{_folder(found)}{SPEC_FILE}" not in members


def import_package(
    members: Members, source: str, name: str, like: ModelSpec | None = None
) -> Imported:
    """Make a model of a package.

    Parameters
    ----------
    members : mapping of str to bytes
        Its files, by their names.
    source : str
        What to call it in an error.
    name : str
        Of the model that is made.
    like : ModelSpec, optional
        Describes the network whose weights the package brings.

    Raises
    ------
    ModelError
        If it is damaged, newer than this program, or holds nothing that can be used.
    """
    file = find_description(members)
    package = _Package(members, _folder(file), source)
    described = read_description(members[file], source)
    if like is not None:
        return _weights_alone(package, described, name, like)
    program = described.weights.torchscript
    if program is None:
        raise _nothing_to_use(described, source)
    content = package.read(program)
    spec, notes = describe_foreign(described, len(content), source, name)
    net = build(spec)
    net.load_state_dict(
        {"program": torch.frombuffer(bytearray(content), dtype=torch.uint8)}
    )
    model = Model(spec, net.eval())
    return _tried(model, package, described, notes)


class _Package:
    """The files of a package, by the names that its description uses."""

    def __init__(self, members: Members, folder: str, source: str) -> None:
        self._members = members
        self._folder = folder
        self.source = source

    def read(self, file: File) -> bytes:
        """Return what is in a file, if it is what the description says."""
        if file.source.lower().startswith(_ELSEWHERE):
            raise ModelError(
                f"{self.source} names {file.source[:200]!r}, which is not in it, and "
                "nothing is fetched here; download the whole package."
            )
        content = self._members.get(self._folder + file.source.removeprefix("./"))
        if content is None:
            raise ModelError(
                f"{self.source} has no {file.source[:200]!r}, which its description "
                "names; download the whole package again."
            )
        found = hashlib.sha256(content).hexdigest()
        if file.sha256 is not None and file.sha256.lower() != found:
            raise ModelError(
                f"{file.source[:200]!r} in {self.source} is not what its description "
                "says (the hash differs); download the package again."
            )
        return content


def _folder(file: str) -> str:
    return file[: len(file) - len(file.rpartition("/")[2])]


def _weights_alone(
    package: _Package, described: Description, name: str, like: ModelSpec
) -> Imported:
    file = described.weights.pytorch_state_dict
    if file is None:
        raise ModelError(
            f"{package.source} has no weights for a network that is named with --like "
            f"(a state dict), but {_kinds(described)}; leave --like away."
        )
    content = package.read(file)
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "weights.pt"
        path.write_bytes(content)
        try:
            model, note = weights.import_weights(path, like, name)
        except ModelError as error:
            words = str(error).replace(str(path), f"{file.source} in {package.source}")
            raise ModelError(words) from error
    steps = (
        "Its own steps before and after the network were left out: those of the model "
        "named with --like are taken."
    )
    return Imported(model, (steps, note) if note else (steps,))


def _nothing_to_use(described: Description, source: str) -> ModelError:
    if described.weights.pytorch_state_dict is not None:
        return ModelError(
            f"{source} has its network as Python, which is never run here, and its "
            "weights alone; name a model with the same network (napari-unet models "
            "import --like), or ask who made it for TorchScript."
        )
    return ModelError(
        f"{source} has {_kinds(described)}, and TorchScript is what can be used here; "
        "ask who made it for that."
    )


def _kinds(described: Description) -> str:
    return f"weights of the kind {', '.join(described.kinds_of_weights) or 'none'}"[
        :200
    ]


def _tried(
    model: Model, package: _Package, described: Description, notes: tuple[str, ...]
) -> Imported:
    """Run a model before it is kept, on what the package has for that."""
    pair = _sample(package, described)
    if pair is None:
        _maps(model, example(model)[0].numpy())
        more = ("It has no sample that could be compared: look at what it predicts.",)
        return Imported(model, notes + more)
    image, expected = pair
    try:
        plane = model.spec.normalization.apply(image)
        found = _maps(model, plane)
        more = (_compared(found, expected),)
    except ValueError as error:  # its sample is for other channels or sizes
        raise ModelError(
            f"The sample image in {package.source} does not fit its own description "
            f"({error}); ask who made it."
        ) from error
    return Imported(model, notes + more)


def _maps(model: Model, plane: Array) -> Array:
    """Return maps as a package describes them, of a normalised image."""
    with torch.inference_mode():
        logits = same_size(model.net)(
            torch.from_numpy(np.ascontiguousarray(plane))[None]
        )
        maps: Array = objective_of(model.spec).activate(logits)[0].numpy()
    network = model.spec.architecture
    single = isinstance(network, TorchScriptConfig) and network.reading == "probability"
    return maps[1:] if single else maps  # background is what is left, and not in it


def _compared(found: Array, expected: Array) -> str:
    inner = centre_crop(torch.from_numpy(found), expected.shape[1:]).numpy()
    if inner.shape != expected.shape:
        raise ValueError(f"maps {inner.shape} for a sample output {expected.shape}")
    difference = float(np.abs(inner - expected).max())
    if difference <= _NEAR * max(1.0, float(np.abs(expected).max())):
        return "Its sample image gives what the package promises."
    return (
        f"Its sample image gives something else than the package promises (up to "
        f"{difference:.2g} off): look closely at what it predicts."
    )


def _sample(package: _Package, described: Description) -> tuple[Array, Array] | None:
    """Return an image (C, ...) and what the package says of it, if it has both."""
    files = [
        described.inputs[0].test_tensor or _old_file(described.test_inputs),
        described.outputs[0].test_tensor or _old_file(described.test_outputs),
    ]
    arrays = [_array(package, file) for file in files if file is not None]
    if len(arrays) != 2 or any(each is None or len(each) != 1 for each in arrays):
        return None
    image, maps = (
        np.asarray(each[0], np.float32) for each in arrays if each is not None
    )
    return image, maps


def _old_file(listed: list[Any]) -> File | None:
    first = listed[0] if listed else None
    return File(source=first[:1000]) if isinstance(first, str) else None


def _array(package: _Package, file: File) -> npt.NDArray[Any] | None:
    content = package.read(file)
    if len(content) > _LARGEST_SAMPLE:
        return None
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ModelError(
            f"{file.source[:200]!r} in {package.source} is no array of numbers; ask "
            "who made it."
        ) from error
    known = isinstance(array, np.ndarray) and array.dtype.kind in "uifb"
    return array if known and array.ndim in (4, 5) else None
