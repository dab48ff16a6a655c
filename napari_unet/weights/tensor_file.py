"""One file of text and tensors, in the safetensors format, with a checksum.

How it flows: the header is a pure function of the text, the tensors' names, types and
shapes, and the checksum. It is written with an empty checksum first, then tensor by
tensor, and last once more, so that nothing is held twice in memory. Reading makes the
header again from what it says and compares: a file that is not, byte by byte, what
would be written is damaged, and that is known before memory is taken for it.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import torch
from torch import Tensor

from napari_unet.errors import StorageError
from napari_unet.models.safetensors_header import (
    LENGTH,
    Header,
    encode_header,
    read_header,
)

Layout: TypeAlias = dict[str, tuple[torch.dtype, tuple[int, ...]]]
"""Types and shapes of tensors by their names."""

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
DTYPES = {name: dtype for dtype, name in _NAMES.items()}
_EMPTY = "0" * 64
_LARGEST_FILE = 2**36


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says about itself: a text, its tensors, and a checksum of it all."""

    text: str
    layout: Layout
    checksum: str = _EMPTY

    def encode(self) -> bytes:
        """Return the first bytes of the file, up to the first tensor."""
        tensors = [(name, *self.layout[name]) for name in self.names()]
        return encode_header(
            (
                (name, _NAMES[dtype], shape, dtype.itemsize * math.prod(shape))
                for name, dtype, shape in tensors
            ),
            {"checksum": self.checksum, "text": self.text},
        )

    def names(self) -> list[str]:
        """Return the tensors in the file's order: the widest types first, aligned."""
        widths = {name: dtype.itemsize for name, (dtype, _) in self.layout.items()}
        return sorted(widths, key=lambda name: (-widths[name], name))


def layout_of(tensors: Mapping[str, Tensor]) -> Layout:
    """Return types and shapes of tensors."""
    return {name: (t.dtype, tuple(t.shape)) for name, t in tensors.items()}


def write_tensors(file: BinaryIO, text: str, tensors: Mapping[str, Tensor]) -> None:
    """Write text, and tensors of any device and memory order, to an empty file."""
    head = Head(text, layout_of(tensors))
    checksum = hashlib.blake2b(head.encode(), digest_size=32)
    file.write(head.encode())
    for name in head.names():
        part = _bytes_of(tensors[name].detach().cpu().contiguous())
        checksum.update(part)
        file.write(part)
    file.seek(0)
    file.write(Head(text, head.layout, checksum.hexdigest()).encode())


def read_head(file: BinaryIO, path: Path) -> Head:
    """Read what a file says about itself; it is left at the first tensor.

    A StorageError says that it was not written by `write_tensors`, or is cut off.
    """
    size = os.fstat(file.fileno()).st_size
    if not LENGTH < size <= _LARGEST_FILE:
        raise damaged(path, f"a file of {size} bytes cannot be one")
    try:
        header = read_header(file, size)
        head = _head_of(header)
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if head.encode() != header.raw:
        raise damaged(path, "its header contradicts itself")
    tensors = sum(d.itemsize * math.prod(shape) for d, shape in head.layout.values())
    whole = len(header.raw) + tensors
    if whole != size:
        raise damaged(path, f"it should have {whole} bytes and has {size}")
    return head


def read_tensors(
    file: BinaryIO, head: Head, path: Path, prefix: str = ""
) -> dict[str, Tensor]:
    """Read the tensors after the head, and check that every byte is what was written.

    Only tensors whose names begin with the prefix are returned.
    """
    checksum = hashlib.blake2b(Head(head.text, head.layout).encode(), digest_size=32)
    tensors = {}
    for name in head.names():
        try:
            tensor = read_tensor(file, *head.layout[name])
        except EOFError as error:
            raise damaged(path, "it ends too early") from error
        checksum.update(_bytes_of(tensor))
        if name.startswith(prefix):
            tensors[name] = tensor
    if checksum.hexdigest() != head.checksum:
        raise damaged(path, "its checksum is not that of its content")
    return tensors


def read_tensor(file: BinaryIO, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
    """Read the next tensor, or raise an EOFError."""
    tensor = torch.empty(shape, dtype=dtype)
    memory = _bytes_of(tensor)
    if file.readinto(memory) != len(memory):  # type: ignore[attr-defined]
        raise EOFError
    return tensor


def damaged(path: Path, why: str) -> StorageError:
    """Return the error that says so."""
    return StorageError(
        f"{path} is damaged or no checkpoint ({why}); restore it, or delete it and "
        "start the training anew."
    )


def _bytes_of(tensor: Tensor) -> memoryview:
    """Return the memory of a contiguous tensor on the CPU."""
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _head_of(header: Header) -> Head:
    """Return what a header means, if it has the types that are written."""
    try:
        layout = {
            name: (DTYPES[entry.dtype], tuple(entry.shape))
            for name, entry in header.entries.items()
        }
        words = header.metadata
        return Head(str(words["text"]), layout, str(words["checksum"]))
    except (TypeError, KeyError) as error:
        raise ValueError("its header cannot be read") from error
