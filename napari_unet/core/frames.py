"""What a process and the one that started it say to each other: bytes, in frames.

A frame is its length, eight bytes, and a pickle; an empty one asks to stop. Both ends
are the same program on the same machine, and nobody else can write into their pipe.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, TypeAlias

_LENGTH = struct.Struct("<Q")

Kind: TypeAlias = Literal["ready", "event", "result", "error", "closed"]

STOP = b""


@dataclass(frozen=True, slots=True)
class Told:
    """What the process tells: that it is ready, an event of a job, or how it ended."""

    kind: Kind
    value: Any = None


def write_frame(pipe: BinaryIO, content: bytes) -> None:
    """Write a frame at once; raises an OSError if nobody is there to read it."""
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def read_frame(pipe: BinaryIO) -> bytes:
    """Wait for a frame; raises an EOFError if the other end has gone."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    return _read(pipe, length)


def tell(pipe: BinaryIO, told: Told) -> None:
    """Write what is told."""
    write_frame(pipe, pickle.dumps(told, pickle.HIGHEST_PROTOCOL))


def hear(pipe: BinaryIO) -> Told:
    """Wait for what is told."""
    told: Told = pickle.loads(read_frame(pipe))
    return told


def _read(pipe: BinaryIO, size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return content
