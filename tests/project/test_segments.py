"""Reading a journal: all that is whole, in order, and how much is not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.project import journal as journals
from napari_unet.project import journal_reader as files
from napari_unet.project.journal_line import encode_change
from napari_unet.project.journal_reader import list_segments, read_journal
from tests.project.desk import FIELDS, IMAGE, Desk


def test_a_gap_and_foreign_lines_are_counted(desk, tmp_path):
    desk.paint(5)
    (segment,) = list_segments(desk.folder)
    lines = segment.path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"sequence":3', b'"sequence":9')
    segment.path.write_bytes(b"".join(lines))
    found = desk.read()
    assert [logged.sequence for logged in found.logged] == [1, 2, 4, 5]
    assert (found.damaged, found.missing(0), found.torn) == (1, 1, False)
    link = desk.folder / f"{IMAGE.key}.000002.jsonl"
    link.symlink_to(segment.path)
    assert list_segments(desk.folder) == [segment]


def lines_of(segment):
    return segment.path.read_bytes().splitlines(keepends=True)


def test_a_segment_that_is_missing_is_a_gap(desk, monkeypatch):
    monkeypatch.setattr(journals, "_LARGEST_SEGMENT", 100)
    desk.paint(4)
    list_segments(desk.folder)[1].path.unlink()
    found = desk.read()
    assert [logged.sequence for logged in found.logged] == [1, 3, 4]
    assert (found.damaged, found.missing(0), found.trailing) == (0, 1, 0)


@pytest.mark.parametrize("where", [0, 2])
def test_a_damaged_end_of_a_line_takes_nothing_else_along(desk, where):
    desk.paint(4)
    (segment,) = list_segments(desk.folder)
    lines = lines_of(segment)
    lines[where] = lines[where][:-1] + b"J"
    segment.path.write_bytes(b"".join(lines))
    found = desk.read()
    kept = [number for number in range(1, 5) if number != where]
    assert [logged.sequence for logged in found.logged] == kept
    assert not found.torn


def test_damaged_lines_at_the_end_are_counted_and_no_stroke_under_way(desk):
    desk.paint(4)
    (segment,) = list_segments(desk.folder)
    content = segment.path.read_bytes().replace(b'"edit"', b'"EDIT"')
    segment.path.write_bytes(content.replace(b'"EDIT"', b'"edit"', 2))
    found = desk.read()
    assert [logged.sequence for logged in found.logged] == [1, 2]
    assert (found.damaged, found.trailing, found.torn) == (2, 2, False)
    segment.path.write_bytes(content[:-1])
    assert desk.read().torn


def test_a_line_that_is_too_long_is_not_read_on(desk, monkeypatch):
    desk.paint(3)
    (segment,) = list_segments(desk.folder)
    head, first, second, third = lines_of(segment)
    monkeypatch.setattr(files, "_LONGEST_LINE", 5000)
    segment.path.write_bytes(head + first + b"0" * 10_000 + b"\n" + second + third)
    found = desk.read()
    assert [logged.sequence for logged in found.logged] == [1]
    assert found.torn


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Files of a journal of nine changes, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journals, "_LARGEST_SEGMENT", 1000)
        desk = Desk(tmp_path_factory.mktemp("journal"))
        desk.paint(9)
        desk.journal.close()
        desk.syncer.close()
    assert desk.numbers() == list(range(1, 10))
    assert len(list_segments(desk.folder)) > 2
    return {
        each.path.name: each.path.read_bytes() for each in list_segments(desk.folder)
    }


def damage(content, draw):
    """Return it with some bits turned or cut short, and its lines that are whole."""
    damaged = bytearray(content)
    places = draw(st.sets(st.integers(0, len(content) - 1), max_size=3))
    for place in places:
        damaged[place] ^= 1 << draw(st.integers(0, 7))
    length = draw(st.just(len(content)) | st.integers(0, len(content)))
    whole, start = [], 0
    for number, line in enumerate(content.splitlines(keepends=True)):
        stop = start + len(line)
        if number and stop <= length and not any(start <= p < stop for p in places):
            whole.append(line)
        start = stop
    return bytes(damaged[:length]), whole


@given(st.data())
def test_every_undamaged_line_comes_back_in_order_and_nothing_else(written, data):
    whole = []
    with tempfile.TemporaryDirectory() as folder:
        for name, content in written.items():
            damaged, left = damage(content, data.draw)
            (Path(folder) / name).write_bytes(damaged)
            whole += left
        found = read_journal(Path(folder), IMAGE.key, FIELDS)
    assert [encode_change(IMAGE.key, logged) for logged in found.logged] == whole
