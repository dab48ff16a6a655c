from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.ids import LARGEST_NEW_ID
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.manifest import Manifest, Settings, parse_manifest
from napari_unet.project.store import ProjectStore
from tests.project.entries import entry_of

Snapshots = Callable[[int], AnnotationSnapshot]


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file with its time of change and content."""
    return {
        item.relative_to(folder).as_posix(): (
            item.stat().st_mtime_ns,
            item.read_bytes() if item.is_file() else b"",
        )
        for item in sorted(folder.rglob("*"))
    }


@st.composite
def annotations(draw: st.DrawFn) -> AnnotationSnapshot:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=5))
    labels = draw(hnp.arrays(np.int32, shape, elements=st.integers(0, 2**31 - 1)))
    provenance = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)))
    next_id = draw(st.integers(1, 2**31))
    return AnnotationSnapshot(labels, provenance, next_id, revision=0)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(annotation=annotations())
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, annotation: AnnotationSnapshot
) -> None:
    folder = tmp_path_factory.mktemp("round") / "a.unet"
    axes = {2: "YX", 3: "ZYX", 4: "TZYX"}[annotation.labels.ndim]
    pixels: npt.NDArray[np.float32] = annotation.labels.astype(np.float32)
    image = ImageIdentity.of("a", pixels, axes)
    ProjectStore(folder).save(image, annotation)
    again = ProjectStore(folder)
    entry = entry_of(again, image)
    assert entry is not None
    stored = again.load(entry.key)
    assert stored is not None
    np.testing.assert_array_equal(stored.labels, annotation.labels)
    np.testing.assert_array_equal(stored.provenance, annotation.provenance)
    assert stored.labels.dtype == np.int32
    assert stored.provenance.dtype == np.uint8
    used = [*annotation.labels.ravel().tolist(), annotation.next_id - 1]
    assert not any(stored.next_id <= each < LARGEST_NEW_ID for each in used)
    assert stored.notice is None
    stored.labels[...] = 7  # a fresh array that may be painted on


def test_opening_and_loading_write_nothing(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> None:
    assert entry_of(store, image) is None
    assert store.load("cells") is None
    assert store.read()[0].images == ()
    assert not folder.exists()
    store.save(image, snapshot(1))
    before = files(folder)
    again = ProjectStore(folder)
    assert [entry_of(again, image)] == list(again.read()[0].images)
    again.load(again.read()[0].images[0].key)
    assert files(folder) == before


def test_the_last_three_saves_are_kept(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> None:
    saves = [store.save(image, snapshot(value)) for value in range(1, 6)]
    numbers = [entry.newest.number for entry in saves]
    assert numbers == [1, 2, 3, 4, 5]
    (entry,) = store.read()[0].images
    assert [generation.number for generation in entry.generations] == [5, 4, 3]
    for kind in ("labels", "provenance"):
        names = {path.name for path in (folder / kind).iterdir()}
        assert names == {f"{entry.key}.{number}.tif" for number in (3, 4, 5)}


def test_the_same_name_with_other_pixels_is_another_image(
    store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> None:
    store.save(image, snapshot(1))
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8)
    changed = ImageIdentity.of("cells.tif", pixels + 1, "YX")
    assert entry_of(store, changed) is None
    store.save(changed, snapshot(3))
    assert [entry.name for entry in store.read()[0].images] == [
        "cells.tif",
        "cells.tif",
    ]
    assert entry_of(store, image) == store.read()[0].images[0]


def test_ids_never_fall(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> None:
    store.save(image, snapshot(9))
    store.save(image, snapshot(4))
    stored = ProjectStore(folder).load(store.read()[0].images[0].key)
    assert stored is not None
    assert stored.next_id == 10


def test_labels_of_another_shape_are_refused(
    folder: Path, store: ProjectStore, image: ImageIdentity
) -> None:
    maps = np.zeros((6, 9), np.int32), np.zeros((6, 9), np.uint8)
    with pytest.raises(InputError, match=r"\(6, 8\).*\(6, 9\)"):
        store.save(image, AnnotationSnapshot(*maps, next_id=1, revision=0))
    assert not folder.exists()


def test_the_second_of_two_windows_does_not_overwrite(
    folder: Path, image: ImageIdentity, snapshot: Snapshots
) -> None:
    first, second = ProjectStore(folder), ProjectStore(folder)
    key = f"{image.key}"
    first.save(image, snapshot(1))
    with pytest.raises(StorageError, match="another window"):
        second.save(image, snapshot(2))
    second.load(key)
    second.save(image, snapshot(3))
    with pytest.raises(StorageError, match="another window"):
        first.save(image, snapshot(4))
    stored = ProjectStore(folder).load(key)
    assert stored is not None
    assert stored.labels.max() == 3


def test_a_folder_that_was_deleted_is_made_again(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot: Snapshots
) -> None:
    store.save(image, snapshot(1))
    folder.rename(folder.with_name("elsewhere.unet"))
    store.save(image, snapshot(2))
    assert store.load(store.read()[0].images[0].key) is not None


def test_a_drive_that_is_gone_is_not_made_again(
    tmp_path: Path, image: ImageIdentity, snapshot: Snapshots
) -> None:
    store = ProjectStore(tmp_path / "drive" / "cells.unet")
    with pytest.raises(StorageError, match="its folder is not there"):
        store.save(image, snapshot(1))
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_is_removed_after_an_hour(
    folder: Path, image: ImageIdentity, snapshot: Snapshots
) -> None:
    store = ProjectStore(folder)
    store.save(image, snapshot(1))
    left = folder / "labels" / ".x.tif.0011.tmp"
    left.touch()
    store.save(image, snapshot(2))
    assert left.exists()
    late = ProjectStore(folder, now=lambda: datetime.now(UTC) + timedelta(hours=2))
    late.load(image.key)
    late.save(image, snapshot(3))
    assert not left.exists()


@pytest.mark.parametrize(
    "name", ["models/1-round-1/x", "snapshots/x", "notes.txt", "training/x", ""]
)
def test_the_last_image_takes_nothing_with_it_that_is_not_its_own(
    folder: Path, store: ProjectStore, image: ImageIdentity, snapshot, name: str
) -> None:
    store.save(image, snapshot(1))
    other = folder / name
    if name:
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text("of somebody")
    store.forget(image.key)
    assert other.exists() == bool(name)
    assert not list(folder.rglob("*.tif"))


@pytest.mark.parametrize(
    ("saved", "read"), [(0.01, 0.1), (-1.0, 0.1), (1e9, 600.0), (0.1, 0.1), (7.5, 7.5)]
)
def test_minutes_that_nobody_looked_at_when_they_were_saved_are_read(
    saved: float, read: float
) -> None:
    settings = Settings.model_construct(minutes=saved, diameters={}, readings={})
    text = Manifest().model_copy(update={"settings": settings}).as_bytes()
    assert str(saved).encode() in text
    assert parse_manifest(text).settings.minutes == read


@pytest.mark.parametrize(
    "impossible", [{"diameters": {"a": 1e9}}, {"minutes": "long"}, {"minutes": np.nan}]
)
def test_settings_that_could_not_be_read_again_are_not_saved(
    impossible: dict[str, object],
) -> None:
    with pytest.raises(StorageError, match="impossible"):
        Manifest().with_settings(**impossible)
    changed = Manifest().with_settings(minutes=3.0)
    assert parse_manifest(changed.as_bytes()) == changed
