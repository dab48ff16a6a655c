"""Reading `weights.safetensors`: header, sizes and names first, memory afterwards.

The weights must be those of one network, all of them and nothing else, and lie one
after another without a gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import BinaryIO

import torch

from napari_unet.errors import ModelError
from napari_unet.models.safetensors_header import Entry, Header, read_header
from napari_unet.nets.network import Network
from napari_unet.weights.tensor_file import DTYPES, read_tensor

_FLOATS = ("F16", "BF16", "F32", "F64")
_WHOLE = {torch.int64: ("I64",), torch.uint8: ("U8",)}


def read_state(
    file: BinaryIO, size: int, net: Network, name: str, *, prefix: str = ""
) -> dict[str, torch.Tensor]:
    """Read the weights of a network from a file of `size` bytes, at its start.

    Only names, shapes and types of the network are looked at; names may begin with a
    prefix. Floats become float32, as networks have them. A ModelError says that the
    file, called `name`, is damaged, lies, or holds the weights of another network, or
    that a weight is no finite number.
    """
    header = _header_of(file, size, name)
    entries = {key.removeprefix(prefix): one for key, one in header.entries.items()}
    found = {key: tuple(entry.shape) for key, entry in entries.items()}
    refuse_difference(found, net, name)
    wanted = net.state_dict()
    for key, entry in entries.items():
        _check_entry(key, entry, wanted[key], name)
    places = sorted(entries.items(), key=lambda place: place[1].data_offsets[0])
    _refuse_gaps(places, size - len(header.raw), name)
    state: dict[str, torch.Tensor] = {}
    for key, entry in places:
        try:
            tensor = read_tensor(file, DTYPES[entry.dtype], tuple(entry.shape))
        except EOFError as error:
            raise _broken(name, "it ends too early") from error
        state[key] = finite(key, tensor, name)
    return state


def read_names(file: BinaryIO, size: int, name: str) -> list[str]:
    """Return the names of the weights in a file; see `read_state`."""
    return list(_header_of(file, size, name).entries)


def refuse_difference(
    found: Mapping[str, tuple[int, ...]], net: Network, name: str
) -> None:
    """Refuse weights, shapes by names, that are not exactly those of a network."""
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
    """Return a weight as float32, or as the whole number that it is; refuse NaN."""
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


def _check_entry(key: str, entry: Entry, wanted: torch.Tensor, name: str) -> None:
    """Compare all that is said of a tensor."""
    known = _FLOATS if wanted.is_floating_point() else _WHOLE[wanted.dtype]
    if entry.dtype not in known:
        raise ModelError(
            f"The weights in {name} have a type that this program does not read: {key} "
            f"is {entry.dtype[:20]!r}, expected one of: {', '.join(known)}."
        )
    start, stop = entry.data_offsets
    nbytes = math.prod(entry.shape) * DTYPES[entry.dtype].itemsize
    if start < 0 or stop - start != nbytes:
        raise _broken(name, f"{key} has other bytes than its shape needs")


def _refuse_gaps(places: list[tuple[str, Entry]], size: int, name: str) -> None:
    end = 0
    for key, entry in places:
        if entry.data_offsets[0] != end:
            raise _broken(name, f"{key} does not lie where the one before ends")
        end = entry.data_offsets[1]
    if end != size:
        raise _broken(name, f"its header tells of {end:,} bytes, {size:,} are there")


def _broken(name: str, why: str) -> ModelError:
    return ModelError(
        f"{name} is broken ({why}); restore the file or choose another model."
    )
