"""What is damaged is found, and what is said to be sound can be opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.errors import InputError, StorageError
from napari_unet.project.lock import ProjectLock
from napari_unet.project.manifest import NewerFormatError, parse_manifest
from napari_unet.project.rescue.verify import Report, verify
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import rebuild
from tests.project.small_projects import (
    CLASSES,
    VALUES,
    Work,
    begin,
    contents,
    lay_out,
    make_project,
    open_project,
    same,
)


@pytest.fixture(
    scope="module", params=[INSTANCES, CLASSES, VALUES], ids=lambda s: s.task
)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Work, dict[str, bytes]]:
    """A project as it was made, and all its files."""
    schema: LabelSchema = request.param
    folder = tmp_path_factory.mktemp("made")
    work = make_project(folder / "cells.unet", schema)
    return work, contents(folder)


@pytest.fixture(scope="module")
def objects(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Work, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("objects")
    return make_project(folder / "cells.unet"), contents(folder)


def words(report: Report) -> str:
    return " | ".join(f"{check.what}: {check.words}" for check in report.problems)


def journal_of(folder: Path) -> Path:
    return next((folder / "journal").iterdir())


def test_what_was_written_is_sound_and_stays_untouched(
    made: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = lay_out(made[1], tmp_path)
    report = verify(folder)
    assert report.sound, words(report)
    assert {check.state for check in report.checks} == {"sound"}
    compared = [c.what for c in report.checks if "changes from save" in c.what]
    assert len(compared) == 2
    assert contents(tmp_path) == made[1]


def opened(folder: Path, work: Work) -> bool:
    """Whether the work can be opened, and is what it was in the end."""
    stored = ProjectStore(folder).load_work(work.anywhere)
    assert stored is not None
    return same(rebuild(work.image.schema, stored)[0].snapshot(), work.final)


def matters(name: str, before: bytes, after: bytes, folder: Path) -> bool:
    """Whether a file says something else than it did."""
    if name.endswith(".tif"):
        copy = folder / "before.tif"
        copy.write_bytes(before)
        found = tifffile.imread(folder / name)
        return not np.array_equal(found, tifffile.imread(copy), equal_nan=True)
    if name.startswith("cells.unet/project"):
        return parse_manifest(before) != parse_manifest(after)
    if name.endswith("model.json"):
        return json.loads(before) != json.loads(after)
    return before != after


@settings(max_examples=80)
@given(data=st.data())
def test_a_flipped_bit_is_found_or_says_nothing(
    made: tuple[Work, dict[str, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    work, files = made
    name = data.draw(st.sampled_from(sorted(files.keys() - {"cells.tif"})))
    content = bytearray(files[name])
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.mktemp("flipped")
    project = lay_out({**files, name: bytes(content)}, folder)
    try:
        report = verify(project)
    except NewerFormatError:
        # One digit says which program may understand the rest, checksum and all.
        assert name == "cells.unet/project.json"
        return
    if report.sound:
        assert opened(project, work)
        if name.endswith(".jsonl"):  # the blank after a checksum says nothing
            start = files[name].rfind(b"\n", 0, position) + 1
            assert position == start + 8
        elif not name.endswith("model.json"):  # a description has no checksum
            assert not matters(name, files[name], bytes(content), folder)
    shutil.rmtree(folder)


@settings(max_examples=50)
@given(data=st.data())
def test_a_file_cut_short_is_found_or_mentioned(
    made: tuple[Work, dict[str, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    work, files = made
    name = data.draw(st.sampled_from(sorted(files.keys() - {"cells.tif"})))
    content = files[name][: data.draw(st.integers(0, len(files[name]) - 1))]
    folder = tmp_path_factory.mktemp("cut")
    project = lay_out({**files, name: content}, folder)
    report = verify(project)
    if report.sound and name.endswith(".jsonl"):
        notes = [c for c in report.checks if c.state == "note"]
        # Cut between two lines it looks like a journal that ended there.
        assert notes or content.endswith(b"\n")
        assert ProjectStore(project).load_work(work.anywhere) is not None
    elif report.sound:
        assert not matters(name, files[name], content, folder)
        assert opened(project, work)
    shutil.rmtree(folder)


def test_a_replay_that_leads_elsewhere_is_found(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    work, files = objects
    folder = lay_out(files, tmp_path)
    store = ProjectStore(folder)
    store.load(work.key)
    other = work.annotation.snapshot()
    other.labels[20, 20] = 7
    last = store.read()[0].images[0].newest.sequence
    store.save(work.image, other, key=work.key, sequence=last + 1)
    assert "do not lead from the one to the other" in words(verify(folder))


def test_every_missing_file_is_named(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    for number, name in enumerate(sorted(objects[1])):
        files = {k: v for k, v in objects[1].items() if k != name}
        report = verify(lay_out(files, tmp_path / str(number)))
        told = [c for c in report.checks if c.state != "sound"]
        assert told, name
        harmless = name.endswith(("project.previous.json", ".jsonl"))
        assert report.sound == harmless, (name, words(report))


def test_a_lost_segment_in_the_middle_is_found(tmp_path: Path) -> None:
    project, syncer = open_project(tmp_path / "cells.unet")
    work = begin(project, tmp_path)
    work.paint(1, 1, 1)
    work.save()
    for n in range(2, 5):
        work.journal._end_segment()
        work.paint(1, 7 * (n - 1), n)
    project.close()
    syncer.close()
    assert verify(tmp_path / "cells.unet").sound
    second = sorted((tmp_path / "cells.unet" / "journal").iterdir())[2]
    second.unlink()
    found = words(verify(tmp_path / "cells.unet"))
    assert "1 change after the save not there" in found


def test_both_manifests_gone_is_no_sound_project(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    files = {k: v for k, v in objects[1].items() if "/project" not in k}
    found = words(verify(lay_out(files, tmp_path)))
    assert "project.json: It is missing" in found
    assert "No manifest names this save" in found


def test_a_first_stroke_that_was_never_saved_is_sound(tmp_path: Path) -> None:
    project, syncer = open_project(tmp_path / "cells.unet")
    begin(project, tmp_path).paint(1, 1, 1)
    project.close()
    syncer.close()
    report = verify(tmp_path / "cells.unet")
    assert report.sound, words(report)


def test_a_torn_tail_is_mentioned(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = lay_out(objects[1], tmp_path)
    path = journal_of(folder)
    path.write_bytes(path.read_bytes()[:-40])
    report = verify(folder)
    assert report.sound
    assert any("a stroke was under way" in c.words for c in report.checks)


def test_images_that_are_elsewhere_are_found(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = lay_out(objects[1], tmp_path)
    with (tmp_path / "cells.tif").open("ab") as file:
        file.write(b"more")
    assert "has not the size it had" in words(verify(folder))
    (tmp_path / "cells.tif").unlink()
    assert "cells.tif is not there" in words(verify(folder))


def test_models_are_compared_with_their_checksum(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = lay_out(objects[1], tmp_path)
    weights = folder / "models" / "1-round-1" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b"x")
    assert "weights.safetensors is not what was saved" in words(verify(folder))
    weights.unlink()
    assert "weights.safetensors is missing" in words(verify(folder))


def test_links_and_strangers(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = lay_out(objects[1], tmp_path)
    (folder / "labels" / "notes.txt").write_text("mine")
    (folder / ".project.json.1234.tmp").write_text("")
    report = verify(folder)
    assert report.sound
    notes = {check.what for check in report.checks if check.state == "note"}
    assert notes == {"labels/notes.txt", ".project.json.1234.tmp"}
    save = next((folder / "labels").glob("*.4.tif"))
    save.rename(tmp_path / "outside.tif")
    save.symlink_to(tmp_path / "outside.tif")
    found = words(verify(folder))
    assert "leads out of the project" in found
    assert "never followed" in found


def test_who_has_it_open_is_told(
    objects: tuple[Work, dict[str, bytes]], tmp_path: Path
) -> None:
    folder = lay_out(objects[1], tmp_path)
    lock = ProjectLock(folder)
    lock.acquire()
    report = verify(folder)
    lock.release()
    assert report.sound
    assert any("Open elsewhere" in check.words for check in report.checks)


def test_what_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a project"):
        verify(tmp_path)
    with pytest.raises(InputError, match="There is no folder"):
        verify(tmp_path / "no.unet")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        verify(tmp_path / "file")
    (tmp_path / "project.json").write_text('{"format_version": 99}')
    with pytest.raises(StorageError, match="update napari-unet"):
        verify(tmp_path)
