"""Lines of a journal: what is written comes back, and nothing else does."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView, Settle, StartOver, UnverifyView
from napari_unet.errors import StorageError
from napari_unet.geometry.box import Box
from napari_unet.project.journal_line import (
    Logged,
    decode_change,
    encode_change,
    encode_line,
)

SHAPE = (9, 11)
WHEN = datetime(2030, 1, 1, 12, tzinfo=UTC)


def told() -> list:
    """Every kind of change that a person makes."""
    annotation, changes = Annotation(np.zeros(SHAPE, np.int32)), []
    annotation.listener = changes.append
    whole = Box.whole(SHAPE)
    annotation.labels[2:5, 3:7] = 3
    annotation.notice_change(whole)
    annotation.do(Settle())
    annotation.undo()
    annotation.redo()
    annotation.do(AcceptView(Box((0, 0), (4, 11))))
    annotation.undo()
    annotation.redo()
    annotation.do(UnverifyView(Box((0, 0), (1, 11))))
    annotation.do(StartOver())
    annotation.undo()
    return changes


LINES = [encode_change("a", Logged(i, WHEN, c)) for i, c in enumerate(told(), 1)]


def test_a_line_is_readable():
    text = LINES[0].decode()
    assert text.count("\n") == 1
    content = json.loads(text[9:])
    assert (content["sequence"], content["kind"], content["ids"]) == (1, "edit", [3])
    assert content["time"] == "2030-01-01T12:00:00.000Z"
    assert content["parts"][0]["box"] == [[2, 3], [5, 7]]
    assert content["parts"][0]["mask"] == [0, 12]


@pytest.mark.parametrize("number", range(len(LINES)))
def test_a_change_comes_back(number):
    logged = decode_change(LINES[number], "a", SHAPE)
    assert (logged.sequence, logged.time) == (number + 1, WHEN)
    assert encode_change("a", logged) == LINES[number]


def test_changes_read_back_happen_again():
    annotation = Annotation(np.zeros(SHAPE, np.int32))
    for line in LINES:
        annotation.repeat(decode_change(line, "a", SHAPE).change)
    assert annotation.labels[3, 4] == 3
    assert annotation.provenance[0, 0] == 1
    assert annotation.provenance[1, 0] == 2
    kinds = [entry.kind for entry in annotation.history.done]
    assert kinds == ["edit", "accept", "unverify"]
    assert [entry.kind for entry in annotation.history.undone] == ["replace"]


# As the first release wrote them: a stroke, an accepted view, and its settling with
# the next stroke; what was accepted was no step, and could not be undone.
FIRST_RELEASE = [
    {"kind": "edit", "ids": [3], "next_id": 4, "open": [3], "stroke": 1,
     "entry_open": [], "certain": True,
     "parts": [{"box": [[2, 3], [3, 5]], "mask": [0, 2], "before": [0, 2],
                "after": [3, 2], "was": [0, 2], "now": [3, 2]}]},
    {"kind": "accept", "ids": [], "next_id": 4, "open": [3],
     "parts": [{"box": [[0, 0], [1, 2]], "mask": [0, 2], "before": [0, 2],
                "after": [0, 2], "was": [0, 2], "now": [2, 2]}],
     "region": {"box": [[0, 0], [1, 2]], "mask": [0, 2]}},
    {"kind": "edit", "ids": [3, 4], "next_id": 5, "open": [4], "stroke": 2,
     "entry_open": [], "certain": False,
     "parts": [{"box": [[1, 3], [2, 4]], "mask": [0, 1], "before": [0, 1],
                "after": [0, 1], "was": [0, 1], "now": [2, 1]},
               {"box": [[5, 5], [6, 6]], "mask": [0, 1], "before": [0, 1],
                "after": [4, 1], "was": [0, 1], "now": [3, 1]}]},
    {"kind": "undo", "ids": [4], "next_id": 5, "open": [], "stroke": 2,
     "entry_open": [4], "certain": False,
     "parts": [{"box": [[5, 5], [6, 6]], "mask": [0, 1], "before": [4, 1],
                "after": [0, 1], "was": [3, 1], "now": [0, 1]}]},
]  # fmt: skip


def test_lines_of_the_first_release_happen_again_and_can_be_undone():
    annotation = Annotation(np.zeros(SHAPE, np.int32))
    again: list = []
    for number, content in enumerate(FIRST_RELEASE, 1):
        head = {"sequence": number, "time": "2030-01-01T12:00:00.000Z", "image": "a"}
        line = encode_line({**head, **content})
        annotation.repeat(decode_change(line, "a", SHAPE).change)
    annotation.listener = again.append
    assert annotation.provenance[0, :2].tolist() == [2, 2]
    assert annotation.redo().kind == "redo"
    assert annotation.labels[5, 5] == 4
    annotation.undo()
    assert annotation.provenance[1, 3] == 2
    annotation.undo()
    assert not annotation.provenance[:2].any()
    assert annotation.labels[2, 3] == 3
    annotation.undo()
    assert not annotation.labels.any()
    assert not annotation.provenance.any()
    for change in again:
        decode_change(encode_change("a", Logged(9, WHEN, change)), "a", SHAPE)


def test_the_blank_after_the_checksum_counts_too():
    with pytest.raises(StorageError):
        decode_change(LINES[0][:8] + b"!" + LINES[0][9:], "a", SHAPE)


@given(st.sampled_from(LINES), st.data())
def test_a_damaged_line_is_noticed(line, data):
    content = bytearray(line)
    position = data.draw(st.integers(0, len(line) - 1))
    if data.draw(st.booleans()):
        content = content[:position]
    else:
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(StorageError) as found:
        decode_change(bytes(content), "a", SHAPE)
    assert "\n" not in str(found.value)


def hostile(**changes) -> bytes:
    """A line that says something else, with a checksum that fits."""
    content = {**json.loads(LINES[0][9:]), **changes}
    text = json.dumps(content).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def part(**changes):
    return {"parts": [{**json.loads(LINES[0][9:])["parts"][0], **changes}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "b"},
        {"sequence": 0},
        {"sequence": 2**60},
        {"sequence": "1"},
        {"time": "yesterday"},
        {"time": "2030-01-01T12:00:00"},
        {"kind": "format the disk"},
        {"surprise": 1},
        {"next_id": 2**40},
        {"parts": []},
        {"stroke": 0},
        part(box=[[0, 0], [10, 11]]),
        part(box=[[-1, 0], [5, 7]]),
        part(box=[[2, 3, 0], [5, 7, 1]]),
        part(box=[[2, 3], [2, 7]]),
        part(mask=[0, 13]),
        part(mask=[0, 10**12]),
        part(mask=[2**39] * 2),
        part(mask=[-1, 12]),
        part(mask=[0]),
        part(mask=[]),
        part(before=[0, 11]),
        part(after=[3, 10**12]),
        part(after=[2**35, 12]),
        part(now=[4, 12]),
        part(was=[-1, 12]),
        {"marks": {"3": [0, 1.0]}},
        {"values": ["AAAA"]},
        {"values": ["not base64"]},
        {"open": ["__import__('os')"]},
    ],
    ids=str,
)
def test_a_hostile_line_is_refused(changes):
    assert decode_change(hostile(), "a", SHAPE)
    with pytest.raises(StorageError):
        decode_change(hostile(**changes), "a", SHAPE)


@given(st.binary(max_size=200))
def test_anything_else_is_no_line(content):
    with pytest.raises(StorageError):
        decode_change(content, "a", SHAPE)
