"""A training that a crash interrupted: nothing better is lost, and it goes on."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView, UnverifyView
from napari_unet.core.events import TrainStep
from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.learning.config import FitConfig
from napari_unet.learning.train import iter_fit
from napari_unet.models.record import new_record
from napari_unet.session.interruption import (
    find_interruption,
    iter_resume_round,
    start_round,
)
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import save_model
from tests.runners import ManualRunner
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage

LABELS = (disks() > disks().max() / 2).astype(np.int32)
SAMPLES = [Sample(disks(), LABELS, axes="YX")]
WHOLE = Box((0, 0), (128, 160))
START = new_record()
CONFIG = FitConfig(steps=6, device="cpu", crop=64, batch_size=2, validate_every=2)


def losses(beginning, stop_after=99):
    """Train; return the loss of every step that was seen."""
    found = {}
    events = iter_fit(
        beginning.model, SAMPLES, beginning.config, checkpoint=beginning.checkpoint
    )
    for event in events:
        if isinstance(event, TrainStep):
            found[event.step] = event.loss
            if event.step == stop_after:
                break
    return found


def test_a_round_goes_on_to_the_same_losses(tmp_path):
    expected = losses(start_round(brightness_model(0.4), CONFIG, None, START))
    begun = start_round(brightness_model(0.4), CONFIG, tmp_path, START)
    losses(begun, stop_after=4)
    again = drain(iter_resume_round(CONFIG, tmp_path, SAMPLES, []))
    found = losses(again)
    assert found
    assert found == {step: expected[step] for step in found}
    assert max(found) == 6


def test_a_round_that_learned_from_other_work_does_not_go_on(tmp_path):
    losses(start_round(brightness_model(0.4), CONFIG, tmp_path, START), stop_after=2)
    other = [Sample(disks(), 1 - LABELS, axes="YX")]
    assert drain(iter_resume_round(CONFIG, tmp_path, other, [])) is None
    assert drain(iter_resume_round(CONFIG, tmp_path, SAMPLES, [])) is not None


def test_time_that_was_spent_is_not_taken_from_what_is_left(tmp_path):
    config = CONFIG.model_copy(update={"steps": None, "minutes": 1.0})
    losses(start_round(brightness_model(0.4), config, tmp_path, START), stop_after=2)
    again = drain(iter_resume_round(config, tmp_path, SAMPLES, []))
    assert again.config.minutes > 1.0


def test_what_is_damaged_is_left_out(tmp_path):
    losses(start_round(brightness_model(0.4), CONFIG, tmp_path, START), stop_after=4)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "start", kept)
    shutil.rmtree(tmp_path / "start")
    assert drain(iter_resume_round(CONFIG, tmp_path, SAMPLES, [])) is None
    kept.rename(tmp_path / "start")
    assert drain(iter_resume_round(CONFIG, tmp_path, SAMPLES, [])) is not None
    path = tmp_path / "training.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    assert drain(iter_resume_round(CONFIG, tmp_path, SAMPLES, [])) is None
    path.write_bytes(b"nonsense")
    assert find_interruption(tmp_path) is None
    assert drain(iter_resume_round(CONFIG, tmp_path, SAMPLES, [])) is None


def record_in(model):
    return json.loads((model / "record.json").read_text())["record"]


def begun_training(bright, tmp_path, trained=None, box=WHOLE, others=None):
    """A session in which a training goes on, with its first steps behind it.

    What the model predicts in a box is accepted, and it is trained itself, or another
    one. A third model may predict all else.
    """
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.run()
    stage.open(disks(), "a.tif", path=tmp_path / "a.tif")
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(box))
    if others is not None:
        stage.session.models.choose(others)
        stage.run()
        stage.session.predict()
        stage.run()
    if trained is not None:
        stage.session.models.choose(trained)
        stage.run()
    stage.session.finetune(5)
    steps = []
    stage.session.training.measured.connect(
        lambda event: steps.append(event) if isinstance(event, TrainStep) else None
    )
    while len(steps) < 3:
        stage.runner.step()
    return stage


def test_a_crash_in_a_training_is_told_and_fine_tune_goes_on(bright, tmp_path):
    stage = begun_training(bright, tmp_path)
    folder = tmp_path / "a.unet" / "training"
    assert (folder / "training.safetensors").exists()
    verified = stage.annotation.provenance.copy()
    for image in stage.session.images:  # a crash: nothing is saved any more
        image.project._lock.release()

    again = Stage.make(ManualRunner())
    again.open(disks(), "a.tif", path=tmp_path / "a.tif")
    again.run()
    assert (again.annotation.provenance == verified).all()
    assert "was interrupted after step" in again.state.notice
    again.session.models.choose(bright)
    again.run()
    again.session.finetune(0.05)
    notices = []
    again.session.state_changed.connect(lambda state: notices.append(state.notice))
    again.run()
    assert any("goes on after step" in notice for notice in notices)
    again.clock.now += 5
    again.run()
    assert not folder.exists()
    again.session.close()


def unverified_of(stage):
    annotation = stage.annotation
    return np.where(annotation.provenance < 2, annotation.labels, 0)


@pytest.mark.parametrize("corrected", [False, True])
def test_a_training_goes_on_though_its_better_model_has_predicted_anew(
    bright, tmp_path, corrected
):
    save_model(brightness_model(0.97), tmp_path / "unsure")
    box = Box((0, 0), (100, 160))  # the last row of disks is left to the models
    save_model(brightness_model(2.0), tmp_path / "blind")
    models = tmp_path / "blind", tmp_path / "unsure"
    stage = begun_training(bright, tmp_path, models[1], box, models[0])
    verified, predicted = stage.annotation.provenance.copy(), unverified_of(stage)
    training = stage.runner.jobs[0]
    while (unverified_of(stage) == predicted).all():
        stage.clock.now += 1
        stage.session.tick()
        for job in stage.runner.jobs:
            job.step()
        assert training.running, "it ended before anything was predicted anew"
    assert (stage.annotation.provenance == verified).all()
    for image in stage.session.images:
        image.project._lock.release()

    again = Stage.make(ManualRunner())
    again.open(disks(), "a.tif", path=tmp_path / "a.tif")
    again.run()
    assert (unverified_of(again) != predicted).any()
    if corrected:
        again.paint(np.s_[12:14, 12:14], 0)
    notices = []
    again.session.state_changed.connect(lambda state: notices.append(state.notice))
    again.session.finetune(0.05)
    again.run()
    goes_on = any("goes on after step" in notice for notice in notices)
    assert goes_on is not corrected
    again.session.close()


def test_a_crash_right_after_an_interrupted_training_was_begun_anew(bright, tmp_path):
    save_model(brightness_model(0.95), tmp_path / "unsure")
    stage = begun_training(bright, tmp_path, tmp_path / "unsure")
    place = tmp_path / "a.unet"
    while not (found := find_interruption(place / "training")) or found.best is None:
        assert stage.runner.step(), "it ended before anything was kept"
    for image in stage.session.images:
        image.project._lock.release()

    again = Stage.make(ManualRunner())
    again.open(disks(), "a.tif", path=tmp_path / "a.tif")
    again.run()
    again.session.correcting.do(
        UnverifyView(Box((0, 0), (64, 160)))
    )  # so that it cannot go on
    again.session.finetune(5)
    while not (place / "training" / "earlier").exists():
        assert again.runner.step(), "it ended before it began anew"
    for image in again.session.images:  # before anything is kept
        image.project._lock.release()

    third = Stage.make(ManualRunner())
    third.open(disks(), "a.tif", path=tmp_path / "a.tif")
    third.run()
    best = [v for v in third.session.models.timeline.versions if v.home]
    assert found.record.uuid in {version.uuid for version in best}
    third.session.finetune(0.05)
    third.clock.now += 5
    third.run()
    for _ in range(3):
        third.clock.now += 5
        third.session.tick()
        third.run()
    assert not (place / "training").exists()
    third.session.close()
    kept = [record_in(p)["uuid"] for p in (place / "models").iterdir()]
    assert str(found.record.uuid) in kept


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error: device-side assert"), MemoryError(), ValueError("odd")],
    ids=["device", "memory", "defect"],
)
def test_a_training_that_dies_leaves_everything_else(
    bright, tmp_path, monkeypatch, error
):
    def die(*_args, **_options):
        yield TrainStep(1, 0.5, 0.1)
        raise error

    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.run()
    stage.open(disks(), "a.tif", path=tmp_path / "a.tif")
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    before = stage.annotation.snapshot()
    monkeypatch.setattr("napari_unet.learning.iter_fit", die)
    stage.session.finetune(1)
    stage.run()
    assert stage.state.training is None
    assert stage.state.problems["finetune"].text
    assert "\n" not in stage.state.problems["finetune"].text
    after = stage.annotation.snapshot()
    assert np.array_equal(before.labels, after.labels)
    assert np.array_equal(before.provenance, after.provenance)
    assert not stage.state.why_not_finetune
    stage.paint(np.s_[60:64, 60:80], 77)
    stage.session.predict()
    stage.run()
    assert (stage.annotation.labels == 77).any()
    stage.session.close()
