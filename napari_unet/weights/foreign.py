"""Weights of other programs.

The only place where a file of torch's is read. Such a file is a zip file with a pickle
in it, that is, a program; here it is a list of tensors or it is refused:

1. it is a plain zip file, and what it says of its sizes is true;
2. its pickle uses only the words that describe tensors (`_WORDS`, `_GLOBALS`);
3. torch, new enough, reads it with ``weights_only=True``; there is no second try;
4. names, shapes and types are those of the network that was named.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from napari_unet.errors import InputError, ModelError
from napari_unet.models import ModelCard, ModelSpec
from napari_unet.nets.build import build, outline
from napari_unet.nets.network import Network
from napari_unet.weights.model import Model
from napari_unet.weights.weights_file import (
    finite,
    read_names,
    read_state,
    refuse_difference,
)

SUFFIXES = (".pt", ".pth", ".safetensors")
"""Of weights without a description."""

# CVE-2026-24747: up to 2.9 a file could overwrite memory even with weights_only.
_OLDEST_TORCH = (2, 10)

_LARGEST_FILE = 2**32
_LARGEST_PICKLE = 2**24
_ENTRY = b"PK\x01\x02"
_PIECE = 2**20
_MOST_MEMBERS = 20_000
_NESTS = ("state_dict", "model_state_dict")

# fmt: off
_WORDS = frozenset({
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE",
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE",
    "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "SETITEM", "SETITEMS", "APPEND", "APPENDS",
    "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET",
    "GLOBAL", "REDUCE", "BUILD", "BINPERSID",
})
_STORAGES = (
    "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte",
    "Bool",
)
# fmt: on
_GLOBALS = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {kind}Storage" for kind in _STORAGES),
    }
)


def refuse_other_files(path: Path) -> None:
    """Raise an InputError if the name of a file is none of weights."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"Expected weights in a file of the kind {', '.join(SUFFIXES)}, or the "
            f"zip file of a model, found {str(path)!r}; ask for one of these."
        )


def import_weights(path: Path, like: ModelSpec, name: str) -> tuple[Model, str | None]:
    """Make a model of weights that another program saved.

    Parameters
    ----------
    path : Path
        A safetensors file, or a state dict that torch saved.
    like : ModelSpec
        Describes the network that the weights are of.
    name : str
        Of the model that is made.

    Returns
    -------
    model : Model
    note : str or None
        What was done to the names of the weights.

    Raises
    ------
    InputError
        If the file is of another kind, or the network too large.
    ModelError
        If it holds anything else than the weights of that network.
    """
    refuse_other_files(path)
    net = outline(like)
    safe = path.suffix.lower() == ".safetensors"
    state, prefix = _read_safe(path, net) if safe else _read_torch(path, net)
    card = ModelCard(data=f"unknown; imported from {path.name!r}"[:1000])
    update = {"name": name, "card": card, "pixel_size": None, "diameters": None}
    spec = like.model_copy(update=update)
    built = build(spec)
    built.load_state_dict(state)
    note = f"The names of its weights began with {prefix!r}, which was left out."
    return Model(spec, built.eval()), note if prefix else None


def _read_safe(path: Path, net: Network) -> tuple[dict[str, torch.Tensor], str]:
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = _common_prefix(read_names(file, size, str(path)), net)
        file.seek(0)
        return read_state(file, size, net, str(path), prefix=prefix), prefix


def _read_torch(path: Path, net: Network) -> tuple[dict[str, torch.Tensor], str]:
    _refuse_old_torch()
    try:
        there = _check_archive(path)
        # Mapped, so that a tensor is never longer than the bytes that are there.
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except ModelError:
        raise
    # Whatever goes wrong here, nothing else is tried.
    except Exception as error:
        raise _not_tensors(
            path, "it is damaged, or no file that torch saved"
        ) from error
    tensors = _flat(path, found)
    given = (tensor.untyped_storage() for tensor in tensors.values())
    storages = {storage.data_ptr(): storage for storage in given}
    if sum(storage.nbytes() for storage in storages.values()) > there:
        raise _not_tensors(path, "its tensors claim more numbers than it has")
    prefix = _common_prefix(tensors, net)
    tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    refuse_difference({k: tuple(v.shape) for k, v in tensors.items()}, net, str(path))
    return {
        key: _own(key, value, net.state_dict()[key], path)
        for key, value in tensors.items()
    }, prefix


def _refuse_old_torch() -> None:
    found = re.match(r"(\d+)\.(\d+)", torch.__version__)
    if found is None or tuple(map(int, found.groups())) < _OLDEST_TORCH:
        raise ModelError(
            f"Files that torch saved are safe to read from torch 2.10 on, and this is "
            f"{torch.__version__}; update torch (pip install -U torch), or convert the "
            "file to safetensors."
        )


def _check_archive(path: Path) -> int:
    """Check sizes and every word of the pickle; return the bytes of all tensors."""
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise _not_tensors(path, "it is larger than 4 GB")
    if _count_members(path) > _MOST_MEMBERS:
        raise _not_tensors(path, f"it has more than {_MOST_MEMBERS:,} members")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(m.compress_type or m.file_size != m.compress_size for m in members):
            raise _not_tensors(path, "its members are packed, which torch never does")
        if sum(member.file_size for member in members) > size:
            raise _not_tensors(path, "it claims more than it has")
        pickles = [m for m in members if m.filename.endswith(".pkl")]
        if len(pickles) != 1 or pickles[0].file_size > _LARGEST_PICKLE:
            raise _not_tensors(path, "it has not exactly one list of tensors")
        _check_words(path, archive.read(pickles[0]))
    return sum(m.file_size for m in members if "/data/" in m.filename)


def _count_members(path: Path) -> int:
    """Count the entries of the directory before zipfile makes an object of each."""
    with path.open("rb") as file:
        return sum(
            piece.count(_ENTRY) for piece in iter(lambda: file.read(_PIECE), b"")
        )


def _check_words(path: Path, program: bytes) -> None:
    for word, argument, _ in pickletools.genops(program):
        if word.name not in _WORDS:
            raise _not_tensors(path, f"it says {word.name}")
        if word.name == "GLOBAL" and argument not in _GLOBALS:
            raise _not_tensors(path, f"it asks for {str(argument)[:100]!r}")


def _flat(path: Path, found: Any) -> dict[str, torch.Tensor]:
    for nest in _NESTS:
        if isinstance(found, dict) and isinstance(found.get(nest), dict):
            found = found[nest]
    if not isinstance(found, dict) or not found:
        raise _not_tensors(path, "it is no dictionary of tensors")
    for key, value in found.items():
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided
        if not isinstance(key, str) or not plain:
            raise _not_tensors(path, f"{str(key)[:100]!r} is no tensor")
    return {key: value.detach() for key, value in found.items()}


def _own(
    key: str, value: torch.Tensor, wanted: torch.Tensor, path: Path
) -> torch.Tensor:
    if value.is_floating_point() != wanted.is_floating_point():
        raise ModelError(
            f"The weights in {path} do not fit the network that is described: {key} is "
            f"{value.dtype}, expected {wanted.dtype}; choose another --like."
        )
    return finite(key, value.clone().to(wanted.dtype), str(path))


def _common_prefix(names: Iterable[str], net: Network) -> str:
    """Return what stands before every name, such as "module.", or nothing."""
    given, known = list(names), next(iter(net.state_dict()))
    ends = [name.removesuffix(known) for name in given if name.endswith("." + known)]
    prefix = ends[0] if ends else ""
    return prefix if all(name.startswith(prefix) for name in given) else ""


def _not_tensors(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path} holds something else than the weights of a network ({why}) and was "
        "not read; save net.state_dict() alone, best as safetensors."
    )
