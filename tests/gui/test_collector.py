"""Garbage is collected on the main thread while jobs run, and as ever afterwards."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from napari_unet.gui.collector import Collector
from napari_unet.gui.runner import QtRunner
from napari_unet.session.runner import Handlers
from tests.generated import Generated

pytestmark = pytest.mark.qt_smoke


@pytest.fixture
def collector(qtbot):
    gc.unfreeze()  # what the tests themselves had set aside
    collector = Collector()
    yield collector
    collector.close()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


class Cycle:
    def __init__(self):
        self.myself = self


def leave_garbage(threads, count=1):
    """Make cycles that note the thread in which they are deleted."""
    for _ in range(count):
        weakref.finalize(Cycle(), lambda: threads.add(threading.current_thread()))


def start(runner, generator):
    ended = []
    runner.start(
        Generated(generator),
        Handlers(
            result=ended.append, error=ended.append, closed=lambda: ended.append(None)
        ),
    )
    return ended


def test_garbage_of_a_job_is_collected_on_the_main_thread(qtbot):
    runner, threads = QtRunner(), set()

    def work():
        while True:
            leave_garbage(threads, 500)
            time.sleep(0.001)
            yield

    ended = start(runner, work())
    try:
        qtbot.waitUntil(lambda: bool(threads))
    finally:
        assert runner.close()
    assert ended == [None]
    assert threads == {threading.main_thread()}
    assert gc.isenabled()


def test_what_existed_before_is_set_aside_and_brought_back(collector):
    collector.take_over()
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 1000
    collector.give_back()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000, "a layer that goes makes a full collection"
    collector.close()
    assert gc.get_freeze_count() == 0


def test_what_goes_is_brought_back_if_it_was_set_aside(collector):
    gone = []
    old, new = Cycle(), None
    weakref.finalize(old, lambda: gone.append("old"))
    collector.take_over()
    collector.give_back()
    new = Cycle()
    weakref.finalize(new, lambda: gone.append("new"))
    collector.bring_back(new)
    del new
    gc.collect()
    assert gone == ["new"]
    assert gc.get_freeze_count() > 1000
    collector.bring_back(old)
    del old
    gc.collect()
    assert gone == ["new", "old"]
    collector.take_over()
    assert gc.get_freeze_count() > 1000


def test_two_windows_do_not_undo_each_other(collector, qtbot):
    other = Collector()
    collector.take_over()
    other.take_over()
    collector.give_back()
    qtbot.waitUntil(lambda: not gc.isenabled())
    other.give_back()
    assert gc.isenabled()


def test_who_switched_collection_off_keeps_it_off(collector):
    gc.disable()
    try:
        collector.take_over()
        collector.give_back()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_old_garbage_is_collected_too(collector, qtbot, monkeypatch):
    monkeypatch.setattr("napari_unet.gui.collector._FULL_TICKS", 1)
    collector.take_over()
    threads = set()
    cycle = Cycle()
    weakref.finalize(cycle, lambda: threads.add(threading.current_thread()))
    gc.collect()  # makes it old
    del cycle
    qtbot.waitUntil(lambda: bool(threads))
