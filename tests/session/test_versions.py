"""What is known of versions; names; deleting; and that none goes live that is worse."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.core.events import Validated
from napari_unet.geometry.box import Box
from napari_unet.learning.events import ModelImproved
from napari_unet.models.record import Found, new_record
from napari_unet.project.manifest import Manifest, parse_manifest
from napari_unet.session.finetune import Improved
from napari_unet.session.interruption import Interruption
from napari_unet.session.models.restore import ProjectModels, _active_of
from napari_unet.session.models.timeline import ModelVersion
from tests.runners import ManualRunner
from tests.session.brightness import brightness_model
from tests.session.conftest import Stage
from tests.session.test_finetune import play, steps
from tests.session.test_projects import open_file, wait


def trained(stage, monkeypatch, *scores, minutes=2):
    """Let a training publish a model for every score."""
    play(stage, monkeypatch, steps(*scores))
    stage.session.finetune(minutes)
    stage.run()
    stage.run()


def one_day(bright, path):
    """A session with an image of which everything is verified."""
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    open_file(stage, path)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    return stage


@pytest.fixture
def day(bright, files):
    return one_day(bright, files[0])


def manifest_of(path):
    return parse_manifest((path.with_suffix(".unet") / "project.json").read_bytes())


def names(stage):
    return [each.name for each in stage.state.versions]


def test_a_version_tells_what_it_learned_from(day, files, monkeypatch):
    trained(day, monkeypatch, 0.7)
    record = day.session.models.timeline.active.record
    assert record.objects == day.state.image.verified_objects > 0
    assert record.pixels == 64 * 160
    assert 0 <= record.seconds < 60
    assert (datetime.now(UTC) - record.created).total_seconds() < 60
    start, made = day.state.versions
    assert f"0.50 → 0.70 · {record.objects} objects · " in made.details
    assert ":" in made.when
    assert "held out" in made.about
    assert (start.details, start.when) == ("opened", "")
    wait(day, 3)
    again = one_day_later(day, files[0])
    assert again.session.models.timeline.active.record == record
    assert again.state.versions[1].details == made.details


def one_day_later(stage, path):
    """End a session, and begin another one with the same image."""
    assert stage.session.close() == []
    again = Stage.make(ManualRunner())
    open_file(again, path)
    return again


def test_a_name_is_kept(day, files, monkeypatch):
    trained(day, monkeypatch, 0.7)
    wait(day, 3)
    session = day.session
    session.models.versions.rename(2, "  small\tcells\n ")
    assert names(day) == ["bright", "small cells"]
    assert "It was round 1." in day.state.versions[1].about
    wait(day, 3)
    assert [each.name for each in manifest_of(files[0]).models] == ["", "small cells"]
    again = one_day_later(day, files[0])
    assert names(again) == ["bright", "small cells"]
    again.session.models.versions.rename(again.state.version, " ")
    assert names(again) == ["bright", "round 1"]
    again.session.models.versions.rename(again.state.version, "x" * 500)
    assert len(names(again)[1]) == 60


def test_a_better_state_of_a_run_keeps_the_name_of_the_one_before(day, monkeypatch):
    play(day, monkeypatch, steps(0.6, 0.7))
    day.session.finetune(2)
    while len(day.state.versions) < 2:
        day.runner.step()
    day.session.models.versions.rename(day.state.version, "mine")
    day.run()
    assert names(day) == ["bright", "mine"]
    assert "0.70" in day.state.versions[1].details


def test_what_is_deleted_can_be_brought_back_until_the_end(day, files, monkeypatch):
    trained(day, monkeypatch, 0.7)
    trained(day, monkeypatch, 0.8)
    wait(day, 3)
    versions, folder = day.session.models.versions, files[0].with_suffix(".unet")
    lost = day.state.versions[1].number
    versions.delete(lost)
    assert names(day) == ["bright", "round 2"]
    assert day.state.deleted == "round 1"
    assert "Undo" in day.state.message
    wait(day, 3)
    assert len(list((folder / "models").iterdir())) == 3, "undone after a crash, too"
    versions.bring_back()
    assert names(day) == ["bright", "round 1", "round 2"]
    assert day.state.deleted == ""
    day.session.activate_version(lost)
    day.run()
    assert day.state.version == lost
    day.session.activate_version(day.state.versions[2].number)
    versions.delete(lost)
    again = one_day_later(day, files[0])
    assert names(again) == ["bright", "round 2"]
    assert [each.note for each in manifest_of(files[0]).models] == ["bright", "round 2"]
    assert len(list((folder / "models").iterdir())) == 2


def test_what_is_deleted_does_not_come_with_its_project_again(day, files, monkeypatch):
    trained(day, monkeypatch, 0.7)
    day.session.activate_version(1)
    wait(day, 3)
    day.session.models.versions.delete(day.state.versions[1].number)
    day.session.models.come_to(day.session.models.place, again=True)
    day.run()
    assert names(day) == ["bright"]


def test_each_refusal_says_why(day, files, monkeypatch):
    trained(day, monkeypatch, 0.7)
    versions, (_, made) = day.session.models.versions, day.state.versions
    versions.delete(made.number)
    assert "round 1 predicts now" in day.state.problems["finetune"].text
    assert day.state.problems["finetune"].text == made.why_not_delete
    built_in = day.session.models.timeline.publish(
        brightness_model(), note="nuclei", built_in="nuclei", activate=False
    )
    versions.delete(built_in.number)
    assert "built in" in day.state.problems["finetune"].text
    versions.rename(built_in.number, "mine")
    assert "keeps its name" in day.state.problems["finetune"].text
    versions.rename(made.number, "mine")
    assert "finetune" not in day.state.problems
    # In another project, which keeps its own.
    wait(day, 3)
    open_file(day, files[1])
    day.session.activate_version(1)
    day.run()
    elsewhere = next(v for v in day.state.versions if v.number == made.number)
    assert f"mine is kept in {files[0].stem}" in elsewhere.why_not_delete


def test_what_can_only_be_read_is_not_changed(day, files, monkeypatch):
    trained(day, monkeypatch, 0.7)
    wait(day, 3)
    other = Stage.make(ManualRunner())
    open_file(other, files[0])
    assert other.session.images.current.read_only
    assert all(each.why_not_rename for each in other.state.versions if each.when)
    assert day.session.close() == []


@pytest.mark.parametrize("held_out", [True, False])
def test_a_version_says_how_many_objects_it_finds(day, files, monkeypatch, held_out):
    found = Found(right=82, verified=100, wrong=6)
    act = [
        Validated(0, 0.5, 0.5, best=True, held_out=held_out),
        ModelImproved(brightness_model(0.25), 1, 0.7, found),
    ]
    play(day, monkeypatch, act)
    day.session.finetune(2)
    day.run()
    day.run()
    made = day.state.versions[-1]
    # Of objects that trained it nobody shall think so.
    assert (made.details == "finds 82 of 100, 6 wrong") is held_out
    assert (
        "Of 100 objects that were held out it finds 82, 6" in made.about
    ) is held_out
    assert "0.50 → 0.70" in made.about
    wait(day, 3)
    again = one_day_later(day, files[0])
    assert again.state.versions[-1].details == made.details


# Never worse.


def worse(score=0.4, start=0.5):
    record = new_record().model_copy(update={"run": uuid4(), "steps": 1})
    return record.model_copy(update={"score": score, "start_score": start})


@pytest.mark.parametrize("score", [0.4, float("nan")])
def test_a_worse_model_never_goes_live_unasked(day, monkeypatch, score):
    model = brightness_model(0.25)
    act = [Validated(0, 0.5, 0.5, best=True), ModelImproved(model, 1, score)]
    play(day, monkeypatch, act)
    before, objects = day.state.version, day.state.image.objects
    day.session.finetune(2)
    day.run()
    day.run()
    assert day.state.version == before
    assert day.state.image.objects == objects, "its prediction is shown"
    made = day.state.versions[-1]
    assert made.number != before
    # Asked for, it does.
    day.session.activate_version(made.number)
    day.run()
    assert day.state.version == made.number


def test_the_next_round_does_not_start_from_a_worse_model(day, monkeypatch):
    bad = [
        Validated(0, 0.5, 0.5, best=True),
        ModelImproved(brightness_model(0.25), 1, 0.4),
        *[Validated(2, 0.4, 0.5, best=False)] * 3,
    ]
    engine = play(day, monkeypatch, bad, steps())
    start = day.session.models.active
    day.session.finetune(3)
    while not day.state.training or len(day.state.versions) < 2:
        day.runner.step()
    day.clock.now += 31
    day.paint(np.s_[92:100, 28:36], 90)
    day.session.images.current.canvas.settle()
    day.run()
    assert len(engine.rounds) == 2
    assert engine.rounds[1][0] is start


def test_a_worse_model_is_not_what_a_session_goes_on_with(day):
    good = ModelVersion(1, new_record(), brightness_model(), "good")
    bad = ModelVersion(2, worse(), brightness_model(0.25), "bad")
    restorer = day.session.models.restorer
    day.session.models.loader.has_chosen = False
    place = day.session.models.place
    restorer._merge(place, ProjectModels(None, (good, bad), good))
    assert day.session.models.timeline.active.note == "good"


def test_when_the_last_one_is_lost_the_newest_good_one_goes_on():
    good = ModelVersion(1, new_record(), brightness_model(), "good")
    bad = ModelVersion(2, worse(), brightness_model(0.25), "bad")
    assert _active_of(Manifest(), [good, bad]) is good


def test_a_worse_model_of_an_interrupted_training_waits(day):
    good = ModelVersion(1, new_record(), brightness_model(), "good")
    left = Interruption(9, brightness_model(0.25), worse())
    models, place = day.session.models, day.session.models.place
    models.loader.has_chosen = False
    models.restorer._merge(place, ProjectModels(None, (good,), good, left))
    assert models.timeline.active.note == "good"
    assert "interrupted training" in names(day)


def test_a_model_that_is_as_good_goes_live(day):
    improved = Improved(brightness_model(0.25), worse(0.5, 0.5), 1)
    made = day.session.models.publish(improved, None, activate=True)
    assert day.session.models.timeline.active is made
