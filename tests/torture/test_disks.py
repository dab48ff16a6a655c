"""Disks that are full, read-only or gone, and come back: nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from napari_unet.project.identity import ImageIdentity
from tests.annotation.painter import Painter
from tests.torture.judge import read_back
from tests.torture.scene import Life, picture

IMAGE = ImageIdentity.of("plane", picture("plane"), "YX")


def mount(*arguments: str) -> None:
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk of one's own needs root")


@pytest.fixture(autouse=True)
def _no_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = "napari_unet.project.layout.unfiled_folder"
    monkeypatch.setattr(target, lambda: tmp_path / "unfiled")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def stroke(life: Life, number: int) -> None:
    image = life.session.images.current
    painter = Painter(image.annotation)
    row = 3 * (number % 7)
    painter.write(np.s_[row : row + 2, 2:12], image.annotation.new_id())
    image.annotation.notice_change(painter.whole)
    life.session.note_edit(image)


def is_there(home: Path, life: Life) -> bool:
    expected = life.session.images.current.annotation
    found = read_back(home / "plane.unet", IMAGE)
    return all(
        np.array_equal(getattr(found, name), getattr(expected, name))
        for name in ("labels", "provenance")
    )


def fill(path: Path) -> None:
    """Write until there is no room for another byte."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))


def tells(life: Life, phrase: str) -> bool:
    life.wait(1.5)
    save = life.session.state.save
    return save.failed and phrase in save.text


def test_a_full_disk_is_told_and_loses_nothing(disk: Path) -> None:
    life = Life(disk, "instances")
    life.open("plane")
    stroke(life, 0)
    filler = disk / "filler"
    fill(filler)
    for number in range(1, 200):
        stroke(life, number)
    assert tells(life, "the disk is full")
    assert "kept in" in life.session.state.save.text
    assert not is_there(disk, life)
    filler.unlink()
    life.wait(11.0)
    life.wait(11.0)
    assert not life.session.state.save.failed
    life.die()
    assert is_there(disk, life)


def test_a_disk_that_becomes_read_only_is_told_and_loses_nothing(disk: Path) -> None:
    life = Life(disk, "instances")
    life.open("plane")
    stroke(life, 0)
    life.session.images.current.journal._end_segment()  # or it could not be remounted
    mount("-o", "remount,ro", str(disk))
    stroke(life, 1)
    assert tells(life, "read-only")
    mount("-o", "remount,rw,size=1m", str(disk))
    stroke(life, 2)
    life.wait(11.0)
    assert not life.session.state.save.failed
    life.die()
    assert is_there(disk, life)


def test_a_drive_that_is_unplugged_is_told_and_loses_nothing(tmp_path: Path) -> None:
    home, away = tmp_path / "drive", tmp_path / "away"
    home.mkdir()
    life = Life(home, "instances")
    life.open("plane")
    stroke(life, 0)
    home.rename(away)
    stroke(life, 1)
    assert tells(life, "reconnect")
    assert not home.exists()
    away.rename(home)
    stroke(life, 2)
    life.wait(11.0)
    assert not life.session.state.save.failed
    life.die()
    assert is_there(home, life)


def test_a_project_that_is_deleted_while_one_works_is_made_again(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path, "instances")
    life.open("plane")
    stroke(life, 0)
    life.wait(11.0)
    (tmp_path / "plane.unet").rename(tmp_path / "old")
    stroke(life, 1)
    life.wait(11.0)
    life.die()
    assert is_there(tmp_path, life)
