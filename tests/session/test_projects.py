"""Projects: where work is kept, what comes back, and what a lock forbids."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.box import Box
from napari_unet.io.read import read_image
from napari_unet.project.lock import ProjectLock
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import recover, saved_annotation
from napari_unet.session.models.restore import RestoreModels
from napari_unet.weights.folder import save_model
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import brightness_model
from tests.session.conftest import Stage
from tests.session.test_finetune import play, steps


def bytes_of(folder):
    """Hash every file below a folder."""
    return {
        path.relative_to(folder): blake2b(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def make(bright, runner=InlineRunner):
    stage = Stage.make(runner())
    stage.session.models.choose(bright)
    stage.run()
    return stage


def wait(stage, seconds=15.0):
    """Let so much time pass, second by second."""
    for _ in range(int(seconds)):
        stage.clock.now += 1
        stage.run()


def open_file(stage, path):
    stage.open(read_image(path).array, path.name, path=path)


def work(stage, path, label=77):
    open_file(stage, path)
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[60:64, 60:80], label)


def test_a_project_holds_many_images_and_finds_them_again(bright, files, tmp_path):
    stage = make(bright)
    stage.session.projects.create(tmp_path / "study")
    for number, path in enumerate(files):
        work(stage, path, 70 + number)
    wait(stage)
    stage.session.close()
    folder = tmp_path / "study.unet"
    images = json.loads((folder / "project.json").read_text())["images"]
    assert [image["path"] for image in images] == ["../plate/a.tif", "../plate/b.tif"]
    assert not (folder / "lock.json").exists()

    again = make(bright)
    again.session.projects.open(folder)
    again.run()
    listed = again.state.project.images
    assert [image.path for image in listed] == files
    open_file(again, listed[1].path)
    assert (again.annotation.labels == 71).any()


def test_images_that_moved_are_found_and_others_are_told_as_missing(
    bright, files, tmp_path
):
    stage = make(bright)
    stage.session.projects.create(tmp_path / "study")
    for path in files:
        work(stage, path)
    wait(stage)
    stage.session.close()
    moved = tmp_path / "elsewhere" / "renamed.tif"
    moved.parent.mkdir()
    files[0].rename(moved)
    # As large as the missing one, and another image all the same.
    other = np.fromfile(files[1], np.uint8)
    other[-400:] ^= 1
    files[1].unlink()
    other.tofile(tmp_path / "plate" / "other.tif")

    again = make(bright)
    again.session.projects.open(tmp_path / "study.unet")
    again.run()
    first, second = again.state.project.images
    assert first.path == moved
    assert (second.path, second.is_file) == (None, True)
    open_file(again, first.path)
    assert (again.annotation.labels == 77).any()


def test_to_open_writes_nothing(bright, files, tmp_path):
    stage = make(bright)
    stage.session.projects.create(tmp_path / "study")
    work(stage, files[0])
    wait(stage)
    stage.session.close()
    before = bytes_of(tmp_path)
    again = make(bright)
    again.session.projects.open(tmp_path / "study.unet")
    again.run()
    open_file(again, files[0])
    wait(again)
    again.session.close()
    assert bytes_of(tmp_path) == before


def test_models_and_settings_come_back(bright, files, monkeypatch):
    stage = make(bright, ManualRunner)
    work(stage, files[0])
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    play(stage, monkeypatch, steps(0.6, 0.7))
    stage.session.finetune(2)
    stage.run()
    wait(stage)
    stage.session.set_minutes(3.5)
    wait(stage)
    stage.session.close()
    folder = files[0].with_suffix(".unet")
    assert len(list((folder / "models").iterdir())) == 2
    assert not (folder / "training").exists()

    again = Stage.make(ManualRunner())
    open_file(again, files[0])
    again.run()
    assert [v.text for v in again.state.versions] == ["bright", "round 1: 0.50 → 0.70"]
    assert again.session.models.active.spec == brightness_model(0.3).spec
    assert again.state.minutes == 3.5
    again.session.activate_version(again.state.versions[0].number)
    again.paint(np.s_[10:12, 10:20], 80)
    wait(again)
    again.session.close()
    manifest = json.loads((folder / "project.json").read_text())
    assert manifest["active_model"] == manifest["models"][0]["number"]


def test_a_model_that_is_chosen_meanwhile_goes_on_predicting(bright, files, tmp_path):
    stage = make(bright)
    work(stage, files[0])
    wait(stage)
    stage.session.close()
    other = tmp_path / "other"
    model = brightness_model(0.4)
    named = model.spec.model_copy(update={"name": "other"})
    save_model(replace(model, spec=named), other)

    again = Stage.make(ManualRunner())
    again.session.start()
    again.run()
    again.session.images.open(read_image(files[0]).array, files[0].name, None, files[0])
    while again.session.images.current is None:
        again.runner.step()
    (restoring,) = (job for job in again.runner.jobs if job.does(RestoreModels))
    again.session.models.choose(other)
    *_, loading = again.runner.jobs
    while loading.running:
        loading.step()
    assert again.state.model.name == "other"
    while restoring.running:
        restoring.step()
    assert again.state.model.name == "other"
    assert [v.text for v in again.state.versions] == ["bright", "other"]
    assert "earlier models are here" in again.state.message
    again.session.close()


def test_a_damaged_version_of_a_model_does_not_stop_the_others(
    bright, files, monkeypatch
):
    stage = make(bright, ManualRunner)
    work(stage, files[0])
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    play(stage, monkeypatch, steps(0.6))
    stage.session.finetune(2)
    stage.run()
    wait(stage)
    stage.session.close()
    models = files[0].with_suffix(".unet") / "models"
    weights = sorted(models.iterdir())[-1] / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    again = Stage.make(ManualRunner())
    open_file(again, files[0])
    again.run()
    assert [v.text for v in again.state.versions] == ["bright"]
    assert "is not what was saved" in again.state.problems["model"].text


def test_who_comes_second_may_look_but_not_change(bright, files):
    first = make(bright)
    work(first, files[0])
    second = make(bright)
    open_file(second, files[0])
    assert (second.annotation.labels == 77).any()
    assert "is open elsewhere" in second.state.save.text
    assert second.state.save.failed
    second.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    assert "Read-only" in second.state.problems["correct"].text
    before = bytes_of(files[0].parent)
    wait(second)
    second.session.close()
    assert bytes_of(files[0].parent) == before

    first.session.close()
    third = make(bright)
    open_file(third, files[0])
    assert not third.state.image.read_only
    third.session.close()


def test_what_another_window_holds_opens_by_itself_when_it_is_free(bright, files):
    first = make(bright)
    work(first, files[0])
    second = make(bright)
    open_file(second, files[0])
    assert second.state.image.read_only
    first.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    verified = first.state.image.verified_objects
    first.session.close()
    wait(second, 3)
    assert not second.state.image.read_only
    assert second.state.image.verified_objects == verified
    second.paint(np.s_[100:104, 60:80], 90)
    wait(second)
    assert second.state.save.text.startswith("Saved")
    second.session.close()


def test_a_lock_that_is_taken_meanwhile_keeps_changes_and_is_told(bright, files):
    stage = make(bright)
    work(stage, files[0])
    folder = files[0].with_suffix(".unet")
    (folder / "lock.json").unlink()
    other = ProjectLock(folder)
    other.acquire()
    stage.paint(np.s_[100:104, 60:80], 90)
    wait(stage)
    assert stage.state.save.failed
    assert "open elsewhere" in stage.state.save.text
    assert "kept in" in stage.state.save.text
    other.release()
    wait(stage, 30)
    assert stage.state.save.text.startswith("Saved")
    assert stage.state.save.folder == folder
    stage.session.close()


def test_work_can_go_to_another_folder_but_not_over_other_work(bright, files, tmp_path):
    stage = make(bright)
    work(stage, files[0], 77)
    stage.session.save_to(tmp_path / "copy.unet")
    wait(stage)
    stage.session.close()
    again = make(bright)
    work(again, files[0], 88)
    again.session.save_to(tmp_path / "copy.unet")
    again.run()
    assert "holds work on a.tif already" in again.state.problems["project"].text
    again.session.close()
    third = make(bright)
    third.session.projects.open(tmp_path / "copy.unet")
    third.run()
    open_file(third, files[0])
    assert (third.annotation.labels == 77).any()
    assert not (third.annotation.labels == 88).any()


def test_a_stroke_during_a_move_is_in_the_journal_of_the_new_folder(
    bright, files, tmp_path
):
    stage = make(bright, ManualRunner)
    work(stage, files[0], 77)
    folder = tmp_path / "copy.unet"
    stage.session.save_to(folder)
    while not (folder / "project.json").exists():
        stage.runner.step()
    stage.paint(np.s_[100:104, 60:80], 88)
    while stage.runner.step():
        pass
    image = stage.session.images.current
    assert image.project.folder == folder
    # As after a crash: nothing was saved since.
    stored = ProjectStore(folder).load_work(image.identity)
    assert not (stored.labels == 88).any()
    again = saved_annotation(image.identity.schema, stored)
    assert not recover(again, stored).missing
    assert np.array_equal(again.labels, image.annotation.labels)
    assert np.array_equal(again.provenance, image.annotation.provenance)
    stage.session.close()


def test_a_new_project_makes_no_prediction_of_what_has_none(bright, files, tmp_path):
    stage = make(bright)
    open_file(stage, files[0])
    stage.session.projects.create(tmp_path / "study")
    wait(stage)
    stage.session.close()
    again = make(bright)
    again.session.projects.open(tmp_path / "study.unet")
    again.run()
    open_file(again, files[0])
    image = again.session.images.current
    assert image.project.folder == tmp_path / "study.unet"
    assert not image.has_labels
    assert again.state.message == f"{files[0].name} is open."
