"""What a process and the one that started it say to each other.

A frame is its length, eight bytes, and its content; an empty one asks to stop. A
message is a frame with a pickle, a count, and so many frames with arrays, which thus
travel without a copy. Both ends are the same program on the same machine, as a greeting
shows, and nobody else can write into their pipe.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, TypeAlias

_LENGTH = struct.Struct("<Q")

GREETING = b"napari-unet at work\n"

Kind: TypeAlias = Literal["event", "result", "error", "closed"]


@dataclass(frozen=True, slots=True)
class Told:
    """What the process tells: an event of a job, or how it ended."""

    kind: Kind
    value: Any = None


@dataclass(frozen=True, slots=True)
class Message:
    """A pickle, and the arrays that belong to it; it can be read later."""

    pickled: bytearray
    arrays: tuple[bytearray, ...]

    def read(self) -> Any:
        """Return what was sent; raises whatever its classes raise."""
        # Only ever of our own process.
        return pickle.loads(self.pickled, buffers=self.arrays)


def send(pipe: BinaryIO, content: object) -> None:
    """Send a message at once; raises an OSError if nobody is there to read it."""
    arrays: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(content, 5, buffer_callback=arrays.append)
    pipe.write(_LENGTH.pack(len(pickled)))
    pipe.write(pickled)
    pipe.write(_LENGTH.pack(len(arrays)))
    for array in arrays:
        with array.raw() as raw:
            pipe.write(_LENGTH.pack(raw.nbytes))
            pipe.write(raw)
    pipe.flush()


def send_stop(pipe: BinaryIO) -> None:
    """Ask to stop; raises an OSError if nobody is there."""
    pipe.write(_LENGTH.pack(0))
    pipe.flush()


def receive(pipe: BinaryIO) -> Message | None:
    """Wait for a message, or None to stop; raises an EOFError without another end."""
    if not (pickled := _read_frame(pipe)):
        return None
    (count,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    return Message(pickled, tuple(_read_frame(pipe) for _ in range(count)))


def hear(pipe: BinaryIO) -> Told:
    """Wait for what the process tells; raises an EOFError if it has gone."""
    message = receive(pipe)
    assert message is not None, "a process never asks to stop"
    told: Told = message.read()
    return told


def travels(content: object) -> bool:
    """Return whether something can be sent and read again."""
    try:
        pickle.loads(pickle.dumps(content, 5))
    except Exception:  # noqa: BLE001 - whatever its classes raise
        return False
    return True


def _read_frame(pipe: BinaryIO) -> bytearray:
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    return _read(pipe, length)


def _read(pipe: BinaryIO, size: int) -> bytearray:
    # Arrays that are made of it can be written to.
    content = bytearray(size)
    if pipe.readinto(content) < size:  # type: ignore[attr-defined]
        raise EOFError
    return content
