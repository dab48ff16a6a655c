"""One line of a journal: a change of an annotation as JSON, with a checksum.

::

    1c291ca3 {"sequence":12,"time":"2030-01-01T12:00:00.250Z","image":"cells-1f2e3d", \
"kind":"edit","ids":[3,17],"parts":[{"box":[[40,52],[44,60]],"mask":[2,5,4,6],...}]}

Masks are run lengths (skip, take, skip, take, ...) through the box in the order of the
array; labels and provenance are pairs of value and count. So a person can read what
happened, and a line that is not what was written is recognised.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from napari_unet.annotation.change import Change, Kind, Mark, PixelChange
from napari_unet.annotation.origins import Origin
from napari_unet.annotation.provenance import Provenance
from napari_unet.core.validation import first_problem
from napari_unet.errors import StorageError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import LARGEST_ID
from napari_unet.geometry.maps import ValueMap
from napari_unet.geometry.runs import (
    Runs,
    check_mask,
    check_values,
    order_of_mask,
    points_of_runs,
    runs_of_points,
    runs_of_values,
    values_of_runs,
)

_LARGEST_SEQUENCE = 2**53
_CHECKSUM = 8
_IDS = (-LARGEST_ID - 1, LARGEST_ID)
_FEW = 200
_MOST = 2**32
_PROVENANCE = (int(min(Provenance)), int(max(Provenance)))

# To make an encoder takes longer than it takes for a stroke.
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

M = TypeVar("M", bound=BaseModel)
Id = Annotated[int, Field(ge=-LARGEST_ID - 1, le=LARGEST_ID + 1)]
Parent = Annotated[int, Field(ge=0, le=LARGEST_ID)]
# Its parent, and whether a person said so; of an id before, and afterwards.
OriginPair = tuple[Parent, bool]
OriginLine = tuple[Id, OriginPair | None, OriginPair | None]
RunList = list[Annotated[int, Field(ge=-(2**40), le=2**40)]]
Corners = tuple[tuple[int, ...], tuple[int, ...]]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Pixels(_Record):
    box: Corners
    mask: RunList


class _Part(_Pixels):
    before: RunList
    after: RunList
    was: RunList
    now: RunList


class _Change(_Record):
    sequence: int = Field(ge=1, le=_LARGEST_SEQUENCE)
    time: AwareDatetime
    image: str = Field(max_length=100)
    kind: Kind
    ids: list[Id]
    next_id: Id
    open: list[Id]
    stroke: int = Field(0, ge=0, le=_LARGEST_SEQUENCE)
    entry_open: list[Id] = []
    certain: bool = False
    parts: list[_Part]
    # All that was accepted, verified before or not: the first release wanted it.
    region: _Pixels | None = None
    marks: dict[str, tuple[int, float]] = {}
    values: list[str] = []
    origins: list[OriginLine] = []


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """A change as it was written down; `sequence` counts those of an image, from 1."""

    sequence: int
    time: datetime
    change: Change


def encode_change(key: str, logged: Logged) -> bytes:
    """Return the line for a change of the image of that key."""
    change = logged.change
    time = logged.time.astimezone(UTC).isoformat(timespec="milliseconds")
    content: dict[str, object] = {
        "sequence": logged.sequence,
        "time": time.replace("+00:00", "Z"),
        "image": key,
        "kind": change.kind,
        "ids": sorted(change.ids),
        "next_id": change.next_id,
        "open": sorted(change.open),
        "parts": b"[%s]" % b",".join(map(_encode_part, change.parts)),
    }
    if change.kind not in ("settle", "predict"):
        content["stroke"] = change.stroke
        content["entry_open"] = sorted(change.entry_open)
        content["certain"] = change.certain
    if change.marks:
        content["marks"] = {
            str(label): [mark.variable, mark.value]
            for label, mark in change.marks.items()
        }
    if change.origins:
        content["origins"] = [
            [each, *(o and [o.parent, o.stated] for o in was_and_is)]
            for each, was_and_is in change.origins.items()
        ]
    if change.values:
        values = (each.astype("<f4").tobytes() for each in change.values)
        content["values"] = [base64.b64encode(each).decode() for each in values]
    return encode_line(content)


def encode_line(content: Mapping[str, object]) -> bytes:
    """Return a JSON object as a line that can be checked; bytes are JSON already."""
    text = _encode_object(content)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_line(line: bytes, model: type[M]) -> M:
    """Read a line back; a StorageError tells that it is not what was written."""
    text = line[_CHECKSUM + 1 : -1]
    if line[-1:] != b"\n" or line[: _CHECKSUM + 1] != b"%08x " % zlib.crc32(text):
        raise StorageError("The line is not what was written.")
    try:
        return model.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        where, words = (
            first_problem(error, "the line")
            if isinstance(error, ValidationError)
            else ("the line", "it is nested too deeply")
        )
        raise StorageError(f"The line says what cannot be ({where}: {words}).") from (
            error
        )


def decode_change(
    line: bytes, key: str, shape: tuple[int, ...], variables: int = 0
) -> Logged:
    """Read a line of the journal of an image back, with the shape of its provenance.

    `variables` is how many values are regressed. A StorageError tells that the line is
    cut short, not what was written, or impossible.
    """
    found = decode_line(line, _Change)
    if found.image != key:
        raise StorageError(f"The line belongs to another image, {found.image!r}.")
    try:
        return _logged(found, shape, variables)
    except ValueError as error:
        raise StorageError(f"The line says what cannot be ({error}).") from error


def _logged(found: _Change, shape: tuple[int, ...], variables: int) -> Logged:
    parts = tuple(_decode_part(part, shape) for part in found.parts)
    if found.kind == "edit" and not (parts and found.stroke):
        raise ValueError("a stroke changes no pixels")
    change = Change(
        kind=found.kind,
        parts=parts,
        next_id=found.next_id,
        open=frozenset(found.open),
        stroke=found.stroke,
        entry_open=frozenset(found.entry_open),
        certain=found.certain,
        marks={int(k): _mark(*m, variables) for k, m in found.marks.items()},
        values=tuple(
            _decode_floats(text, variables, part)
            for text, part in zip(found.values, parts, strict=bool(found.values))
        ),
        origins={
            each: (was and Origin(*was), now and Origin(*now))
            for each, was, now in found.origins
        },
    )
    return Logged(found.sequence, found.time, change)


def _encode_object(content: Mapping[str, object]) -> bytes:
    return b"{%s}" % b",".join(
        b"%s:%s"
        % (_encode(name), value if isinstance(value, bytes) else _encode(value))
        for name, value in content.items()
    )


def _encode(value: object) -> bytes:
    return _JSON.encode(value).encode()


def _encode_part(part: PixelChange) -> bytes:
    box, before = part.box, encode_integers(part.before)
    return _encode_object(
        {
            "box": [box.start, box.stop],
            "mask": encode_integers(part.runs),
            "before": before,
            "after": (
                before if part.after is part.before else encode_integers(part.after)
            ),
            "was": encode_integers(part.was),
            "now": encode_integers(part.now),
        }
    )


def _decode_part(part: _Part, shape: tuple[int, ...]) -> PixelChange:
    box, runs = _decode_box(part.box, shape), np.array(part.mask, np.int64)
    order = None
    if (runs[0::2] < 0).any():
        order = order_of_mask(runs, box)
        points = (axis[order] for axis in points_of_runs(runs, box))
        runs = runs_of_points(tuple(points), box)
    count = check_mask(runs, box)
    if not count:
        raise ValueError("a change changes no pixels")
    values = [
        *(_decode_values(r, count, *_IDS) for r in (part.before, part.after)),
        *(_decode_values(r, count, *_PROVENANCE) for r in (part.was, part.now)),
    ]
    if order is not None:
        values = [runs_of_values(values_of_runs(each)[order]) for each in values]
    return PixelChange(box, runs, *values)


def _decode_values(found: RunList, count: int, smallest: int, largest: int) -> Runs:
    runs = np.array(found, np.int64)
    check_values(runs, count, smallest, largest)
    return runs


def _decode_box(corners: Corners, shape: tuple[int, ...]) -> Box:
    if any(len(corner) != len(shape) for corner in corners):
        raise ValueError(f"a box has not {len(shape)} axes")
    box = Box(*corners)
    if box.empty or not Box.whole(shape).contains(box):
        raise ValueError("a box lies outside the image")
    return box


def _mark(variable: int, value: float, variables: int) -> Mark:
    if not (0 <= variable < variables and np.isfinite(value)):
        raise ValueError("a mark names no value of a variable")
    return Mark(variable, value)


def _decode_floats(text: str, variables: int, part: PixelChange) -> ValueMap:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("values are damaged") from error
    count = part.count
    if len(content) != 4 * variables * count:
        raise ValueError(f"there are not {variables} values for each of {count} pixels")
    return np.frombuffer(content, "<f4").reshape(variables, count).astype(np.float32)


def encode_integers(values: npt.NDArray[np.int64]) -> bytes:
    """Return whole numbers as a JSON array, as fast as a window needs it.

    A person who accepts a whole image waits for the line of the journal: some hundred
    thousand run lengths, for which the encoder of the standard library takes ten times
    as long.

    >>> encode_integers(np.array([0, 17, -3]))
    b'[0,17,-3]'
    """
    largest = int(values.max(initial=0))
    if len(values) < _FEW or values.min() < 0 or largest >= _MOST:
        return _encode(values.tolist())
    return b"[%s]" % _digits(values.astype(np.uint32), len(str(largest)))


def _digits(values: npt.NDArray[np.uint32], width: int) -> bytes:
    """Return numbers of `width` digits at most with commas between them."""
    text = np.empty((len(values), width + 1), np.uint8)
    text[:, width] = ord(",")
    left = values
    for column in reversed(range(width)):
        shorter = left // np.uint32(10)
        digits = left - shorter * np.uint32(10) + np.uint32(ord("0"))
        if column < width - 1:
            digits *= left > 0
        text[:, column] = digits
        left = shorter
    return text.tobytes().translate(None, b"\0")[:-1]
