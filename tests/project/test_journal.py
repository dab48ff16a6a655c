"""The journal: written in the change's own call, whole lines or none, in order."""

from __future__ import annotations

import errno
import os
import time

import numpy as np
import pytest

from napari_unet.core.annotation import Annotation
from napari_unet.core.box import Box
from napari_unet.errors import StorageError
from napari_unet.project import journal as journals
from napari_unet.project.fields import ImageFields
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.journal import Journal
from napari_unet.project.segments import list_segments, read_journal
from napari_unet.project.syncer import Syncer

SHAPE = (20, 30)
IMAGE = ImageIdentity.of("a", np.zeros(SHAPE, np.uint8), "YX")


class Desk:
    """A folder, an annotation that is written down there, and its journal."""

    def __init__(self, folder, sequence=0, prepare=lambda: None):
        self.folder = folder
        self.syncer = Syncer()
        self.annotation = Annotation(np.zeros(SHAPE, np.int32))
        fields = ImageFields.of(IMAGE, folder.parent)
        self.journal = Journal(
            folder, IMAGE.key, fields, sequence, self.syncer, prepare
        )
        self.annotation.listener = self.journal.append

    def paint(self, number=1):
        for _ in range(number):
            label = self.annotation.new_id()
            self.annotation.labels[label % 19, :5] = label
            self.annotation.notice_change(Box.whole(SHAPE), "edit")

    def read(self):
        return read_journal(self.folder, IMAGE.key, SHAPE)

    def numbers(self):
        return [logged.sequence for logged in self.read().logged]


@pytest.fixture
def desk(folder):
    (folder / "journal").mkdir(parents=True)
    made = Desk(folder / "journal")
    yield made
    made.journal.close()
    made.syncer.close()


def test_nothing_is_written_before_the_first_change(desk):
    assert not list(desk.folder.iterdir())
    desk.paint()
    assert desk.numbers() == [1]


def test_every_change_is_there_when_its_call_returns(desk):
    for number in range(1, 6):
        desk.paint()
        assert desk.numbers() == list(range(1, number + 1))
    assert desk.journal.status.unwritten == 0


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_whole_lines(desk, monkeypatch):
    write = os.write
    monkeypatch.setattr(journals.os, "write", lambda f, data: write(f, data[:7]))
    desk.paint(3)
    found = desk.read()
    assert [logged.sequence for logged in found.logged] == [1, 2, 3]
    assert not found.torn


@pytest.mark.parametrize("after", [0, 1, 3])
def test_what_a_full_disk_does_not_take_is_written_later_in_order(
    desk, monkeypatch, after
):
    desk.paint(2)
    write, calls = os.write, []

    def fail(descriptor, data):
        calls.append(data)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:9])

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "write", fail)
        desk.paint(2)
        status = desk.journal.status
        assert status.unwritten == 2
        assert "disk is full" in status.failure
        assert not desk.read().torn
        assert desk.numbers() == [1, 2]
    desk.journal.flush()
    assert desk.numbers() == [1, 2, 3, 4]
    assert desk.journal.status.failure == ""


def test_a_line_that_cannot_be_taken_back_ends_its_segment(desk, monkeypatch):
    desk.paint()

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    write = os.write

    def half(descriptor, data):
        write(descriptor, data[: len(data) // 2])
        fail()

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "write", half)
        patch.setattr(journals.os, "ftruncate", fail)
        desk.paint()
    desk.paint()
    assert desk.numbers() == [1, 2, 3]
    assert len(list_segments(desk.folder)) == 2


@pytest.mark.parametrize("how", ["removed", "replaced", "folder"])
def test_nothing_is_written_into_a_file_that_is_gone(desk, how):
    desk.paint(2)
    (segment,) = list_segments(desk.folder)
    if how == "removed":
        segment.path.unlink()
    elif how == "replaced":
        segment.path.rename(segment.path.with_name("elsewhere"))
        segment.path.write_bytes(b"something else\n")
    else:
        desk.folder.rename(desk.folder.with_name("moved"))
        desk.folder.mkdir()
    desk.paint()
    assert desk.numbers() == [3]
    assert desk.journal.status.unwritten == 0


def test_who_may_not_write_keeps_changes_and_says_why(folder):
    (folder / "journal").mkdir(parents=True)
    allowed = []

    def prepare():
        if not allowed:
            raise StorageError("Somebody else works here.")

    desk = Desk(folder / "journal", prepare=prepare)
    desk.paint(2)
    assert desk.journal.status.failure == "Somebody else works here."
    assert not list(desk.folder.iterdir())
    allowed.append(True)
    desk.paint()
    assert desk.numbers() == [1, 2, 3]
    desk.journal.close()
    desk.syncer.close()


def test_segments_end_when_they_are_full_and_old_ones_go(desk, monkeypatch):
    monkeypatch.setattr(journals, "_LARGEST_SEGMENT", 2000)
    desk.paint(40)
    before = list_segments(desk.folder)
    assert len(before) > 5
    assert desk.numbers() == list(range(1, 41))
    desk.journal.saved(40, oldest=40)
    assert list_segments(desk.folder) == before, "they are kept so that one can undo"
    monkeypatch.setattr(journals, "_KEPT_FOR_UNDO", 0)
    desk.journal.saved(40, oldest=20)
    numbers = desk.numbers()
    assert 1 < numbers[0] <= 21
    assert numbers == list(range(numbers[0], 41))


def test_a_save_makes_up_for_what_could_not_be_written(desk, monkeypatch):
    desk.paint()

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "write", fail)
        desk.paint(2)
    desk.journal.saved(3, oldest=0)
    assert desk.journal.status.unwritten == 0
    assert desk.journal.status.failure == ""


def test_changes_are_pushed_to_the_disk_in_the_background(desk):
    desk.paint(3)
    deadline = time.monotonic() + 20
    while desk.journal.status.unsynced and time.monotonic() < deadline:
        time.sleep(0.01)
    assert desk.journal.status.unsynced == 0


def test_a_push_that_fails_is_told(desk, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, "fsync", fail)
        desk.paint()
        desk.journal.sync()
        assert desk.journal.status.unsynced == 1
        assert desk.journal.status.failure
    desk.journal.sync()
    assert desk.journal.status.unsynced == 0


def test_a_new_run_never_touches_what_an_old_one_wrote(desk):
    desk.paint(2)
    desk.journal.close()
    (old,) = list_segments(desk.folder)
    torn = old.path.read_bytes()[:-9]
    old.path.write_bytes(torn)
    again = Desk(desk.folder, sequence=1)
    again.paint()
    assert old.path.read_bytes() == torn
    assert again.numbers() == [1, 2]
    again.journal.close()
    again.syncer.close()


def test_a_gap_and_foreign_lines_are_counted(desk, tmp_path):
    desk.paint(5)
    (segment,) = list_segments(desk.folder)
    lines = segment.path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"sequence":3', b'"sequence":9')
    segment.path.write_bytes(b"".join(lines))
    found = desk.read()
    assert [logged.sequence for logged in found.logged] == [1, 2, 4, 5]
    assert (found.damaged, found.missing, found.torn) == (1, 1, False)
    link = desk.folder / f"{IMAGE.key}.000002.jsonl"
    link.symlink_to(segment.path)
    assert list_segments(desk.folder) == [segment]
