"""Finished views are written down line by line, and whatever can be read is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.project.finished import Finished, append_finished, read_finished
from napari_unet.project.layout import FINISHED

BEGAN = datetime(2030, 1, 1, tzinfo=UTC)


def view(number: int, **known: object) -> Finished:
    fields = {"image": "cells-1f2e3d", "task": "instances", "corrections": 2}
    time = BEGAN + timedelta(seconds=number)
    return Finished(**{**fields, "time": time, "seconds": 3.5, "objects": 9, **known})


def test_views_come_back_in_the_order_of_time(tmp_path):
    assert read_finished(tmp_path) == ()
    views = [view(n) for n in range(4)]
    append_finished(tmp_path, views[2:])
    append_finished(tmp_path, views[:2])
    assert read_finished(tmp_path) == tuple(views)


def test_what_was_taken_back_is_gone_until_it_is_done_again(tmp_path):
    append_finished(tmp_path, [view(0), view(1), view(1, withdrawn=True)])
    assert read_finished(tmp_path) == (view(0),)
    append_finished(tmp_path, [view(1)])
    assert read_finished(tmp_path) == (view(0), view(1))


@given(cut=st.integers(0, 900))
def test_a_file_cut_anywhere_keeps_whole_lines_and_goes_on(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    views = [view(n) for n in range(4)]
    append_finished(folder, views)
    path = folder / FINISHED
    text = path.read_bytes()
    path.write_bytes(text[:cut])
    # A line that lacks its newline alone is whole: the next one to append gives it.
    whole = sum(at <= cut for at, byte in enumerate(text) if byte == ord("\n"))
    append_finished(folder, [view(9)])
    assert read_finished(folder) == (*views[:whole], view(9))


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"\xff\xfe\n", b"0000 {}\n", b'00000000 {"image": "x"}\n']
)
def test_what_is_damaged_or_newer_is_passed_over(tmp_path, line):
    append_finished(tmp_path, [view(0)])
    with (tmp_path / FINISHED).open("ab") as file:
        file.write(line)
    append_finished(tmp_path, [view(1)])
    assert read_finished(tmp_path) == (view(0), view(1))


def test_what_cannot_be_written_or_read_harms_nobody(tmp_path):
    append_finished(tmp_path / "nowhere", [view(0)])
    (tmp_path / FINISHED).mkdir()
    append_finished(tmp_path, [view(0)])
    assert read_finished(tmp_path) == ()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / FINISHED).symlink_to(tmp_path / "mine")
    append_finished(tmp_path, [view(0)])
    assert (tmp_path / "mine").read_text() == "precious"
