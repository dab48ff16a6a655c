"""One image is open once; images with the same pixels are still two."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from napari_unet.io.read import read_image
from napari_unet.project.rescue.verify import verify
from napari_unet.project.store import ProjectStore
from tests.runners import ManualRunner
from tests.session.brightness import disks
from tests.session.test_projects import make, open_file, wait


def stroke(stage, row, label):
    if not stage.state.image.has_labels:
        stage.session.correcting.start_empty()
    stage.paint(np.s_[row : row + 4, 10:30], label)


def labels_of(stage):
    return set(np.unique(stage.annotation.labels).tolist())


def link(path):
    made = path.with_name("link.tif")
    made.symlink_to(path)
    return made


def hard_link(path):
    made = path.with_name("twin.tif")
    os.link(path, made)
    return made


def around(path):
    made = path.parent.parent / "way"
    made.symlink_to(path.parent)
    return made / path.name


def relative(path):
    os.chdir(path.parent)
    return type(path)(path.name)


@pytest.mark.parametrize("way", [lambda path: path, link, hard_link, around, relative])
def test_a_file_that_is_opened_twice_is_one_image(bright, files, monkeypatch, way):
    monkeypatch.chdir(files[0].parent)
    stage = make(bright)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    first = stage.session.images.current
    open_file(stage, way(files[0]))
    assert stage.session.images.current is first
    assert [*stage.session.images] == [first]
    assert "open already" in stage.state.message
    stroke(stage, 20, 60)
    stage.session.images.select(first)
    stroke(stage, 30, 70)
    wait(stage)
    stage.session.close()
    (folder,) = files[0].parent.glob("*.unet")
    assert verify(folder).sound

    again = make(bright)
    open_file(again, files[0])
    assert labels_of(again) == {0, 50, 60, 70}


def test_other_axes_of_a_file_do_not_make_it_a_second_image(bright, files):
    stage = make(bright)
    stack = np.stack([disks(), disks(pitch=40)])
    stage.open(stack, "stack.tif", "TYX", files[0].with_name("stack.tif"))
    stage.session.settings.set_axes("ZYX")
    stage.run()
    stage.open(stack.copy(), "stack.tif", "CYX", files[0].with_name("stack.tif"))
    (image,) = stage.session.images
    assert image.axes == "ZYX"


def copies(folder):
    """A file, a copy of it, and one in another folder."""
    (folder / "more").mkdir()
    made = [folder / "b.tif", folder / "more" / "a.tif"]
    for path in made:
        shutil.copy(folder / "a.tif", path)
    return [folder / "a.tif", *made]


@pytest.mark.parametrize("new", [True, False], ids=["new project", "moved together"])
def test_copies_in_one_project_have_work_of_their_own(bright, files, tmp_path, new):
    stage = make(bright)
    folder = tmp_path / "study.unet"
    if new:
        stage.session.projects.create(folder)
    paths = copies(files[0].parent)
    for number, path in enumerate(paths):
        open_file(stage, path)
        assert not stage.state.image.has_labels
        stroke(stage, 10, 50 + number)
    if not new:
        stage.session.projects.create(folder)
        stage.run()
    for number, image in enumerate(stage.session.images):
        stage.session.images.select(image)
        stroke(stage, 40, 80 + number)
    wait(stage)
    stage.session.close()
    assert verify(folder).sound
    assert len(ProjectStore(folder).read()[0].images) == 3

    again = make(bright)
    again.session.projects.open(folder)
    again.run()
    assert [each.path for each in again.state.project.images] == paths
    for number, path in reversed([*enumerate(paths)]):
        open_file(again, path)
        assert labels_of(again) == {0, 50 + number, 80 + number}
    again.session.close()

    paths[1].rename(paths[1].with_name("renamed.tif"))
    last = make(bright)
    last.session.projects.open(folder)
    last.run()
    assert last.state.project.images[1].path == paths[1].with_name("renamed.tif")
    open_file(last, paths[1].with_name("renamed.tif"))
    assert labels_of(last) == {0, 51, 81}


def test_a_copy_without_work_says_that_there_is_some_on_the_same_pixels(
    bright, files, tmp_path
):
    stage = make(bright)
    stage.session.projects.create(tmp_path / "study.unet")
    paths = copies(files[0].parent)
    open_file(stage, paths[0])
    stroke(stage, 10, 50)
    wait(stage)
    stage.session.close()
    again = make(bright)
    again.session.projects.open(tmp_path / "study.unet")
    again.run()
    open_file(again, paths[1])
    assert not again.state.image.has_labels
    assert "the same pixels, a.tif" in again.state.message


def test_blank_arrays_are_told_apart_by_their_names(bright, tmp_path):
    stage = make(bright)
    stage.session.projects.create(tmp_path / "wells.unet")
    for number, name in enumerate(["A1", "A2", "A3"]):
        stage.open(np.zeros((64, 64), np.uint8), name)
        stroke(stage, 10, 50 + number)
    wait(stage)
    stage.session.close()
    again = make(bright)
    again.session.projects.open(tmp_path / "wells.unet")
    again.run()
    for number, name in reversed([*enumerate(["A1", "A2", "A3"])]):
        again.open(np.zeros((64, 64), np.uint8), name)
        assert labels_of(again) == {0, 50 + number}


def test_an_image_that_is_opened_while_it_is_saved_is_the_one_that_was_there(
    bright, files
):
    stage = make(bright, ManualRunner)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    image = stage.session.images.current
    stage.session.images.release(image)
    stage.session.images.open(read_image(files[0]).array, "a.tif", "YX", path=files[0])
    # The opening is as quick as can be, the save as slow.
    save, opening = stage.runner.jobs
    while opening.running:
        opening.step()
    assert save.running
    assert stage.session.images.current is image
    assert stage.state.image.has_labels
    stroke(stage, 20, 60)
    wait(stage)
    stage.session.close()
    assert verify(files[0].with_suffix(".unet")).sound
    again = make(bright)
    open_file(again, files[0])
    assert labels_of(again) == {0, 50, 60}


def test_a_file_that_is_renamed_while_it_is_open_is_the_same_image(bright, files):
    stage = make(bright)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    renamed = files[0].with_name("a-renamed.tif")
    files[0].rename(renamed)
    open_file(stage, renamed)
    assert labels_of(stage) == {0, 50}
    assert len([*stage.session.images]) == 1
