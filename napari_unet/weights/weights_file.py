"""Reading `weights.safetensors`: header, sizes and names first, memory afterwards.

The weights must be those of one network, all of them and nothing else, and lie one
after another without a gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

import torch

from napari_unet.errors import ModelError
from napari_unet.models.safetensors_header import Entry, Header, read_header
from napari_unet.nets.network import Network

_FLOATS: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F32": torch.float32,
        "F64": torch.float64,
    }
)
_WHOLE: Mapping[str, torch.dtype] = MappingProxyType({"I64": torch.int64})


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
    header = _header_of(file, size, name)
    entries = {key.removeprefix(prefix): one for key, one in header.entries.items()}
    found = {key: tuple(entry.shape) for key, entry in entries.items()}
    refuse_difference(found, net, name)
    wanted = net.state_dict()
    places = [_place(key, one, wanted[key], name) for key, one in entries.items()]
    places.sort(key=lambda place: place.start)
    _refuse_gaps(places, size - len(header.raw), name)
    return {place.name: _read_tensor(file, place, name) for place in places}


def read_names(file: BinaryIO, size: int, name: str) -> list[str]:
    """Return the names of the weights in a file; see `read_state`.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    return list(_header_of(file, size, name).entries)


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


def _header_of(file: BinaryIO, size: int, name: str) -> Header:
    try:
        return read_header(file, size)
    except ValueError as error:
        raise _broken(name, str(error)) from error


def _place(key: str, entry: Entry, wanted: torch.Tensor, name: str) -> _Place:
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
