"""Jobs in processes of their own: what comes back, how they stop, and how they die."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.core.apart import Process, Processes, spare_cores
from napari_unet.core.frames import Told, hear, receive, send, send_stop
from napari_unet.errors import ChannelMismatchError, DeviceError, InputError
from tests.core.distant import Break, Count, Facts


@pytest.fixture(scope="module")
def process():
    process = Process()
    yield process
    process.end()
    assert not process.alive


def run(process, job):
    process.begin(job)
    events = []
    while (told := process.hear()).kind == "event":
        events.append(told.value)
    return events, told


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie has ended, too.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


CONTENT = st.one_of(
    st.none(),
    st.text(),
    st.integers(0, 9).map(lambda n: {"a": np.arange(n), "b": np.zeros((2, n), bool)}),
)


@given(st.lists(CONTENT))
def test_messages_come_back_whole_and_in_order(contents):
    pipe = io.BytesIO()
    for content in contents:
        send(pipe, content)
        send_stop(pipe)
    end = pipe.tell()
    pipe.seek(0)
    for content in contents:
        np.testing.assert_equal(receive(pipe).read(), content)
        assert receive(pipe) is None
    assert pipe.tell() == end
    with pytest.raises(EOFError):
        receive(pipe)


def test_arrays_that_travelled_can_be_written_to():
    pipe = io.BytesIO()
    send(pipe, np.zeros(3))
    pipe.seek(0)
    array = receive(pipe).read()
    array += 1
    assert array.tolist() == [1, 1, 1]


@given(st.data())
def test_a_message_that_is_cut_is_the_end(data):
    pipe = io.BytesIO()
    send(pipe, Told("event", np.arange(20)))
    whole = pipe.getvalue()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(EOFError):
        hear(io.BytesIO(whole[:cut]))


def test_events_and_results_come_in_order_from_one_process_for_all(process):
    events, told = run(process, Count(3))
    assert events == [0, 1, 2]
    assert told.kind == "result"
    assert told.value not in (0, os.getpid())
    _, again = run(process, Count(1))
    assert again.value == told.value


def test_it_is_modest(process):
    _, told = run(process, Facts())
    facts = told.value
    own = os.environ.get("OMP_NUM_THREADS")
    assert facts["threads"] == (own or str(spare_cores()))
    assert facts["nice"] >= 10
    assert facts["interrupt"]


def test_a_job_that_is_stopped_closes_and_the_next_one_runs(process, tmp_path):
    left = tmp_path / "left"
    process.begin(Count(100_000, 0.001, left))
    for number in range(5):
        assert process.hear().value == number
    process.stop()
    while (told := process.hear()).kind == "event":
        number += 1
        assert told.value == number
    assert told.kind == "closed"
    assert left.read_text() == "closed"
    process.begin(Count(2))
    process.hear()
    process.hear()
    assert process.hear().kind == "result"
    process.stop()  # too late for that job, and nothing to the next one
    events, told = run(process, Count(2))
    assert (events, told.kind) == ([0, 1], "result")


def test_errors_travel_and_those_that_cannot_say_what_they_were(process):
    _, told = run(process, Break("input"))
    assert isinstance(told.value, InputError)
    assert str(told.value) == "Nothing is verified yet."
    assert "distant.py" in told.value.__notes__[0]
    _, told = run(process, Break("channels"))
    assert isinstance(told.value, ChannelMismatchError)
    assert told.value.wanted == 1
    _, told = run(process, Break("stubborn"))
    assert "1 and 2" in str(told.value)
    _, told = run(process, Break("result"))
    assert told.kind == "error"
    assert "pickle" in str(told.value)
    assert run(process, Count(1))[1].kind == "result"


def test_a_process_that_dies_is_told_in_words_and_replaced():
    processes = Processes()
    first = processes.take()
    first.begin(Break("die"))
    assert first.hear().kind == "event"
    with pytest.raises(DeviceError, match=r"signal 9.*memory"):
        first.hear()
    assert not first.alive
    with pytest.raises(DeviceError):
        first.begin(Count(1))
    first.stop()  # harmless
    processes.give_back(first)
    second = processes.take()
    assert run(second, Count(1))[1].kind == "result"
    processes.give_back(second)
    processes.rest()
    until(lambda: not second.alive)
    processes.end()


def test_what_is_idle_is_used_again_and_all_end():
    processes = Processes()
    first = processes.take()
    processes.give_back(first)
    assert processes.take() is first
    other = processes.take()
    other.begin(Count(100_000, 0.01))
    other.hear()
    processes.end()
    assert not first.alive
    assert not other.alive
    late = Process()
    processes.give_back(late)
    assert not late.alive


def test_nobody_is_left_behind_when_the_parent_is_killed(tmp_path):
    script = (
        "from napari_unet.core.apart import Process\n"
        "from tests.core.distant import Count, Facts\n"
        "process = Process()\n"
        "process.begin(Facts()); process.hear()\n"
        "print(process.hear().value['pid'], flush=True)\n"
        "process.begin(Count(100_000, 0.01))\n"
        "while True: process.hear()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    child = int(parent.stdout.readline())
    assert not gone(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: gone(child))


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python", "/bin/echo"])
def test_another_program_is_no_process(monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(OSError, match=r"program|No such file"):
        Process()
