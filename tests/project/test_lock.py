"""The lock: one window writes, whoever else looks, and the dead are forgotten."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from napari_unet.errors import StorageError
from napari_unet.project import lock as locks
from napari_unet.project.layout import LOCK
from napari_unet.project.lock import ProjectLock, read_holder

GONE = {"pid": 2**22 + 1, "started": 1.0}


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
    write(home, **GONE)
    for content in [(home / LOCK).read_bytes(), b"", b"{" * 50_000]:
        (home / LOCK).write_bytes(content)
        os.utime(home / LOCK, (1, 1))
        assert read_holder(home) is None, "its process is gone, or it is old"
        assert (home / LOCK).read_bytes() == content
        assert [path.name for path in home.iterdir()] == [LOCK]


def test_a_living_process_holds_and_a_dead_one_does_not(home):
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True
    )
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


def test_a_lock_that_is_removed_is_taken_again(home):
    lock = ProjectLock(home)
    lock.acquire()
    (home / LOCK).unlink()
    assert not lock.still_ours()
    lock.acquire()
    assert lock.still_ours()


def test_it_does_not_count_up_what_is_another_s(home):
    clock = Clock()
    lock, other = ProjectLock(home, clock=clock), ProjectLock(home)
    lock.acquire()
    (home / LOCK).unlink()
    other.acquire()
    clock.now += locks._BEAT_SECONDS
    lock.sync()
    assert not lock.held
    assert other.still_ours()
    with pytest.raises(StorageError, match="is open elsewhere"):
        lock.acquire()


@pytest.mark.parametrize("stale", [False, True])
def test_a_folder_where_nothing_can_be_written_is_told(home, monkeypatch, stale):
    if stale:
        write(home, **GONE)

    def fail(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(StorageError, match="read-only, belongs to"):
        ProjectLock(home).acquire()


def test_who_was_killed_while_it_took_a_stale_lock_stops_others_for_a_while(home):
    write(home, **GONE)
    left = home / f".{LOCK}.taking"
    left.touch()
    lock = ProjectLock(home)
    with pytest.raises(StorageError, match="just opened elsewhere"):
        lock.acquire()
    long_ago = time.time() - 100
    os.utime(left, (long_ago, long_ago))
    lock.acquire()
    assert [path.name for path in home.iterdir()] == [LOCK]


@pytest.mark.parametrize("call", ["rename", "unlink", "touch"])
def test_who_is_slow_to_take_a_stale_lock_lets_no_third_one_in(home, monkeypatch, call):
    write(home, **GONE)
    slow, quick, third = (ProjectLock(home) for _ in range(3))
    assert slow.holder() is None
    won = []

    def come(lock):
        with suppress(StorageError):
            lock.acquire()
            won.append(lock)

    quickly = [quick]
    remove, real = slow._remove_stale, getattr(Path, call)

    def remove_late():
        while quickly:
            come(quickly.pop())
        remove()

    def let_in(path, *args, **kwargs):
        returned = real(path, *args, **kwargs)
        monkeypatch.setattr(Path, call, real)
        come(third)
        return returned

    monkeypatch.setattr(slow, "_remove_stale", remove_late)
    monkeypatch.setattr(Path, call, let_in)
    come(slow)
    assert len(won) == 1


RACE = """
import sys
from pathlib import Path
from napari_unet.errors import StorageError
from napari_unet.project.lock import ProjectLock
while True:
    lock = ProjectLock(Path(sys.argv[1]))
    print("ready", flush=True)
    input()
    try:
        lock.acquire()
        print("won", flush=True)
    except StorageError:
        print("lost", flush=True)
    if input():
        break
"""
ROUNDS = 60


@pytest.fixture
def racers(home):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    yield started
    for racer in started:
        racer.communicate("end\n")


def ask(racers, text):
    """Tell all of them something at once, and hear what they say."""
    for racer in racers:
        racer.stdin.write(text)
        racer.stdin.flush()
    return [racer.stdout.readline().strip() for racer in racers]


def test_of_several_that_come_at_once_one_wins(home, racers):
    assert ask(racers, "") == ["ready"] * 3
    for number in range(ROUNDS):
        (home / LOCK).unlink(missing_ok=True)
        if number % 4:
            write(home, **GONE)
        said = ask(racers, "\n")
        assert said.count("won") == 1, said
        assert [path.name for path in home.iterdir()] == [LOCK]
        ask(racers, "\n")
    ask(racers, "\n")
