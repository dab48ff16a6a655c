"""The table of objects follows the labels, while somebody looks at it."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_unet.session.measuring import INTERVAL, MeasureObjects, Watcher
from tests.runners import ManualRunner
from tests.session.brightness import classes_model, disks
from tests.session.conftest import Stage

WATCHER = Watcher()


@pytest.fixture
def watched(stage):
    """A stage with a predicted image, whose table is in sight."""
    stage.open(disks())
    stage.session.predict()
    stage.run()
    stage.session.measuring.watch(WATCHER, True)
    stage.run()
    return stage


def later(stage):
    stage.clock.now += 2 * INTERVAL
    stage.run()


def table(stage):
    return stage.session.measuring.table


def test_nothing_is_measured_that_nobody_looks_at(stage):
    stage.open(disks())
    stage.session.predict()
    later(stage)
    assert table(stage) is None
    assert stage.state.measured.summary == ""


def test_what_is_predicted_is_measured_with_confidence(watched):
    found = table(watched)
    assert len(found) == watched.state.image.objects == 20
    assert found["mean"].min() > 150
    assert (found["confidence"] > 0.5).all()
    assert watched.state.measured.summary.startswith("20 objects, 0 verified, median")


def test_what_is_painted_comes_in_but_not_more_often_than_the_eye_needs(watched):
    before = table(watched)
    watched.paint(np.s_[60:64, 60:80], 77)
    watched.run()
    assert table(watched) is before
    later(watched)
    assert 77 in table(watched)["id"]
    now = table(watched)
    later(watched)
    assert table(watched) is now


def test_who_looks_away_ends_it(watched):
    changes = []
    watched.session.measuring.changed.connect(lambda: changes.append(table(watched)))
    watched.session.measuring.watch(WATCHER, False)
    assert table(watched) is None
    assert changes == [None]
    later(watched)
    assert table(watched) is None


def test_another_image_drops_the_table_and_gets_one(watched):
    image = watched.session.images.current
    watched.open(disks(pitch=40), "other")
    watched.session.tick()
    assert table(watched) is None
    assert "no labels yet" in watched.state.why_not_measure
    watched.session.images.select(image)
    later(watched)
    assert len(table(watched)) == 20
    watched.session.images.release(image)
    watched.session.tick()
    assert table(watched) is None


def test_a_request_for_an_image_that_is_gone_is_dropped(bright):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.open(disks())
    stage.session.predict()
    stage.run()
    stage.session.measuring.watch(WATCHER, True)
    stage.session.tick()
    (job,) = [each for each in stage.runner.jobs if each.does(MeasureObjects)]
    job.step()
    stage.session.images.release(stage.session.images.current)
    stage.session.tick()
    assert job.cancelled
    stage.run()
    assert table(stage) is None


def test_only_one_is_measured_at_a_time(bright):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.open(disks())
    stage.session.predict()
    stage.run()
    stage.session.measuring.watch(WATCHER, True)

    def measuring():
        return [each for each in stage.runner.jobs if each.does(MeasureObjects)]

    for _ in range(3):
        stage.clock.now += 2 * INTERVAL
        stage.session.tick()
        stage.paint(np.s_[60:64, 60:80], 77)
    (job,) = measuring()
    stage.runner.run()
    assert 77 not in table(stage)["id"]
    later(stage)
    assert 77 not in table(stage)["id"], "what took long is followed by a pause"
    stage.clock.now += 60
    stage.run()
    assert 77 in table(stage)["id"]
    assert not job.running


def test_a_large_image_is_copied_bit_by_bit(watched, monkeypatch):
    monkeypatch.setattr("napari_unet.session.copying.COPY_SECONDS", -1)
    before = table(watched)
    watched.paint(np.s_[60:64, 60:80], 77)
    later(watched)
    later(watched)
    assert table(watched) is before
    watched.paint(np.s_[70:74, 60:80], 78)
    monkeypatch.undo()
    later(watched)
    later(watched)
    assert {77, 78} <= set(table(watched)["id"].tolist())


def test_a_stroke_that_is_under_way_is_waited_for(watched):
    class Busy(type(watched.session.images.current.canvas)):
        busy = True

    image = watched.session.images.current
    before, canvas = table(watched), image.canvas
    watched.paint(np.s_[60:64, 60:80], 77)
    image.canvas = Busy(image.annotation)
    later(watched)
    assert table(watched) is before
    image.canvas = canvas
    later(watched)
    assert table(watched) is not before


def test_channels_have_their_names_and_pixels_their_size(stage):
    pixels = np.stack([disks(), 2 * disks()])
    stage.session.images.open(pixels, "two", "CYX", pixel_size=0.5)
    stage.run()
    stage.session.correcting.start_empty()
    stage.paint(np.s_[60:64, 60:80], 7)
    stage.session.measuring.watch(WATCHER, True)
    stage.run()
    headers = {each.header for each in table(stage).columns}
    assert {"area_um2", "mean_1", "mean_2"} <= headers
    assert table(stage)["mean 2"] == 2 * table(stage)["mean 1"]
    assert np.isnan(table(stage)["confidence"]).all()


def test_where_there_are_no_objects_it_says_so(stage):
    stage.session.models.timeline.publish(classes_model())
    stage.open(disks())
    stage.session.predict()
    stage.run()
    stage.session.measuring.watch(WATCHER, True)
    later(stage)
    assert table(stage) is None
    assert stage.state.why_not_measure == (
        "There are no objects here to list, but classes."
    )


def test_export_writes_all_rows_in_their_order(watched, tmp_path):
    path = tmp_path / "objects.csv"
    rows = np.argsort(-table(watched)["id"])
    watched.session.measuring.export(path, rows)
    watched.run()
    with path.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [int(row["id"]) for row in written] == list(range(20, 0, -1))
    assert watched.state.measured.saved == "Saved 20 rows in objects.csv."
    watched.session.measuring.watch(WATCHER, False)
    assert watched.state.measured.saved == ""


def test_what_cannot_be_exported_is_told_in_words(watched, tmp_path):
    watched.session.measuring.export(tmp_path / "gone" / "objects.csv")
    watched.run()
    assert "its folder is not there" in watched.state.problems["objects"].text
    watched.session.measuring.watch(WATCHER, False)
    watched.session.measuring.export(tmp_path / "objects.csv")
    assert "still being measured" in watched.state.problems["objects"].text
    assert list(tmp_path.glob("*.csv")) == []


def test_what_fails_is_told_and_not_tried_without_end(watched, monkeypatch):
    def fail(*_: object, **__: object):
        raise ValueError("no numbers today")
        yield

    name = "napari_unet.measurements.iter_measure_objects"
    monkeypatch.setattr(name, fail)
    watched.paint(np.s_[60:64, 60:80], 77)
    later(watched)
    assert "no numbers today" in watched.state.problems["objects"].text
    watched.session._hub.clear("objects")
    later(watched)
    assert "objects" not in watched.state.problems
