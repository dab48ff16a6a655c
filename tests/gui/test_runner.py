"""Jobs in threads: who is called, where, and what happens at the end."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from qtpy.QtCore import QThread

from napari_unet.core.events import Notice, TilesDone
from napari_unet.errors import DeviceError, InputError
from napari_unet.gui.runner import QtRunner
from napari_unet.session.runner import Closed, Failed, Handlers, Returned
from tests.core.distant import Break, Count, Mute
from tests.generated import Generated

pytestmark = pytest.mark.qt_smoke


class Record:
    def __init__(self):
        self.calls = []
        self.threads = set()

    def start(self, runner, generator):
        return self.start_job(runner, Generated(generator))

    def start_job(self, runner, job):
        return runner.start(
            job,
            Handlers(
                event=lambda event: self.note("event", event),
                result=lambda value: self.note("return", value),
                error=lambda error: self.note("error", error),
                closed=lambda: self.note("closed", None),
            ),
        )

    def note(self, kind, value):
        self.calls.append((kind, value))
        self.threads.add(QThread.currentThread())

    @property
    def ended(self):
        return bool(self.calls) and self.calls[-1][0] != "event"


@pytest.fixture
def runner(qtbot):
    runner = QtRunner()
    yield runner
    assert runner.close(5)


def endless(log):
    try:
        while True:
            log.append(threading.get_ident())
            time.sleep(0.001)
            yield len(log)
    finally:
        log.append(threading.get_ident())


def test_the_generator_has_a_thread_and_the_callbacks_the_main_one(runner, qtbot):
    record, main = Record(), QThread.currentThread()

    def work():
        yield threading.get_ident()
        return "end"

    job = record.start(runner, work())
    assert record.calls == []
    qtbot.waitUntil(lambda: record.ended)
    (_, worker), (kind, value) = record.calls
    assert worker != threading.get_ident()
    assert (kind, value) == ("return", "end")
    assert record.threads == {main}
    assert isinstance(job.outcome, Returned)
    assert not runner.busy


def test_cancel_closes_the_generator_in_its_own_thread(runner, qtbot):
    record, log = Record(), []
    job = record.start(runner, endless(log))
    qtbot.waitUntil(lambda: len(record.calls) > 3)
    job.cancel()
    assert job.running
    qtbot.waitUntil(lambda: record.ended)
    assert record.calls[-1] == ("closed", None)
    assert len(set(log)) == 1
    assert log[0] != threading.get_ident()
    assert isinstance(job.outcome, Closed)


def test_an_error_is_told_once(runner, qtbot):
    record = Record()

    def work():
        yield 0
        raise ValueError("no")

    record.start(runner, work())
    qtbot.waitUntil(lambda: record.ended)
    assert [kind for kind, _ in record.calls] == ["event", "error"]


def test_a_callback_that_fails_ends_the_job(runner, qtbot):
    ends, log = [], []

    def refuse(event):
        raise KeyError(event)

    job = runner.start(
        Generated(endless(log)),
        Handlers(
            event=refuse,
            result=ends.append,
            error=ends.append,
            closed=lambda: ends.append("closed"),
        ),
    )
    qtbot.waitUntil(lambda: bool(ends))
    assert [type(end) for end in ends] == [KeyError]
    assert isinstance(job.outcome, Failed)
    qtbot.wait(50)
    assert len(ends) == 1


def test_progress_cannot_flood_the_main_thread(runner, qtbot):
    record = Record()

    def work():
        for n in range(10_000):
            yield TilesDone(n, 10_000)
        yield "last"

    record.start(runner, work())
    time.sleep(0.2)
    qtbot.waitUntil(lambda: record.ended)
    assert len(record.calls) < 5_000
    assert record.calls[-2][1] == "last"
    assert record.calls[-3][1] == TilesDone(9_999, 10_000)


def test_a_job_does_not_run_away_from_a_busy_main_thread(runner, qtbot):
    record, made = Record(), []

    def work():
        for n in range(2_000):
            made.append(n)
            yield str(n)

    record.start(runner, work())
    time.sleep(0.3)
    assert len(made) < 300
    qtbot.waitUntil(lambda: record.ended)
    assert len(record.calls) == 2_001


def test_close_ends_all_jobs_and_calls_their_last_callback(qtbot):
    runner, records, logs = QtRunner(), [Record(), Record()], [[], []]
    for record, log in zip(records, logs, strict=True):
        record.start(runner, endless(log))
    assert runner.close(5)
    assert [record.calls[-1][0] for record in records] == ["closed", "closed"]
    assert not runner.busy


def test_close_does_not_wait_for_ever(qtbot):
    runner, record, gate = QtRunner(), Record(), threading.Event()
    begun = threading.Event()

    def stuck():
        begun.set()
        gate.wait(20)
        yield 0

    record.start(runner, stuck())
    assert begun.wait(20)  # a job that has not begun is closed at once
    started = time.monotonic()
    assert not runner.close(0.2)
    assert time.monotonic() - started < 2
    gate.set()


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are per process there")
def test_jobs_have_lower_priority_than_the_window(runner, qtbot, monkeypatch):
    monkeypatch.setattr("napari_unet.gui.thread_job._NICENESS", 10)
    record = Record()

    def work():
        yield os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    record.start(runner, work())
    qtbot.waitUntil(lambda: record.ended)
    assert record.calls[0][1] > before
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_job_has_a_process_of_its_own_and_the_next_one_the_same(runner, qtbot):
    record, again = Record(), Record()
    record.start_job(runner, Count(3))
    qtbot.waitUntil(lambda: record.ended, timeout=20_000)
    *events, (kind, process) = record.calls
    assert events == [("event", 0), ("event", 1), ("event", 2)]
    assert kind == "return"
    assert process != os.getpid()
    assert record.threads == {QThread.currentThread()}
    again.start_job(runner, Count(0))
    qtbot.waitUntil(lambda: again.ended, timeout=20_000)
    assert again.calls == [("return", process)]


def test_a_cancelled_process_loses_nothing_that_it_told(runner, qtbot, tmp_path):
    record, left = Record(), tmp_path / "left"
    job = record.start_job(runner, Count(100_000, 0.001, left))
    qtbot.waitUntil(lambda: len(record.calls) > 3, timeout=20_000)
    job.cancel()
    qtbot.waitUntil(lambda: record.ended, timeout=20_000)
    *events, last = record.calls
    assert last == ("closed", None)
    assert events == [("event", number) for number in range(len(events))]
    assert left.read_text() == "closed"


def test_a_job_that_was_cancelled_before_it_began_starts_no_process(runner, qtbot):
    record = Record()
    record.start_job(runner, Count(3)).cancel()
    qtbot.waitUntil(lambda: record.ended, timeout=20_000)
    assert record.calls[-1][0] in ("closed", "event")


@pytest.mark.parametrize("how", ["input", "die"])
def test_what_goes_wrong_in_a_process_is_told(runner, qtbot, how):
    record = Record()
    record.start_job(runner, Break(how))
    qtbot.waitUntil(lambda: record.ended, timeout=20_000)
    kind, error = record.calls[-1]
    assert kind == "error"
    assert isinstance(error, InputError if how == "input" else DeviceError)


@pytest.mark.parametrize("said", [None, Notice("No process for it.")])
def test_where_no_process_starts_the_job_runs_here_and_says_its_own_words(
    runner, qtbot, monkeypatch, said
):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(Count, "inside", said)
    record = Record()
    record.start_job(runner, Count(2))
    qtbot.waitUntil(lambda: record.ended, timeout=20_000)
    told = [] if said is None else [("event", said)]
    counted = [("event", 0), ("event", 1), ("return", os.getpid())]
    assert record.calls == [*told, *counted]


def test_closing_ends_a_process_that_does_not_stop(qtbot):
    runner, record = QtRunner(), Record()
    record.start_job(runner, Count(5, pause=60.0))
    qtbot.waitUntil(lambda: bool(record.calls), timeout=20_000)
    began = time.monotonic()
    assert not runner.close(0.2)
    assert time.monotonic() - began < 10


def test_closing_does_not_wait_for_a_process_that_only_gets_ready(qtbot):
    runner, record = QtRunner(), Record()
    record.start_job(runner, Mute())
    qtbot.wait(500)
    assert runner.close(20)
    assert record.calls == [("closed", None)]
