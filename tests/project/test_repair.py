"""Whatever is damaged: all that any file still tells comes back, and stays kept."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.provenance import AnnotationSnapshot, is_verified
from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.errors import InputError, StorageError
from napari_unet.project.lock import ProjectLock
from napari_unet.project.rescue.repair import RepairResult, recover_copy, recover_here
from napari_unet.project.rescue.survey import no_images
from napari_unet.project.rescue.verify import verify
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import rebuild
from tests.project.small_projects import (
    CLASSES,
    VALUES,
    Work,
    add_model,
    begin,
    contents,
    lay_out,
    make_project,
    open_project,
    same,
    work_on,
)

WHEN = datetime(2030, 1, 1, 12, tzinfo=UTC)
Made = tuple[Work, dict[str, bytes]]


@pytest.fixture(
    scope="module", params=[INSTANCES, CLASSES, VALUES], ids=lambda s: s.task
)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """A project as it was made, and all its files."""
    schema: LabelSchema = request.param
    folder = tmp_path_factory.mktemp("made")
    work = make_project(folder / "cells.unet", schema)
    return work, contents(folder)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("objects")
    return make_project(folder / "cells.unet"), contents(folder)


def opened(folder: Path, work: Work) -> AnnotationSnapshot:
    """Return the work as the program opens it."""
    stored = ProjectStore(folder).load_work(work.anywhere)
    assert stored is not None
    assert stored.notice is None
    return rebuild(work.image.schema, stored)[0].snapshot()


def is_sound(folder: Path) -> None:
    report = verify(folder)
    assert report.sound, report.problems
    again = recover_here(folder, no_images)
    assert not again.changed
    assert again.kept is None


def matching(files: dict[str, bytes], part: str) -> list[str]:
    return [name for name in files if part in name]


def without(files: dict[str, bytes], *parts: str) -> dict[str, bytes]:
    return {k: v for k, v in files.items() if not any(part in k for part in parts)}


def test_nothing_is_done_to_a_sound_project(made: Made, tmp_path: Path) -> None:
    folder = lay_out(made[1], tmp_path)
    outcome = recover_here(folder, no_images)
    assert not outcome.changed
    assert contents(tmp_path) == made[1]


def changed_pixels(work: Work, number: int) -> np.ndarray:
    """Return which pixels a change touched."""
    before, after = work.states[number - 1], work.states[number]
    labels = ~np.equal(before.labels, after.labels)
    if labels.ndim > before.provenance.ndim:
        labels = labels.any(axis=0)
    return labels | (before.provenance != after.provenance)


def line_of(content: bytes, position: int) -> int:
    """Return in which line of a journal a byte is; 0 is the first line."""
    return content[:position].count(b"\n")


@settings(max_examples=40)
@given(data=st.data())
def test_a_flipped_bit_anywhere_loses_no_verified_pixel(
    made: Made, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    work, files = made
    name = data.draw(st.sampled_from(sorted(files.keys() - {"cells.tif"})))
    content = bytearray(files[name])
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.mktemp("flipped")
    project = lay_out({**files, name: bytes(content)}, folder)
    recover_here(project, no_images)
    found = opened(project, work)
    number = line_of(files[name], position) if name.endswith(".jsonl") else 0
    if number > work.saved[-1]:
        # Nothing else tells of this one change.
        held = ~changed_pixels(work, number) & is_verified(work.final.provenance)
        assert np.array_equal(found.provenance[held], work.final.provenance[held])
        values = [each[..., held] for each in (found.labels, work.final.labels)]
        np.testing.assert_array_equal(*values)
    else:
        assert same(found, work.final)
    is_sound(project)
    shutil.rmtree(folder)


@settings(max_examples=30)
@given(data=st.data())
def test_a_file_cut_short_loses_nothing_that_is_elsewhere(
    made: Made, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    work, files = made
    name = data.draw(st.sampled_from(sorted(files.keys() - {"cells.tif"})))
    content = files[name][: data.draw(st.integers(0, len(files[name]) - 1))]
    folder = tmp_path_factory.mktemp("cut")
    project = lay_out({**files, name: content}, folder)
    recover_here(project, no_images)
    number = len(work.states) - 1
    if name.endswith(".jsonl"):
        # One line is the image's; a line that lacks only its end is whole.
        lines = files[name].split(b"\n")
        whole = len(content.split(b"\n")) - 1
        whole += content.split(b"\n")[-1] == lines[whole]
        number = max(whole - 1, work.saved[-1])
    assert same(opened(project, work), work.states[number])
    is_sound(project)
    shutil.rmtree(folder)


LOSSES: dict[str, tuple[str, ...]] = {
    "manifests": ("unet/project",),
    "manifests_and_oldest_saves": ("unet/project", ".2.tif", ".3.tif"),
    "manifests_and_newest_save": ("unet/project", ".4.tif"),
    "manifests_and_labels": ("unet/project", "/labels/"),
    "manifests_and_provenance": ("unet/project", "/provenance/"),
    "all_saves": (".2.tif", ".3.tif", ".4.tif"),
    "all_but_the_journal": ("unet/project", ".tif", "/models/"),
    "the_copy_and_a_save": ("previous", ".3.tif"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_any_part_tells_all(made: Made, tmp_path: Path, loss: str) -> None:
    work, files = made
    kept = {"cells.tif": files["cells.tif"], **without(files, *LOSSES[loss])}
    folder = lay_out(kept, tmp_path)
    before = contents(folder)
    outcome = recover_here(folder, no_images, WHEN)
    assert same(opened(folder, work), work.final)
    (image,) = outcome.images
    assert image.name == "cells.tif"
    if loss != "all_but_the_journal":
        assert (
            ProjectStore(folder).read()[0].images[0].content_hash
            == work.image.content_hash
        )
    is_sound(folder)
    after = contents(folder)
    lost = [n for n in before if before[n] not in after.values()]
    assert lost == [], "content that is nowhere any more"


def test_gone_journals_take_only_what_was_not_saved(made: Made, tmp_path: Path) -> None:
    work, files = made
    folder = lay_out(without(files, "/journal/", "unet/project."), tmp_path)
    near = [work.image] if work.image.schema == INSTANCES else []
    if not near:
        with pytest.raises(InputError, match="which image"):
            recover_here(without_models(folder), lambda: near)
        return
    recover_here(folder, lambda: near)
    assert same(opened(folder, work), work.states[work.saved[-1]])
    is_sound(folder)


def without_models(folder: Path) -> Path:
    shutil.rmtree(folder / "models")
    return folder


def test_without_a_journal_the_manifest_tells(made: Made, tmp_path: Path) -> None:
    work, files = made
    for number, name in enumerate(matching(files, "unet/project")):
        damaged = without(files, "/journal/")
        damaged[name] = damaged[name][:-100]
        folder = lay_out(damaged, tmp_path / str(number))
        recover_here(folder, no_images)
        assert same(opened(folder, work), work.states[work.saved[-1]])
        is_sound(folder)


def test_two_manifests_with_flipped_bits_still_tell(
    objects: Made, tmp_path: Path
) -> None:
    work, files = objects
    damaged = without(files, "/journal/")
    for name in matching(files, "unet/project"):
        damaged[name] = files[name].replace(b'"minutes": 2.0', b'"minutes": 2.5')
        assert damaged[name] != files[name]
    folder = lay_out(damaged, tmp_path)
    recover_here(folder, no_images)
    assert same(opened(folder, work), work.states[work.saved[-1]])
    is_sound(folder)


def test_an_entry_whose_key_does_not_fit_is_not_believed(
    objects: Made, tmp_path: Path
) -> None:
    work, files = objects
    damaged = without(files, "/journal/", "/models/")
    content = work.image.content_hash
    for name in matching(files, "unet/project"):
        other = content[::-1].encode()
        damaged[name] = files[name].replace(content.encode(), other)
    folder = lay_out(damaged, tmp_path)
    with pytest.raises(InputError, match="Nobody knows which image"):
        recover_here(folder, no_images)
    assert contents(tmp_path) == damaged, "it was left as it is"
    recover_here(folder, lambda: [work.image])
    assert same(opened(folder, work), work.states[work.saved[-1]])


def test_models_come_back(objects: Made, tmp_path: Path) -> None:
    folder = lay_out(without(objects[1], "unet/project"), tmp_path)
    recover_here(folder, no_images)
    manifest, _ = ProjectStore(folder).read()
    assert [model.folder for model in manifest.models] == ["1-round-1"]
    assert manifest.active_model == 1


def test_a_damaged_model_is_set_aside(objects: Made, tmp_path: Path) -> None:
    folder = lay_out(objects[1], tmp_path)
    second = add_model(open_project(folder)[0], 2)
    (second / "weights.safetensors").write_bytes(b"")
    outcome = recover_here(folder, no_images, WHEN)
    assert "2-round-1 cannot be used" in outcome.others[0]
    manifest, _ = ProjectStore(folder).read()
    assert [model.number for model in manifest.models] == [1]
    assert manifest.active_model == 1
    assert outcome.kept is not None
    assert (outcome.kept / "models" / "2-round-1" / "model.json").is_file()
    is_sound(folder)


def test_settings_stay(objects: Made, tmp_path: Path) -> None:
    folder = lay_out(objects[1], tmp_path)
    store = ProjectStore(folder)

    def change(manifest):
        chosen = manifest.settings.model_copy(update={"minutes": 7.0})
        return manifest.model_copy(update={"settings": chosen})

    store.update(change)
    (folder / "project.json").write_bytes(b"{")
    recover_here(folder, no_images)
    assert ProjectStore(folder).read()[0].settings.minutes == 7


def test_ids_are_never_used_again(objects: Made, tmp_path: Path) -> None:
    work, files = objects
    folder = lay_out(without(files, ".4.tif"), tmp_path)
    recover_here(folder, no_images)
    entry = ProjectStore(folder).read()[0].images[0]
    assert entry.next_id >= work.annotation.next_id
    assert entry.newest.number == 5
    assert entry.newest.sequence == len(work.states) - 1


def test_originals_are_kept(objects: Made, tmp_path: Path) -> None:
    folder = lay_out(objects[1], tmp_path)
    damaged = sorted(folder.glob("labels/*.4.tif"))[0]
    damaged.write_bytes(b"nonsense")
    (folder / "project.json").write_bytes(b"more nonsense")
    outcome = recover_here(folder, no_images, WHEN)
    assert outcome.kept is not None
    assert outcome.kept.name == f"damaged-{WHEN.astimezone():%Y%m%d-%H%M%S}"
    assert (outcome.kept / "labels" / damaged.name).read_bytes() == b"nonsense"
    assert (outcome.kept / "project.json").read_bytes() == b"more nonsense"
    assert (outcome.kept / "provenance" / damaged.name).is_file()
    assert not damaged.exists()


def test_a_copy_leaves_the_project_alone(objects: Made, tmp_path: Path) -> None:
    work, files = objects
    (tmp_path / "far").mkdir()
    folder = lay_out(without(files, ".4.tif"), tmp_path / "old")
    before = contents(tmp_path / "old")
    out = tmp_path / "far" / "new.unet"
    lock = ProjectLock(folder)
    lock.acquire()
    outcome = recover_copy(folder, out, no_images)
    lock.release()
    assert outcome.changed
    assert contents(tmp_path / "old") == before
    assert not list(out.glob("damaged-*"))
    assert not (out / "lock.json").exists()
    assert ProjectStore(out).read()[0].images[0].path == "../../old/cells.tif"
    assert same(opened(out, work), work.final)
    is_sound(out)
    with pytest.raises(InputError, match="exists already"):
        recover_copy(folder, out, no_images)
    with pytest.raises(InputError, match="lies in the project"):
        recover_copy(folder, folder / "new.unet", no_images)


def test_a_copy_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    folder = tmp_path / "cells.unet"
    (folder / "labels").mkdir(parents=True)
    (folder / "labels" / "cells-123456789abc.1.tif").write_bytes(b"nonsense")
    for recover in (
        lambda: recover_here(folder, no_images),
        lambda: recover_copy(folder, tmp_path / "new.unet", no_images),
    ):
        with pytest.raises(InputError, match="can be brought back"):
            recover()
    assert [path.name for path in tmp_path.iterdir()] == ["cells.unet"]
    assert len(contents(tmp_path)) == 1


def test_an_open_project_is_left_alone(objects: Made, tmp_path: Path) -> None:
    folder = lay_out(without(objects[1], ".4.tif"), tmp_path)
    lock = ProjectLock(folder)
    lock.acquire()
    before = contents(tmp_path)
    with pytest.raises(StorageError, match="open elsewhere"):
        recover_here(folder, no_images)
    assert contents(tmp_path) == before
    lock.release()
    assert recover_here(folder, no_images).changed


def test_a_newer_project_is_left_alone(objects: Made, tmp_path: Path) -> None:
    folder = lay_out(objects[1], tmp_path)
    text = json.loads((folder / "project.json").read_text())
    (folder / "project.json").write_text(json.dumps({**text, "format_version": 9}))
    (folder / "project.previous.json").unlink()
    before = contents(tmp_path)
    with pytest.raises(StorageError, match="update napari-unet"):
        recover_here(folder, no_images)
    assert contents(tmp_path) == before


def test_killed_at_any_step_the_next_one_finishes(
    objects: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, files = objects
    damaged = without(files, ".4.tif")
    (journal,) = matching(files, "/journal/")
    damaged[journal] = files[journal].replace(b'"sequence":3', b'"sequence":4')
    damaged["cells.unet/project.json"] = b"{"
    replace = Path.replace
    for step in range(6):
        folder = lay_out(damaged, tmp_path / str(step))
        calls: list[str] = []

        def die(self: Path, target: Path, calls=calls, step=step) -> Path:
            calls.append(str(target))
            if len(calls) > step:
                raise KeyboardInterrupt
            return replace(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", die)
            with suppress(KeyboardInterrupt):
                recover_here(folder, no_images, WHEN)
        recover_here(folder, no_images, WHEN)
        found = opened(folder, work)
        lost = changed_pixels(work, 3)
        for number in (4, 5):
            lost &= ~changed_pixels(work, number)
        assert np.array_equal(found.provenance[~lost], work.final.provenance[~lost]), (
            step
        )
        is_sound(folder)
    assert len(calls) > 4, "it was killed often enough"


def test_images_that_are_whole_are_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "cells.unet"
    project, syncer = open_project(folder)
    works = [begin(project, tmp_path, f"{n}.tif", seed=n) for n in range(2)]
    for work in works:
        work_on(work)
    project.close()
    syncer.close()
    for path in folder.glob(f"labels/{works[0].key}.*"):
        path.write_bytes(b"")
    outcome = recover_here(folder, no_images)
    assert [(i.name, i.repaired) for i in outcome.images] == [
        ("0.tif", True),
        ("1.tif", False),
    ]
    for work in works:
        assert same(opened(folder, work), work.final)
    entry = ProjectStore(folder).read()[0].get(works[1].key)
    assert entry is not None
    assert entry.newest.number == 4
    is_sound(folder)


def test_an_image_of_which_nothing_is_left_is_told_once(
    objects: Made, tmp_path: Path
) -> None:
    files = without(objects[1], "/labels/", "/journal/")
    folder = lay_out(files, tmp_path)
    outcome: RepairResult = recover_here(folder, no_images)
    (image,) = outcome.images
    assert not image.origin
    assert image.lost
    assert ProjectStore(folder).read()[0].images == ()
    is_sound(folder)


def test_work_goes_on_after_it(objects: Made, tmp_path: Path) -> None:
    work, files = objects
    folder = lay_out(without(files, "unet/project", ".4.tif"), tmp_path)
    recover_here(folder, no_images)
    store = ProjectStore(folder)
    stored = store.load(work.key)
    assert stored is not None
    annotation, _ = rebuild(work.image.schema, stored)
    project, syncer = open_project(folder)
    project.store.load(work.key)
    number = max(stored.sequence, stored.journal.last)
    annotation.listener = project.begin_journal(work.image, work.key, number).append
    more = Work(project, work.image, annotation, None)
    more.paint(1, 20, annotation.new_id())
    project.close()
    syncer.close()
    assert same(opened(folder, work), annotation.snapshot())
    is_sound(folder)


@pytest.mark.parametrize("kind", ["labels", "journal", "project.json"])
def test_links_are_set_aside(objects: Made, tmp_path: Path, kind: str) -> None:
    work, files = objects
    folder = lay_out(files, tmp_path)
    outside = tmp_path / "outside"
    (folder / kind).rename(outside)
    (folder / kind).symlink_to(outside)
    before = contents(outside) if outside.is_dir() else outside.read_bytes()
    outcome = recover_here(folder, no_images)
    assert f"{kind} is a link" in outcome.others[0]
    expected = work.states[work.saved[-1]] if kind == "journal" else work.final
    assert same(opened(folder, work), expected)
    is_sound(folder)
    assert before == (contents(outside) if outside.is_dir() else outside.read_bytes())
