from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest

from napari_unet.core import atomic
from napari_unet.core.atomic import write_atomically, write_folder_atomically
from napari_unet.errors import StorageError


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(item.relative_to(folder)): item.read_bytes()
        for item in folder.rglob("*")
        if item.is_file()
    }


def raising(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def fail_with(monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    def fail(*args: object) -> NoReturn:
        raise raising(code)

    monkeypatch.setattr(call, fail)


def test_a_new_file_is_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", lambda file: file.write(b"new"))
    assert content(tmp_path) == {"a": b"new"}


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old and longer")
    write_atomically(tmp_path / "a", lambda file: file.write(b"new"))
    assert content(tmp_path) == {"a": b"new"}


def test_a_file_is_as_readable_for_others_as_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "atomic", lambda file: file.write(b"new"))
    modes = {(tmp_path / name).stat().st_mode for name in ("plain", "atomic")}
    assert len(modes) == 1


def test_a_long_name_is_no_problem(tmp_path: Path) -> None:
    name = "é" * 120
    write_atomically(tmp_path / name, lambda file: file.write(b"new"))
    assert content(tmp_path) == {name: b"new"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.ENOENT, "its folder is not there"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
def test_a_failure_leaves_the_old_file_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, words: str
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    fail_with(monkeypatch, call, code)
    with pytest.raises(StorageError, match=words) as caught:
        write_atomically(tmp_path / "a", lambda file: file.write(b"new"))
    assert str(tmp_path / "a") in str(caught.value)
    assert content(tmp_path) == {"a": b"old"}


def test_a_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    def write(file: BinaryIO) -> None:
        file.write(b"some")
        raise raising(errno.ENOSPC)

    with pytest.raises(StorageError, match="the disk is full"):
        write_atomically(tmp_path / "a", write)
    assert content(tmp_path) == {}


@pytest.mark.parametrize("error", [ValueError, StorageError, KeyboardInterrupt])
def test_other_errors_come_through(tmp_path: Path, error: type[BaseException]) -> None:
    def write(file: BinaryIO) -> NoReturn:
        raise error("mine")

    with pytest.raises(error, match="mine"):
        write_atomically(tmp_path / "a", write)
    assert content(tmp_path) == {}


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="its folder is not there"):
        write_atomically(tmp_path / "gone" / "a", lambda file: file.write(b""))


def test_file_systems_that_cannot_sync_folders_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, "os.fsync", errno.EINVAL)
    atomic.sync_folder(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="nothing is read-only for root",
)
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="read-only"):
            write_atomically(tmp_path / "a", lambda file: file.write(b""))
    finally:
        tmp_path.chmod(0o700)


def fill(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "b").write_bytes(b"new b")
    (folder / "a").write_bytes(b"new a")


NEW = {"a": b"new a", str(Path("inner", "b")): b"new b"}


def test_a_new_folder_is_written_with_those_above_it(tmp_path: Path) -> None:
    write_folder_atomically(tmp_path / "x" / "model", fill)
    assert content(tmp_path / "x" / "model") == NEW
    assert [item.name for item in (tmp_path / "x").iterdir()] == ["model"]


def old_folder(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"old")
    return folder


def test_an_old_folder_is_replaced_only_when_allowed(tmp_path: Path) -> None:
    folder = old_folder(tmp_path, "a", ".DS_Store")
    with pytest.raises(StorageError, match="exists already"):
        write_folder_atomically(folder, fill)
    assert content(folder) == {"a": b"old", ".DS_Store": b"old"}
    write_folder_atomically(folder, fill, overwrite=True)
    assert content(folder) == NEW
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    folder = old_folder(tmp_path, "a", "thesis.docx")
    with pytest.raises(StorageError, match=r"thesis\.docx"):
        write_folder_atomically(folder, fill, overwrite=True)
    assert content(tmp_path / "model") == {"a": b"old", "thesis.docx": b"old"}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_in_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"old")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        write_folder_atomically(tmp_path / "notes.txt" / "model", fill)


def test_a_file_is_never_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"old")
    with pytest.raises(StorageError, match="is a file"):
        write_folder_atomically(tmp_path / "model", fill, overwrite=True)


@pytest.mark.parametrize("succeeding", [0, 1])
def test_a_folder_comes_back_when_its_replacement_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, succeeding: int
) -> None:
    folder = old_folder(tmp_path, "a")
    rename, calls = Path.rename, []

    def fail_once(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == succeeding + 1:
            raise raising(errno.ENOSPC)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(StorageError, match="the disk is full"):
        write_folder_atomically(folder, fill, overwrite=True)
    assert content(tmp_path) == {str(Path("model", "a")): b"old"}


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        fill(folder)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_folder_atomically(tmp_path / "model", write)
    assert list(tmp_path.iterdir()) == []


def test_what_others_put_deeper_into_a_folder_is_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_folder_atomically(folder, fill)
    (folder / "inner" / "theirs").write_bytes(b"precious")
    with pytest.raises(StorageError, match="inner/theirs"):
        write_folder_atomically(folder, fill, overwrite=True)
    assert content(folder) == {**NEW, str(Path("inner", "theirs")): b"precious"}


def test_only_what_is_named_is_replaced_where_it_is_named(tmp_path: Path) -> None:
    folder = old_folder(tmp_path, "a", "earlier")
    with pytest.raises(StorageError, match="'a'"):
        write_folder_atomically(folder, fill, overwrite=True, earlier={"earlier"})
    names = {"a", "earlier"}
    write_folder_atomically(folder, fill, overwrite=True, earlier=names)
    assert content(folder) == NEW


def test_what_numpy_could_not_write_is_a_full_disk(tmp_path: Path) -> None:
    """It says how many numbers it wrote, and no more."""

    def cut(file: BinaryIO) -> NoReturn:
        raise OSError("262144 requested and 1448 written")

    with pytest.raises(StorageError, match="the disk is full; free space"):
        write_atomically(tmp_path / "a", cut)
    assert content(tmp_path) == {}
