"""The lock: one window writes, whoever else looks, and the dead are forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from napari_unet.errors import StorageError
from napari_unet.project import lock as locks
from napari_unet.project.lock import LOCK, ProjectLock, read_holder


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def home(folder):
    folder.mkdir()
    return folder


def write(home, **changes):
    """Write the lock of another window, as it might be."""
    other = ProjectLock(home)
    other.acquire()
    content = {**json.loads((home / LOCK).read_bytes()), **changes}
    (home / LOCK).write_text(json.dumps(content))


def test_the_second_is_told_who_was_first(home):
    first, second = ProjectLock(home), ProjectLock(home)
    first.acquire()
    assert second.holder() is not None
    with pytest.raises(StorageError, match="is open elsewhere"):
        second.acquire()
    assert not second.held
    first.release()
    assert second.holder() is None
    second.acquire()
    assert second.still_ours()
    assert not first.still_ours()


def test_to_look_writes_nothing(home):
    assert read_holder(home) is None
    assert list(home.iterdir()) == []
    write(home, pid=2**22 + 1, started=1.0)
    before = (home / LOCK).read_bytes()
    assert read_holder(home) is None, "its process is gone"
    assert (home / LOCK).read_bytes() == before


def test_a_living_process_holds_and_a_dead_one_does_not(home):
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True
    )
    import psutil

    started = psutil.Process(child.pid).create_time()
    write(home, pid=child.pid, started=started)
    assert read_holder(home).pid == child.pid
    write_started = json.loads((home / LOCK).read_bytes())
    (home / LOCK).write_text(json.dumps({**write_started, "started": started - 99}))
    assert read_holder(home) is None, "another process has its number now"
    (home / LOCK).write_text(json.dumps(write_started))
    child.communicate("\n")
    assert read_holder(home) is None
    taker = ProjectLock(home)
    taker.acquire()
    assert [path.name for path in home.iterdir()] == [LOCK]


def test_another_machine_holds_while_it_counts(home):
    write(home, host="elsewhere")
    clock = Clock()
    lock = ProjectLock(home, clock=clock)
    for beats in range(1, 5):
        clock.now += 50
        content = json.loads((home / LOCK).read_bytes())
        (home / LOCK).write_text(json.dumps({**content, "beats": beats}))
        assert lock.holder() is not None
    clock.now += 50
    assert lock.holder() is not None
    clock.now += 50
    assert lock.holder() is None, "it stood still for more than a minute"
    lock.acquire()
    assert lock.held


def test_another_machine_that_was_there_long_ago_holds_nothing(home):
    write(home, host="elsewhere")
    os.utime(home / LOCK, (1, 1))
    assert read_holder(home) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 50_000, b"[]", b"null"])
def test_a_damaged_lock_holds_for_a_while(home, content):
    (home / LOCK).write_bytes(content)
    clock = Clock()
    lock = ProjectLock(home, clock=clock)
    assert lock.holder() is not None
    clock.now += 61
    assert lock.holder() is None
    lock.acquire()
    assert lock.still_ours()


@pytest.mark.parametrize("name", ["a\x1b[31m", "a\nb", "x" * 2000])
def test_a_name_that_would_spoil_a_terminal_is_not_told(home, name):
    write(home, host=name)
    assert name not in read_holder(home).describe()


def test_a_lock_that_is_taken_away_is_noticed_and_one_that_comes_back_too(home):
    lock = ProjectLock(home)
    lock.acquire()
    moved = home.with_name("away")
    home.rename(moved)
    assert not lock.still_ours()
    moved.rename(home)
    assert lock.still_ours()
    write_other = ProjectLock(home)
    (home / LOCK).unlink()
    write_other.acquire()
    assert not lock.still_ours()
    lock.release()
    assert write_other.still_ours(), "nobody gives back what is another's"


def test_it_counts_up_while_it_is_held(home, monkeypatch):
    clock = Clock()
    lock = ProjectLock(home, clock=clock)
    lock.acquire()
    for beats in range(1, 3):
        clock.now += locks._BEAT_SECONDS
        lock.sync()
        assert json.loads((home / LOCK).read_bytes())["beats"] == beats
    lock.release()
    clock.now += locks._BEAT_SECONDS
    lock.sync()
    assert list(home.iterdir()) == []


RACE = """
import sys
from pathlib import Path
from napari_unet.errors import StorageError
from napari_unet.project.lock import ProjectLock
lock = ProjectLock(Path(sys.argv[1]))
print("ready", flush=True)
input()
try:
    lock.acquire()
    print("won", flush=True)
except StorageError:
    print("lost", flush=True)
input()
"""


@pytest.mark.parametrize("stale", [False, True])
def test_of_several_that_come_at_once_one_wins(home, stale):
    if stale:
        write(home, pid=2**22 + 1, started=1.0)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = [racer.stdout.readline() for racer in racers]
    for racer in racers:
        racer.communicate("\n")
    assert said.count("won\n") == 1, said
