"""Saves of labels larger than memory: as whole as others, and as large as a stroke."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.annotation.large import LargeAnnotation
from napari_unet.geometry.box import Box
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.journal import Journal, Syncer
from napari_unet.project.rescue.recover import look_into
from napari_unet.project.rescue.verify import verify
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import rebuild

SHAPE = 5000, 4000
IMAGE = ImageIdentity("slide.zarr", SHAPE, "uint8", "YX", "0" * 32)


def _paint(work: LargeAnnotation, row: int, column: int, label: int) -> None:
    box = Box((row, column), (row + 20, column + 30))
    work.pane.move(work.pane.best(box))
    work.live[box.slices] = label
    assert work.notice_change(box) is not None


def _save(store: ProjectStore, work: LargeAnnotation, sequence: int = 1) -> None:
    done = work.to_save()
    entry = store.save(IMAGE, done, key="slide", sequence=sequence)
    saved = store.files.chunks_of(entry, entry.newest)
    assert saved is not None
    work.note_saved(done, saved)


def _load(folder: Path) -> LargeAnnotation:
    stored = ProjectStore(folder).load("slide")
    assert stored is not None
    work, _ = rebuild(IMAGE.schema, stored)
    assert isinstance(work, LargeAnnotation)
    return work


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    """Labels, provenance, counts and ids, from the chunks that were written."""
    store, work = ProjectStore(tmp_path / "a.unet"), LargeAnnotation(SHAPE, side=600)
    _paint(work, 100, 100, 1)
    _paint(work, 1010, 2040, 2)  # in four chunks
    _save(store, work)
    work.undo()
    work.redo()
    _paint(work, 4900, 3900, 3)
    _save(store, work)
    files = {path.name for path in (tmp_path / "a.unet/chunks/slide").glob("*.2.lab*")}
    # What was painted, and the object before, which is finished by that.
    around = ("0-1", "0-2", "1-1", "1-2")
    assert files == {f"{each}.2.labels.tif" for each in (*around, "4-3")}
    again = _load(tmp_path / "a.unet")
    assert again.counts() == work.counts()
    assert again.next_id == work.next_id
    for place in (np.s_[90:130, 90:140], np.s_[1000:1040, 2030:2080]):
        np.testing.assert_array_equal(
            again.pixels.labels[place], work.pixels.labels[place]
        )
        np.testing.assert_array_equal(again.provenance[place], work.provenance[place])
    assert again.pixels.objects.box(2) == work.pixels.objects.box(2)


def test_old_chunks_go_with_old_saves(tmp_path: Path) -> None:
    """What no save is made of leaves the disk; what three saves need stays."""
    store, work = ProjectStore(tmp_path / "a.unet"), LargeAnnotation(SHAPE, side=600)
    _paint(work, 3000, 3000, 9)
    for number in range(1, 7):
        _paint(work, 100, 100 + 40 * number, number)
        _save(store, work)
    folder = tmp_path / "a.unet/chunks/slide"
    assert {path.name for path in folder.glob("0-0.*.labels.tif")} == {
        f"0-0.{number}.labels.tif" for number in (4, 5, 6)
    }
    assert (folder / "2-2.1.labels.tif").exists()
    assert _load(tmp_path / "a.unet").counts() == work.counts()


def test_damage_is_told_and_an_older_save_is_there(tmp_path: Path) -> None:
    """An index that is not what was saved is refused for the one before."""
    store, work = ProjectStore(tmp_path / "a.unet"), LargeAnnotation(SHAPE, side=600)
    _paint(work, 100, 100, 1)
    _save(store, work)
    _paint(work, 100, 200, 2)
    _save(store, work)
    index = tmp_path / "a.unet/chunks/slide/2.json"
    index.write_text(index.read_text().replace("0-0", "0-1"))
    stored = ProjectStore(tmp_path / "a.unet").load("slide")
    assert stored is not None
    assert stored.notice is not None
    assert "cannot be read" in stored.notice


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def test_a_damaged_chunk_is_empty_and_named_and_all_others_are_there(
    tmp_path: Path,
) -> None:
    """Also where the pane lies first; and what is damaged is kept."""
    store, work = ProjectStore(tmp_path / "a.unet"), LargeAnnotation(SHAPE, side=600)
    _paint(work, 100, 100, 1)
    _paint(work, 3000, 3000, 2)
    _save(store, work)
    folder = tmp_path / "a.unet/chunks/slide"
    _cut_off(folder / "0-0.1.labels.tif")
    damaged = (folder / "0-0.1.labels.tif").read_bytes()
    store = ProjectStore(tmp_path / "a.unet")
    stored = store.load("slide")
    assert stored is not None
    again, _ = rebuild(IMAGE.schema, stored)
    assert isinstance(again, LargeAnnotation)
    told = again.tell_damage()
    assert "0-0.1.labels.tif" in told
    assert "0:1024 x 0:1024" in told
    assert again.tell_damage() == ""
    assert not again.pixels.labels[0:600, 0:600].any()
    assert again.pixels.labels[3000:3001, 3000:3001][0, 0] == 2
    for number in range(3, 8):
        _paint(again, 200, 100 + 40 * number, number)
        _save(store, again)
    assert (folder / ".damaged.0-0.1.labels.tif").read_bytes() == damaged
    after = _load(tmp_path / "a.unet")
    assert after.tell_damage() == ""
    assert after.pixels.labels[200:201, 220:221][0, 0] == 3


def test_a_damaged_list_of_objects_is_made_again(tmp_path: Path) -> None:
    """From the labels, which are sound."""
    store, work = ProjectStore(tmp_path / "a.unet"), LargeAnnotation(SHAPE, side=600)
    _paint(work, 100, 100, 1)
    _paint(work, 3000, 3000, 2)
    _save(store, work)
    _cut_off(tmp_path / "a.unet/chunks/slide/2-2.1.objects.npy")
    assert _load(tmp_path / "a.unet").counts() == work.counts()


def test_the_journal_brings_back_what_no_save_holds(tmp_path: Path) -> None:
    """Killed after a stroke in another part: it is there, and can be undone."""
    folder = tmp_path / "a.unet"
    store, work = ProjectStore(folder), LargeAnnotation(SHAPE, side=600)
    store.files.make()
    syncer = Syncer()
    fields = ImageFields.of(IMAGE, folder)
    journal = Journal(store.files.journal, "slide", fields, 0, syncer, lambda: None)
    work.listener = journal.append
    _paint(work, 100, 100, 1)
    _save(store, work, journal.sequence)
    _paint(work, 4000, 3000, 2)
    journal.close()
    again = _load(folder)
    assert again.counts() == work.counts()
    assert again.pixels.labels[4000:4001, 3000:3001][0, 0] == 2
    again.undo()
    assert not again.pixels.labels[4000:4020, 3000:3030].any()


def test_what_was_taken_back_wholly_is_saved(tmp_path: Path) -> None:
    """Chunks in which nothing is left."""
    store, work = ProjectStore(tmp_path / "a.unet"), LargeAnnotation(SHAPE, side=600)
    _paint(work, 100, 100, 1)
    work.undo()
    _save(store, work)
    assert _load(tmp_path / "a.unet").counts() == work.counts()


def test_is_verified_file_by_file(tmp_path: Path) -> None:
    """A sound project is sound; a chunk that is cut off is named."""
    folder = tmp_path / "a.unet"
    store, work = ProjectStore(folder), LargeAnnotation(SHAPE, side=600)
    _paint(work, 100, 100, 1)
    _save(store, work)
    assert verify(folder).sound
    (overview,) = look_into(folder).images
    assert overview.counts == work.counts()
    path = folder / "chunks/slide/0-0.1.provenance.tif"
    path.write_bytes(path.read_bytes()[:-50])
    report = verify(folder)
    assert not report.sound
    assert "0-0.1.provenance.tif" in str(report)
