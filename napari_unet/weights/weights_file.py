"""Reading `weights.safetensors`: header, sizes and names first, memory afterwards.

::

    8 bytes      length of the header, little-endian
    header       JSON: name -> dtype, shape, data_offsets, and __metadata__
    tensors      one after another, without a gap

The weights must be those of one network, all of them and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from napari_unet.core.strict_json import parse_json
from napari_unet.core.validation import first_problem
from napari_unet.errors import ModelError
from napari_unet.nets.network import Network

_LARGEST_HEADER = 4_000_000
_LENGTH = 8
_METADATA = "__metadata__"

_FLOATS: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F32": torch.float32,
        "F64": torch.float64,
    }
)
_WHOLE: Mapping[str, torch.dtype] = MappingProxyType({"I64": torch.int64})


class _Entry(BaseModel):
    """What the header says of one tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dtype: str
    shape: list[int] = Field(max_length=8)
    data_offsets: list[int] = Field(min_length=2, max_length=2)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor lies, and what it is."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    nbytes: int


def read_state(
    file: BinaryIO, size: int, net: Network, name: str, *, prefix: str = ""
) -> dict[str, torch.Tensor]:
    """Read the weights of a network.

    Parameters
    ----------
    file : file
        Binary, at its start.
    size : int
        Its length in bytes.
    net : Network
        Whose weights these must be; only names, shapes and types are looked at.
    name : str
        What to call the file in an error.
    prefix : str
        Left out where a name begins with it.

    Returns
    -------
    dict of str to Tensor
        Floats as float32, as the network has them.

    Raises
    ------
    ModelError
        If the file is damaged, lies, or holds the weights of another network, or a
        weight is no finite number.
    """
    header, end = _read_header(file, size, name)
    header = {key.removeprefix(prefix): entry for key, entry in header.items()}
    found = {key: tuple(entry.shape) for key, entry in header.items()}
    refuse_difference(found, net, name)
    wanted = net.state_dict()
    places = [_place(key, one, wanted[key], name) for key, one in header.items()]
    places.sort(key=lambda place: place.start)
    _refuse_gaps(places, size - end, name)
    return {place.name: _read_tensor(file, place, name) for place in places}


def read_names(file: BinaryIO, size: int, name: str) -> list[str]:
    """Return the names of the weights in a file; see `read_state`.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    return list(_read_header(file, size, name)[0])


def refuse_difference(
    found: Mapping[str, tuple[int, ...]], net: Network, name: str
) -> None:
    """Refuse weights that are not exactly those of a network.

    Parameters
    ----------
    found : mapping of str to tuple of int
        Shapes by names.

    Raises
    ------
    ModelError
        Naming the first that differs.
    """
    expected = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    if expected == found:
        return
    names = sorted(expected.keys() | found.keys())
    first = next(n for n in names if expected.get(n) != found.get(n))
    raise ModelError(
        f"The weights in {name} do not fit the network that is described: "
        f"{first[:200]} should be {expected.get(first, 'absent')} and is "
        f"{found.get(first, 'absent')}; restore the file or choose another model."
    )


def finite(key: str, value: torch.Tensor, name: str) -> torch.Tensor:
    """Return a weight as float32, or as the whole number that it is.

    Raises
    ------
    ModelError
        If it is not finite.
    """
    if not value.is_floating_point():
        return value
    single = value.float()
    if not bool(torch.isfinite(single).all()):
        raise ModelError(
            f"The weights in {name} are broken: {key} is not finite (NaN or infinite "
            "numbers); restore the file or choose another model."
        )
    return single


def _read_header(file: BinaryIO, size: int, name: str) -> tuple[dict[str, _Entry], int]:
    length = int.from_bytes(file.read(_LENGTH), "little")
    if size <= _LENGTH or length > min(size - _LENGTH, _LARGEST_HEADER):
        raise _broken(name, "it does not begin like a safetensors file")
    try:
        content = parse_json(file.read(length), most_bytes=_LARGEST_HEADER)
        if not isinstance(content, dict):
            raise ValueError("its header is no list of tensors")
        content.pop(_METADATA, None)
        entries = TypeAdapter(dict[str, _Entry]).validate_python(content)
    except ValidationError as error:
        place, words = first_problem(error)
        raise _broken(name, f"in its header, {place[:200]}: {words}") from error
    except ValueError as error:
        raise _broken(name, f"its header is not valid: {error}") from error
    return entries, _LENGTH + length


def _place(key: str, entry: _Entry, wanted: torch.Tensor, name: str) -> _Place:
    """Return where a tensor lies, after comparing all that is said of it."""
    known = _FLOATS if wanted.is_floating_point() else _WHOLE
    if entry.dtype not in known:
        raise ModelError(
            f"The weights in {name} have a type that this program does not read: {key} "
            f"is {entry.dtype[:20]!r}, expected one of: {', '.join(known)}."
        )
    start, stop = entry.data_offsets
    nbytes = math.prod(entry.shape) * known[entry.dtype].itemsize
    if start < 0 or stop - start != nbytes:
        raise _broken(name, f"{key} has other bytes than its shape needs")
    return _Place(key, known[entry.dtype], tuple(entry.shape), start, nbytes)


def _refuse_gaps(places: list[_Place], size: int, name: str) -> None:
    end = 0
    for place in places:
        if place.start != end:
            raise _broken(name, f"{place.name} does not lie where the one before ends")
        end += place.nbytes
    if end != size:
        raise _broken(name, f"its header tells of {end:,} bytes, {size:,} are there")


def _read_tensor(file: BinaryIO, place: _Place, name: str) -> torch.Tensor:
    data = bytearray(file.read(place.nbytes))
    if len(data) != place.nbytes:
        raise _broken(name, "it ends too early")
    flat: Any = torch.empty(0, dtype=place.dtype)
    if data:
        flat = torch.frombuffer(data, dtype=place.dtype)
    return finite(place.name, flat.reshape(place.shape), name)


def _broken(name: str, why: str) -> ModelError:
    return ModelError(
        f"{name} is broken ({why}); restore the file or choose another model."
    )
