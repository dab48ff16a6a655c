"""The journal: written in the change's own call, whole lines or none, in order."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.errors import StorageError
from napari_unet.geometry.box import Box
from napari_unet.project import journal as journals
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal import Journal
from napari_unet.project.journal_reader import list_segments, read_journal
from tests.project.desk import FIELDS, IMAGE, Desk


@contextmanager
def failing(monkeypatch, call, code=errno.EIO):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(journals.os, call, fail)
        yield


def wait_for(found):
    deadline = time.monotonic() + 20
    while not found() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found()


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
    torn = list_segments(desk.folder)[0].path.read_bytes()
    desk.paint()
    assert desk.numbers() == [1, 2, 3]
    assert len(list_segments(desk.folder)) == 2
    assert list_segments(desk.folder)[0].path.read_bytes() == torn
    assert not torn.endswith(b"\n")


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


def test_what_the_oldest_save_does_not_hold_stays(desk, monkeypatch):
    monkeypatch.setattr(journals, "_LARGEST_SEGMENT", 100)
    monkeypatch.setattr(journals, "_KEPT_FOR_UNDO", 0)
    desk.paint(4)
    desk.journal.saved(4, oldest=1)
    assert desk.numbers() == [2, 3, 4]


def test_a_save_makes_up_for_what_could_not_be_written(desk, monkeypatch):
    desk.paint()
    with failing(monkeypatch, "write", errno.ENOSPC):
        desk.paint(2)
    desk.journal.saved(3, oldest=0)
    assert desk.journal.status.unwritten == 0
    assert desk.journal.status.failure == ""
    assert desk.numbers() == [1, 2, 3], "an older save may be needed once more"


def test_a_push_that_fails_is_told_until_a_save_makes_up_for_it(desk, monkeypatch):
    with failing(monkeypatch, "fsync"):
        desk.paint()
        wait_for(lambda: desk.journal.status.failure)
    # The system may have thrown the line away, and would push it "again" in vain.
    desk.paint()
    desk.journal.sync()
    assert "Input/output error" in desk.journal.status.failure
    assert desk.journal.status.unsynced == 2
    desk.journal.saved(2, oldest=0)
    assert (desk.journal.status.failure, desk.journal.status.unsynced) == ("", 0)
    desk.paint()
    desk.journal.sync()
    assert desk.journal.status.unsynced == 0


def test_one_syncer_pushes_several_journals(desk):
    fields = ImageFields.of(IMAGE, desk.folder.parent)
    other = Journal(desk.folder, "other", fields, 0, desk.syncer)
    own = desk.annotation.listener
    desk.annotation.listener = lambda change: (own(change), other.append(change))
    desk.paint(2)
    wait_for(lambda: not (desk.journal.status.unsynced or other.status.unsynced))
    assert [each.key for each in list_segments(desk.folder)] == [IMAGE.key, "other"]
    other.close()


def test_to_close_writes_what_is_left(desk, monkeypatch):
    with failing(monkeypatch, "write"):
        desk.paint(2)
    assert desk.numbers() == []
    desk.journal.close()
    assert desk.numbers() == [1, 2]
    assert desk.journal.status.unsynced == 0


def test_a_file_that_cannot_be_closed_stops_nothing(desk, monkeypatch):
    desk.paint()
    segment, desk.journal._segment = desk.journal._segment, None
    with failing(monkeypatch, "close"):
        segment.close()
    os.close(segment.descriptor)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_head_that_cannot_be_written_leaves_no_file(desk, monkeypatch, code):
    with failing(monkeypatch, "write", code):
        desk.paint(2)
        assert list(desk.folder.iterdir()) == []
        assert desk.journal.status.unwritten == 2
    desk.journal.flush()
    assert desk.numbers() == [1, 2]
    assert desk.journal.status.failure == ""


def test_a_segment_is_a_megabyte_and_a_line_at_most(desk):
    desk.annotation = Annotation(np.zeros((300, 300), np.int32))
    desk.annotation.listener = desk.journal.append
    rng = np.random.default_rng(0)
    for label in range(1, 12):
        desk.annotation.labels[rng.random((300, 300)) < 0.5] = label
        desk.annotation.notice_change(Box.whole((300, 300)))
    large = FIELDS.model_copy(update={"shape": (300, 300)})
    first, *others = (each.path.stat().st_size for each in list_segments(desk.folder))
    assert others
    assert 2**20 < first < 2**20 + 500_000
    found = read_journal(desk.folder, IMAGE.key, large)
    assert [logged.sequence for logged in found.logged] == list(range(1, 12))


def test_what_cannot_be_understood_is_not_removed(desk, monkeypatch):
    monkeypatch.setattr(journals, "_LARGEST_SEGMENT", 100)
    monkeypatch.setattr(journals, "_KEPT_FOR_UNDO", 0)
    desk.paint(4)
    before = list_segments(desk.folder)
    before[2].path.write_bytes(b"no head\n")
    desk.journal.saved(4, oldest=4)
    assert list_segments(desk.folder) == before[1:]


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
