"""The header of safetensors files: what a file says of its tensors, without torch.

::

    8 bytes      length of the header, little-endian
    header       JSON: name -> dtype, shape, data_offsets, and __metadata__
    tensors      one after another
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

from pydantic import Field, TypeAdapter, ValidationError

from napari_unet.core.validation import Frozen, first_problem, parse_json

LENGTH = 8
"""Bytes that say how long the header is."""

_LARGEST = 4_000_000
_METADATA = "__metadata__"


class Entry(Frozen, strict=True):
    """What the header says of one tensor."""

    dtype: str
    shape: list[Annotated[int, Field(ge=0)]] = Field(max_length=8)
    data_offsets: list[int] = Field(min_length=2, max_length=2)


@dataclass(frozen=True, slots=True)
class Header:
    """A header that was read; `raw` are all bytes before the first tensor."""

    entries: dict[str, Entry]
    metadata: Any
    raw: bytes


def read_header(file: BinaryIO, size: int) -> Header:
    """Read the header of a file of `size` bytes that may come from anywhere.

    The file is at its start, and afterwards at the first tensor. A ValueError says in
    words what is wrong with it.
    """
    length = file.read(LENGTH)
    count = int.from_bytes(length, "little")
    if size <= LENGTH or count > min(size - LENGTH, _LARGEST):
        raise ValueError(
            "it does not begin like a safetensors file: its header is longer than it "
            "can be"
        )
    body = file.read(count)
    try:
        content = parse_json(body, most_bytes=_LARGEST)
    except ValueError as error:
        raise ValueError(f"its header is not valid: {error}") from error
    if not isinstance(content, dict):
        raise ValueError("its header is not valid: it is no list of tensors")
    metadata = content.pop(_METADATA, None)
    try:
        entries = TypeAdapter(dict[str, Entry]).validate_python(content)
    except ValidationError as error:
        place, words = first_problem(error)
        raise ValueError(f"in its header, {place[:200]}: {words}") from error
    return Header(entries, metadata, length + body)


def encode_header(
    tensors: Iterable[tuple[str, str, tuple[int, ...], int]],
    metadata: Mapping[str, str],
) -> bytes:
    """Return the bytes before the first tensor.

    Of each tensor name, type, shape and number of bytes, in the order of the file.
    """
    start = 0
    header: dict[str, Any] = {_METADATA: metadata}
    for name, dtype, shape, nbytes in tensors:
        offsets = (start, start + nbytes)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        start += nbytes
    body = json.dumps(header, separators=(",", ":")).encode()
    body += b" " * (-len(body) % LENGTH)
    return len(body).to_bytes(LENGTH, "little") + body
