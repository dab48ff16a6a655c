"""What becomes of a training when its layers go, change their names or their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import is_verified
from napari_unet.geometry.box import Box
from napari_unet.session.training import ROUND_SECONDS
from tests.gui.desk import Desk
from tests.runners import ManualRunner
from tests.session.test_finetune import Engine, steps

WHOLE = Box.whole((32, 40))


class Lesson:
    """A viewer in which a training has begun, on an image with accepted labels."""

    def __init__(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.runner = ManualRunner()
        self.desk = Desk(model, self.runner)
        self.desk.session._hub.clock = self.clock
        self.engine = Engine(steps(0.6, 0.6), steps(0.7, start=0.6))
        monkeypatch.setattr("napari_unet.learning.iter_fit", self.engine)
        self.layer = self.desk.add(name="cells")
        self.run()
        self.desk.session.predict()
        self.run()
        self.desk.session.correcting.do(AcceptView(WHOLE))
        self.labels = self.desk.image.annotation.labels.copy()
        self.desk.session.finetune(5)
        while not self.engine.rounds:
            self.runner.step()

    def clock(self) -> float:
        self.now += 1e-4
        return self.now

    @property
    def state(self) -> Any:
        return self.desk.session.state

    @property
    def versions(self) -> list[str]:
        """Models after the first, without the project that they are from."""
        texts = [version.text for version in self.state.versions[1:]]
        return [text.removesuffix(" · cells") for text in texts]

    def run(self) -> None:
        for _ in range(1000):
            self.runner.run()
            self.desk.session.tick()
            if not self.state.predicting and not self.runner.jobs:
                return
        raise AssertionError("it does not come to an end")

    def correct(self, label: int) -> None:
        """Paint, so that the next round begins when it may."""
        layer, image = self.desk.labels, self.desk.image
        layer.data[0, :2] = label
        image.annotation.notice_change(WHOLE)
        self.desk.session.note_edit(image)
        self.now += ROUND_SECONDS


@pytest.fixture
def lesson(
    qapp: Any, unfiled: Path, bright: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lesson]:
    lesson = Lesson(bright, monkeypatch)
    yield lesson
    lesson.runner.run()
    lesson.desk.close()


def rename(lesson: Lesson) -> None:
    lesson.layer.name = "renamed"
    lesson.desk.labels.name = "renamed labels"


def remove_labels(lesson: Lesson) -> None:
    lesson.desk.viewer.layers.remove(lesson.desk.labels)


def remove_image(lesson: Lesson) -> None:
    lesson.desk.viewer.layers.remove(lesson.layer)


def remove_all(lesson: Lesson) -> None:
    lesson.desk.viewer.layers.clear()


def replace_pixels(lesson: Lesson) -> None:
    lesson.layer.data = lesson.desk.pixels("YX")


def duplicate(lesson: Lesson) -> None:
    viewer, labels = lesson.desk.viewer, lesson.desk.labels
    viewer.add_layer(Labels(labels.data.copy(), name="copy of the labels"))
    viewer.layers.selection.active = labels


def reorder(lesson: Lesson) -> None:
    lesson.desk.viewer.layers.reverse()


def hide(lesson: Lesson) -> None:
    for layer in lesson.desk.viewer.layers:
        layer.visible = False


def move(lesson: Lesson) -> None:
    lesson.layer.scale, lesson.layer.translate = (2.0, 0.5), (7.0, -3.0)
    assert tuple(lesson.desk.labels.scale) == (2.0, 0.5)


GOING = [remove_image, remove_all, replace_pixels]
STAYING = [rename, remove_labels, duplicate, reorder, hide, move]
CHANGES = [*GOING, *STAYING]


@pytest.mark.parametrize("change", CHANGES)
def test_a_round_goes_on_with_its_copy(lesson: Lesson, change: Callable[..., None]):
    pixels = lesson.layer.data.copy()
    change(lesson)
    lesson.run()
    assert "finetune" not in lesson.state.problems
    assert lesson.versions == ["round 1: 0.50 → 0.60"]
    ((_, (sample,), *_),) = lesson.engine.rounds
    assert np.array_equal(sample.image, pixels)
    assert np.array_equal(sample.labels, lesson.labels)
    assert sample.verified.all()


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_corrected_before_is_saved_and_comes_back(
    lesson: Lesson, change: Callable[..., None]
):
    source = lesson.layer.data
    lesson.correct(77)
    change(lesson)
    lesson.run()
    assert "finetune" not in lesson.state.problems
    assert lesson.versions[0] == "round 1: 0.50 → 0.60"
    assert all(samples for _, samples, *_ in lesson.engine.rounds)
    # The layer again, or another one of the same pixels.
    lesson.desk.viewer.layers.clear()
    lesson.desk.viewer.add_image(source, name="cells")
    lesson.run()
    annotation = lesson.desk.image.annotation
    assert (annotation.labels[0, :2] == 77).all()
    assert is_verified(annotation.provenance).all()


@pytest.mark.parametrize("change", STAYING)
def test_the_next_round_learns_from_labels_whatever_became_of_their_layer(
    lesson: Lesson, change: Callable[..., None]
):
    lesson.correct(77)
    change(lesson)
    lesson.run()
    assert lesson.versions == ["round 1: 0.50 → 0.60", "round 2: 0.60 → 0.70"]
    before, after = (sample for _, (sample,), *_ in lesson.engine.rounds)
    assert (after.labels[0, :2] == 77).all()
    assert not (before.labels == 77).any()
