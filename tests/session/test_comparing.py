"""A version beside what is shown now: nothing of the work is touched by looking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.session.comparing import CountDifferences, FitPreview, Preview
from tests.runners import ManualRunner
from tests.session.brightness import brightness_model, classes_model, values_model
from tests.session.conftest import Stage


def everything(image):
    """Return all that a person has, to see that it is the same afterwards."""
    annotation = image.annotation
    return (
        annotation.labels.tobytes(),
        annotation.provenance.tobytes(),
        annotation.revision,
        annotation.next_id,
    )


@pytest.fixture
def seen():
    """What the person looks at; None is everything."""
    return [None]


@pytest.fixture
def desk(bright, image, seen):
    """Bright disks that are found, two of them verified; a model that sees more."""
    stage = Stage.make(ManualRunner(), view=lambda: seen[0])
    stage.session.models.choose(bright)
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(Box((0, 0), (32, 64))))
    publish(stage, brightness_model(0.25), "dim")
    return stage


def publish(stage, model, note):
    timeline = stage.session.models.timeline
    return timeline.publish(model, note=note, activate=False)


def compare(stage, number=2):
    stage.session.comparing.start(number)
    stage.run()
    stage.session.tick()
    stage.run()


def test_a_preview_shows_what_would_be_and_touches_nothing(desk):
    image = desk.session.images.current
    before = everything(image)
    compare(desk)
    comparison = desk.state.comparing
    assert comparison.ready
    assert comparison.flipped, "the first thing to see"
    assert comparison.words == (
        "In view: 3 objects only by dim, none only now, 17 by both."
    )
    preview = desk.session.comparing.preview.labels
    assert everything(image) == before
    # What would be: verified objects as they are, others under the ids that they have.
    now = image.annotation.labels
    assert np.array_equal(preview[:32, :64], now[:32, :64])
    assert set(np.unique(now)) < set(np.unique(preview))
    desk.session.comparing.flip()
    assert not desk.state.comparing.flipped
    desk.session.comparing.flip()
    assert desk.state.comparing.flipped
    desk.session.comparing.end()
    assert desk.state.comparing is None
    assert desk.session.comparing.preview is None
    assert everything(image) == before
    # And so it is when it is used.
    desk.session.activate_version(2)
    desk.run()
    assert np.array_equal(image.annotation.labels, preview)


def test_the_view_comes_first_and_is_counted_again_where_one_looks(desk, seen):
    # One dim disk in sight: the seventh, in the second row.
    seen[0] = Box((32, 32), (64, 64))
    previews = []
    comparing = desk.session.comparing
    comparing.changed.connect(lambda: previews.append(comparing.preview))
    compare(desk)
    boxes = [each.box for each in previews if each is not None]
    assert boxes[0] == seen[0]
    assert boxes[-1] == Box((0, 0), (128, 160))
    assert "1 object only by dim, none only now, none by both" in (
        desk.state.comparing.words
    )
    seen[0] = Box((0, 0), (32, 64))
    desk.session.tick()
    desk.run()
    assert desk.state.comparing.words == "In view: the same 2 objects by dim as now."


def test_a_version_that_lies_on_the_disk_is_loaded_for_it(desk, tmp_path):
    timeline = desk.session.models.timeline
    desk.session.save_to(tmp_path / "work.unet")
    desk.session.activate_version(2)
    desk.run()
    desk.session.activate_version(1)
    for _ in range(5):
        desk.clock.now += 2
        desk.run()
    timeline.settle(2, desk.session.images.home)
    for _ in range(5):
        desk.clock.now += 2
        desk.run()
    version = timeline.get(2)
    if version.stored is None:
        pytest.skip("it was not kept")
    timeline.fill(2, None, None)
    compare(desk)
    assert desk.state.comparing.ready
    assert timeline.get(2).model is not None


@pytest.mark.parametrize(
    "happens",
    ["painted", "accepted", "predicted", "another image", "used", "deleted"],
)
def test_it_is_over_when_the_labels_or_the_image_are_others(desk, image, happens):
    compare(desk)
    assert desk.state.comparing.ready
    if happens == "painted":
        desk.paint(np.s_[92:100, 28:36], 90)
    elif happens == "accepted":
        desk.session.correcting.do(AcceptView(Box((0, 0), (128, 160))))
    elif happens == "predicted":
        desk.session.predict()
    elif happens == "another image":
        desk.open(image.T.copy(), "other")
    elif happens == "used":
        desk.session.activate_version(2)
    else:
        desk.session.models.versions.delete(2)
    desk.run()
    assert desk.state.comparing is None
    assert desk.session.comparing.preview is None


@pytest.mark.parametrize("steps", range(8))
def test_it_can_be_given_up_at_any_moment(desk, steps):
    before = everything(desk.session.images.current)
    desk.session.comparing.start(2)
    for _ in range(steps):
        desk.runner.step()
    desk.session.comparing.end()
    desk.run()
    assert desk.state.comparing is None
    assert desk.session.comparing.preview is None
    assert everything(desk.session.images.current) == before
    assert "finetune" not in desk.state.problems


def test_what_is_painted_meanwhile_is_in_the_preview(desk):
    desk.session.comparing.start(2)
    while not isinstance(desk.runner.jobs[0]._job, FitPreview):
        desk.runner.step()
    desk.paint(np.s_[92:100, 28:36], 90)
    desk.run()
    preview = desk.session.comparing.preview
    assert preview is not None
    assert (preview.labels[92:100, 28:36] == 90).all()


def test_no_refresh_of_a_training_comes_between(desk):
    compare(desk)
    labels = desk.annotation.labels.copy()
    # As a training does that has made a better model.
    better = publish(desk, brightness_model(0.3), "round 1")
    desk.session.models.timeline.activate(better.number)
    desk.session.predicting.refresh.want(soon=True)
    desk.run()
    assert desk.state.comparing is not None
    assert np.array_equal(desk.annotation.labels, labels)
    desk.session.comparing.end()
    desk.run()
    assert not desk.session.predicting.refresh.due
    assert not np.array_equal(desk.annotation.labels, labels)


def test_each_refusal_says_why(desk, bright, image):
    session = desk.session
    session.comparing.flip()
    assert "press Compare" in desk.state.problems["finetune"].text
    session.comparing.start(1)
    assert "predicts now" in desk.state.problems["finetune"].text
    publish(desk, classes_model(), "shades")
    compare(desk, 3)
    assert "other work" in desk.state.problems["finetune"].text
    assert desk.state.comparing is None
    new = Stage.make(ManualRunner())
    assert "Choose an image" in new.state.why_not_compare(0)
    new.session.models.choose(bright)
    new.open(image)
    unseen = replace(new.state.image, has_labels=False)
    assert "Predict first" in replace(new.state, image=unseen).why_not_compare(1)


def test_an_error_is_told_and_leaves_everything(desk, monkeypatch):
    def broken(*_arguments, **_options):
        raise RuntimeError("no")
        yield

    monkeypatch.setattr("napari_unet.inference.iter_predict", broken)
    before = everything(desk.session.images.current)
    compare(desk)
    assert "RuntimeError: no" in desk.state.problems["finetune"].text
    assert desk.state.comparing is None
    assert everything(desk.session.images.current) == before


def test_classes_differ_by_pixels_and_values_are_refused(image):
    stage = Stage.make(ManualRunner())
    timeline = stage.session.models.timeline
    timeline.publish(classes_model(), note="one")
    timeline.publish(classes_model(dim=0.6), note="two", activate=False)
    stage.open(image)
    stage.session.predict()
    stage.run()
    compare(stage)
    assert stage.state.comparing.words.endswith(" % of pixels differ.")
    assert stage.state.comparing.words != "In view: 0 % of pixels differ."
    values = Stage.make(ManualRunner())
    values.session.models.timeline.publish(values_model(), note="one")
    values.session.models.timeline.publish(values_model(), note="two", activate=False)
    values.open(image)
    values.session.predict()
    values.run()
    assert "Values are not compared" in values.state.why_not_compare(2)


def test_objects_of_the_same_id_are_in_both_wherever_the_view_cuts_them():
    now, there = np.zeros((2, 8, 8), np.int32)
    now[1:3, 1:7] = 1  # shorter in the other one, and not in view there
    there[1:3, 1:4] = 1
    there[5:7, 5:7] = 9
    preview = Preview(there, now, Box((0, 0), (8, 8)))
    job = CountDifferences(preview, Box((0, 4), (8, 8)))
    found = drain(job.run())
    assert (found.there, found.now, found.both) == (1, 0, 1)
