"""Where work cannot be saved at home it is kept elsewhere, told, and comes back."""

from __future__ import annotations

import os

import numpy as np
import pytest

from napari_unet.models.folder import weights_checksum
from napari_unet.project.layout import FINISHED, kept_folder
from napari_unet.project.model_store import all_models
from napari_unet.project.rescue.verify import verify
from napari_unet.project.store import ProjectStore
from tests.project.small_projects import add_model, open_project
from tests.runners import InlineRunner, ManualRunner
from tests.session.test_projects import make, open_file, wait


def stroke(stage, row, label):
    if not stage.state.image.has_labels:
        stage.session.correcting.start_empty()
    stage.paint(np.s_[row : row + 4, 10:30], label)


def labels_of(stage):
    return set(np.unique(stage.annotation.labels).tolist()) - {0}


@pytest.fixture
def home(files):
    return files[0].with_suffix(".unet")


def block(home):
    """Let nobody write there, root included."""
    home.write_text("a file where a folder should be")


def only_models_are_left(home):
    """What is kept away holds no work any more; nothing trained is deleted."""
    left = [path for path in kept_folder(home).rglob("*") if path.is_file()]
    # How long views took is no work, and went along as a copy.
    work = [path for path in left if path.name != FINISHED]
    assert not [path for path in work if path.suffix in {".tif", ".jsonl"}]
    assert not left or (kept_folder(home) / "models").is_dir()


@pytest.mark.parametrize("runner", [InlineRunner, ManualRunner])
@pytest.mark.parametrize("end", ["killed", "closed", "closed at once"])
def test_work_that_cannot_be_saved_is_kept_told_and_comes_back(
    bright, files, home, end, runner
):
    block(home)
    stage = make(bright, runner)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    if end != "closed at once":
        wait(stage, 3)
        assert stage.state.save.failed
        assert "could not be written" in stage.state.save.text
        assert str(kept_folder(home)) in stage.state.save.text
        # One line must not say the opposite of the other.
        assert "Not saved" not in stage.state.save.text
        assert stage.state.save.line == "Kept elsewhere"
        stroke(stage, 20, 60)
    if end == "killed":
        (kept_folder(home) / "lock.json").unlink()  # of a process that is gone
    else:
        (told,) = stage.session.close()
        assert "a.tif" in told
        assert str(kept_folder(home)) in told
    made = labels_of(stage)

    again = make(bright, runner)
    open_file(again, files[0])
    assert labels_of(again) == made
    assert "could not be saved in a.unet" in again.state.recovered
    home.unlink()
    stroke(again, 30, 70)
    wait(again, 15)
    assert not again.state.save.failed
    assert again.state.save.folder == home
    again.session.close()
    assert verify(home).sound
    only_models_are_left(home)

    last = make(bright, runner)
    open_file(last, files[0])
    assert labels_of(last) == made | {70}
    last.session.close()


def test_an_image_with_the_longest_name_is_saved_and_found_again(bright, files):
    path = files[0].with_name("細" * 83 + "ab.tif")
    assert len(os.fsencode(path.name)) == 255
    files[0].rename(path)
    stage = make(bright)
    open_file(stage, path)
    stroke(stage, 10, 50)
    wait(stage, 3)
    folder = stage.state.save.folder
    stage.session.close()
    assert folder.parent == path.parent
    assert len(os.fsencode(folder.name)) <= 255
    again = make(bright)
    open_file(again, path)
    assert labels_of(again) == {50}
    again.session.close()


def test_copies_of_one_project_are_kept_apart(bright, files, tmp_path):
    stage = make(bright)
    folder = tmp_path / "study.unet"
    copy = files[0].with_name("copy.tif")
    copy.write_bytes(files[0].read_bytes())
    stage.session.projects.create(folder)
    folder.rename(tmp_path / "away.unet")
    block(folder)
    for number, path in enumerate([files[0], copy]):
        open_file(stage, path)
        stroke(stage, 10, 50 + number)
        wait(stage, 3)
    stage.session.close()
    folder.unlink()
    (tmp_path / "away.unet").rename(folder)
    again = make(bright)
    again.session.projects.open(folder)
    again.run()
    for number, path in enumerate([files[0], copy]):
        open_file(again, path)
        assert labels_of(again) == {50 + number}
    wait(again, 25)
    again.session.close()
    assert verify(folder).sound
    assert len(again.session.projects.at(folder).store.read()[0].images) == 2
    assert not kept_folder(folder).exists()


def test_work_of_another_window_at_home_is_not_overwritten(bright, files, home):
    first, second = make(bright), make(bright)
    for stage in (first, second):
        open_file(stage, files[0])
    stroke(first, 10, 50)
    wait(first)
    first.session.close()
    stroke(second, 20, 60)
    wait(second, 20)
    assert second.state.save.failed
    assert "was changed by another window" in second.state.save.text
    second.session.close()
    assert verify(home).sound
    assert verify(kept_folder(home)).sound

    again = make(bright)
    open_file(again, files[0])
    assert labels_of(again) == {50}
    assert str(kept_folder(home)) in again.state.recovered
    again.session.projects.open(kept_folder(home))
    again.run()
    open_file(again, files[0])
    assert labels_of(again) == {60}


def test_one_of_two_windows_writes_and_the_other_keeps_its_own(bright, files, home):
    first, second = make(bright), make(bright)
    for stage in (first, second):
        open_file(stage, files[0])
    stroke(first, 10, 50)
    stroke(second, 20, 60)
    wait(second, 3)
    assert "open elsewhere" in second.state.save.text
    assert not first.state.save.failed
    stroke(first, 30, 70)
    for stage in (first, second):
        wait(stage)
        stage.session.close()
    assert verify(home).sound
    again = make(bright)
    open_file(again, files[0])
    assert labels_of(again) == {50, 70}


def test_where_nothing_can_be_kept_either_it_is_told(bright, files, home):
    block(home)
    kept_folder(home).parent.parent.mkdir(parents=True)
    block(kept_folder(home).parent)
    stage = make(bright)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    wait(stage)
    assert stage.state.save.failed
    assert "in memory" in stage.state.save.text
    (told,) = stage.session.close()
    assert "a.tif is not saved" in told


def test_work_that_is_kept_can_be_saved_in_a_folder_of_ones_choice(
    bright, files, home, tmp_path
):
    block(home)
    stage = make(bright)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    wait(stage, 3)
    stage.session.save_to(tmp_path / "mine.unet")
    wait(stage)
    assert stage.state.save.folder == tmp_path / "mine.unet"
    assert not stage.state.save.failed
    assert stage.session.close() == []
    only_models_are_left(home)


def test_a_model_that_was_trained_while_work_was_kept_away_comes_home(
    bright, files, home
):
    block(home)
    stage = make(bright)
    open_file(stage, files[0])
    stroke(stage, 10, 50)
    wait(stage, 3)
    model = add_model(open_project(kept_folder(home))[0], 5)
    assert kept_folder(home) in model.parents
    home.unlink()
    stroke(stage, 20, 60)
    wait(stage, 15)
    assert stage.state.save.folder == home
    stage.session.close()
    assert model.is_dir(), "nothing trained is deleted"
    manifest = ProjectStore(home).read()[0]
    found = all_models(home / "models", manifest.models)
    assert weights_checksum(model / "weights.safetensors") in {
        each.checksum for each in found
    }
    assert verify(home).sound
