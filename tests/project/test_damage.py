from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity, content_hash
from napari_unet.project.manifest import FORMAT_VERSION
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import StoredAnnotation

Snapshots = Callable[[int], AnnotationSnapshot]
KINDS = ("labels", "provenance")


def load(folder: Path) -> StoredAnnotation:
    store = ProjectStore(folder)
    stored = store.load(store.read()[0].images[0].key)
    assert stored is not None
    return stored


def value(stored: StoredAnnotation) -> int:
    """Return which annotation it is, after checking that both halves agree."""
    found = int(stored.labels[0, 0])
    assert stored.provenance[0, 0] == found % 4
    return found


@pytest.fixture
def saved(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> Path:
    """A project with the saves 1 and 2."""
    store.save(image, snapshot(1))
    store.save(image, snapshot(2))
    return folder


def newest(folder: Path, kind: str) -> Path:
    return max((folder / kind).iterdir())


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, None])
def test_a_failure_at_any_step_leaves_the_save_before(
    saved: Path,
    image: ImageIdentity,
    snapshot: Snapshots,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    code: int | None,
) -> None:
    store = ProjectStore(saved)
    store.load(image.key)
    replace, calls = Path.replace, []

    def fail(self: Path, target: Path) -> Path:
        calls.append(target.name)
        if len(calls) == step + 1:
            raise (
                KeyboardInterrupt if code is None else OSError(code, os.strerror(code))
            )
        return replace(self, target)

    # Labels, provenance, project.json, which is the moment, and its copy; nothing then.
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        if step < 4:
            with pytest.raises(StorageError if code else KeyboardInterrupt):
                store.save(image, snapshot(3))
        else:
            store.save(image, snapshot(3))
    stored = load(saved)
    assert value(stored) == (2 if step < 3 else 3)
    assert stored.notice is None
    assert list(saved.rglob("*.tmp")) == []
    store.save(image, snapshot(5))
    assert value(load(saved)) == 5


def test_a_save_that_counts_in_spite_of_an_error_can_be_followed(
    saved: Path,
    image: ImageIdentity,
    snapshot: Snapshots,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = ProjectStore(saved)
    store.load(image.key)
    calls: list[Path] = []

    def fail_last(folder: Path) -> None:
        calls.append(folder)
        if len(calls) == 4:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr("napari_unet.core.atomic.sync_folder", fail_last)
        with pytest.raises(StorageError):
            store.save(image, snapshot(3))
    assert value(load(saved)) == 3
    store.save(image, snapshot(4))
    assert value(load(saved)) == 4


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    tifffile.imwrite(path, 1 - np.minimum(tifffile.imread(path), 1))


def fatten(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((600, 800), np.int32), compression="zlib")


def remove(path: Path) -> None:
    path.unlink()


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8:-8] = bytes(len(content) - 16)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [truncate, empty, flip, fatten, remove, garble])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_save_gives_way_to_the_one_before_and_says_so(
    saved: Path,
    image: ImageIdentity,
    snapshot: Snapshots,
    kind: str,
    damage: Callable[[Path], None],
) -> None:
    damage(newest(saved, kind))
    stored = load(saved)
    assert value(stored) == 1
    assert stored.next_id == 3
    assert stored.notice is not None
    assert newest(saved, "labels").name[:-5] in stored.notice
    assert "loaded instead" in stored.notice
    store = ProjectStore(saved)
    store.load(image.key)
    assert store.save(image, snapshot(3)).newest.number == 3
    assert load(saved).notice is None


def test_when_no_save_can_be_read_it_says_so(saved: Path) -> None:
    for path in (saved / "labels").iterdir():
        truncate(path)
    with pytest.raises(StorageError, match=r"No save of cells\.tif"):
        load(saved)


def test_a_file_that_claims_more_than_it_can_hold_takes_no_memory(
    folder: Path,
) -> None:
    # One row of a large image: a header and a manifest that agree, and no content.
    shape = (2**17, 2**17)
    (folder / "labels").mkdir(parents=True)
    (folder / "provenance").mkdir()
    for kind, dtype in zip(KINDS, (np.int32, np.uint8), strict=True):
        path = folder / kind / "a.1.tif"
        tifffile.imwrite(path, np.zeros((1, 16), dtype), shaped=False)
        with tifffile.TiffFile(path, mode="r+") as file:
            tags = file.pages[0].tags
            for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
                tags[name].overwrite(shape[0], dtype="I")
    entry = hostile_entry(shape=list(shape))
    (folder / "project.json").write_text(manifest_text(entry))
    with pytest.raises(StorageError, match="cut short"):
        load(folder)


def hostile_entry(**changes: Any) -> dict[str, Any]:
    generation = {
        "number": 1,
        "saved_at": "2030-01-01T00:00:00Z",
        "labels_hash": "0" * 32,
        "provenance_hash": "0" * 32,
    }
    entry = {
        "key": "a",
        "name": "a.tif",
        "shape": [6, 8],
        "dtype": "uint8",
        "axes": "YX",
        "content_hash": "0" * 32,
        "next_id": 1,
        "generations": [generation],
    }
    return {**entry, **changes}


def manifest_text(*entries: dict[str, Any], **changes: Any) -> str:
    return json.dumps({"format_version": 1, "images": entries, **changes})


def test_the_hostile_entries_start_from_a_good_one(folder: Path) -> None:
    folder.mkdir()
    (folder / "project.json").write_text(manifest_text(hostile_entry()))
    assert [entry.key for entry in ProjectStore(folder).read()[0].images] == ["a"]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "../../etc/passwd"},
        {"key": "/etc/passwd"},
        {"key": "C:\\x"},
        {"key": ".."},
        {"key": "a.b"},
        {"key": "a\n"},
        {"key": "A"},
        {"key": "a" * 101},
        {"key": ""},
        {"name": "a\x00"},
        {"name": "a" * 1025},
        {"shape": [2**40, 2]},
        {"shape": [2**31, 2**31]},
        {"shape": [0, 8]},
        {"shape": [-6, 8]},
        {"shape": [6]},
        {"shape": [6.5, 8]},
        {"axes": "YXC"},
        {"axes": "YY"},
        {"axes": "yx"},
        {"dtype": "object; rm"},
        {"content_hash": "xyz"},
        {"next_id": 0},
        {"next_id": 2**40},
        {"generations": []},
        {"generations": [hostile_entry()["generations"][0]] * 2},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_hostile_entry_is_refused_in_words(
    folder: Path, changes: dict[str, Any]
) -> None:
    folder.mkdir()
    (folder / "project.json").write_text(manifest_text(hostile_entry(**changes)))
    with pytest.raises(StorageError, match="is damaged"):
        _ = ProjectStore(folder).read()[0].images
    assert [path.name for path in folder.iterdir()] == ["project.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"format_version": 0}',
        '{"format_version": "1"}',
        "[" * 100_000,
        '{"format_version": ' + "9" * 5000 + "}",
        manifest_text(hostile_entry(), hostile_entry()),
        "\udcff",
    ],
    ids=lambda text: text[:20],
)
def test_a_hostile_manifest_is_refused_in_words(folder: Path, text: str) -> None:
    folder.mkdir()
    content = text.encode("utf-8", "surrogateescape")
    (folder / "project.json").write_bytes(content)
    with pytest.raises(StorageError, match="is damaged"):
        _ = ProjectStore(folder).read()[0].images


def test_a_newer_project_is_left_alone(
    saved: Path, image: ImageIdentity, snapshot: Snapshots
) -> None:
    (saved / "project.json").write_text(
        manifest_text(format_version=FORMAT_VERSION + 1)
    )
    store = ProjectStore(saved)
    with pytest.raises(StorageError, match="update napari-unet"):
        store.save(image, snapshot(3))


@pytest.mark.parametrize("damage", [truncate, empty, remove, garble])
def test_a_damaged_manifest_gives_way_to_its_copy_and_says_so(
    saved: Path,
    image: ImageIdentity,
    snapshot: Snapshots,
    damage: Callable[[Path], None],
) -> None:
    damage(saved / "project.json")
    stored = load(saved)
    assert value(stored) == 2
    assert stored.notice is not None
    assert "its copy" in stored.notice
    store = ProjectStore(saved)
    store.load(image.key)
    store.save(image, snapshot(3))
    assert value(load(saved)) == 3
    assert load(saved).notice is None


def test_the_very_first_save_has_a_copy_too(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> None:
    store.save(image, snapshot(1))
    remove(folder / "project.json")
    assert value(load(folder)) == 1


def test_links_that_lead_out_of_the_project_are_not_followed(
    tmp_path: Path, saved: Path, image: ImageIdentity, snapshot: Snapshots
) -> None:
    (saved / "labels").rename(tmp_path / "outside")
    (saved / "labels").symlink_to(tmp_path / "outside", target_is_directory=True)
    store = ProjectStore(saved)
    with pytest.raises(StorageError, match="leads out of the project"):
        load(saved)
    with pytest.raises(StorageError):
        store.save(image, snapshot(3))
    assert len(list((tmp_path / "outside").iterdir())) == 2


def test_values_that_do_not_exist_are_refused(folder: Path) -> None:
    maps = {
        "labels": np.full((6, 8), 1, np.int32),
        "provenance": np.full((6, 8), 4, np.uint8),
    }
    generation = {"number": 1, "saved_at": "2030-01-01T00:00:00Z"}
    for kind, array in maps.items():
        (folder / kind).mkdir(parents=True)
        tifffile.imwrite(folder / kind / "a.1.tif", array)
        generation[f"{kind}_hash"] = content_hash(array)
    entry = hostile_entry(generations=[generation])
    (folder / "project.json").write_text(manifest_text(entry))
    with pytest.raises(StorageError, match="values that do not exist"):
        load(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A disk of 256 KiB; only root can have one."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk needs root")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    shape = (256, 256)
    image = ImageIdentity.of("a", np.zeros(shape, np.uint8), "YX")
    store = ProjectStore(small_disk / "a.unet")
    provenance = np.zeros(shape, np.uint8)

    def save(labels: np.ndarray) -> None:
        store.save(image, AnnotationSnapshot(labels, provenance, 1, revision=0))

    save(np.ones(shape, np.int32))
    noise = np.random.default_rng(0).integers(0, 2**31, shape, np.int32)
    with pytest.raises(StorageError, match="the disk is full"):
        save(noise)
    assert load(small_disk / "a.unet").labels.max() == 1
    save(np.full(shape, 2, np.int32))
    assert load(small_disk / "a.unet").labels.max() == 2
