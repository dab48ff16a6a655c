"""The main job in a real window: predict, paint, undo, fine-tune, close, come back."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.core.apart import Process
from napari_unet.geometry.box import Box
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.session.finetune import TrainRound
from tests.gui.stage import set_stage
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke


class Pulse:
    """A 10 ms timer on the Qt thread that measures its own delays."""

    def __init__(self):
        self.longest = 0.0
        self._last = time.monotonic()
        self._timer = QTimer()
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self):
        now = time.monotonic()
        self.longest = max(self.longest, now - self._last)
        self._last = now

    def stop(self):
        self._timer.stop()


@pytest.mark.qt_every
def test_the_whole_story(stage, drag, press_key, monkeypatch):
    begun = []

    def watched(process, job):
        begun.append(type(job))
        begin(process, job)

    begin = Process.begin
    monkeypatch.setattr(Process, "begin", watched)
    stage.open(disks((128, 128), dim=(3, 7, 14)), name="disks")
    stage.predict()
    assert stage.state.image.objects == 13

    layer, annotation = stage.labels, stage.annotation
    layer.mode = "paint"
    layer.brush_size = 7
    new = layer.selected_label
    drag(stage.viewer, layer, [(16, 74), (16, 80), (16, 86)])
    assert (annotation.labels[14:18, 72:88] == new).all()
    assert annotation.provenance[16, 80] == Provenance.CORRECTED
    assert annotation.open_objects == {new}

    press_key(stage.viewer, "Ctrl+Z")
    stage.until(lambda: not annotation.labels[16, 80])
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.PREDICTED)
    press_key(stage.viewer, "Ctrl+Shift+Z")
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.CORRECTED)
    stage.until(lambda: not annotation.open_objects)
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 128))))
    verified = is_verified(annotation.provenance)
    before = annotation.labels[verified].copy()

    pulse = Pulse()
    stage.session.finetune(10)
    curve = stage.panel(FinetunePanel).curve
    stage.until(lambda: len(curve._losses) > 2)
    drag(stage.viewer, layer, [(80, 70), (80, 76), (84, 80)])
    stage.session.training.stop()
    stage.until(lambda: not stage.state.training)
    pulse.stop()
    assert pulse.longest < 1.0
    assert set(begun) == {TrainRound}
    assert (annotation.labels[80, 70:76] == new).any()

    stage.predict()
    assert (annotation.labels[verified] == before).all()
    assert is_verified(annotation.provenance)[verified].all()


def test_a_better_model_refreshes_the_prediction(stage, bright_dim):
    stage.open(disks((128, 128), dim=(3, 7, 14)), name="disks")
    stage.predict()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 128))))
    verified = is_verified(stage.annotation.provenance)
    before = stage.annotation.labels[verified].copy()
    stage.choose(bright_dim)
    stage.session.activate_version(1)
    stage.session.activate_version(2)
    stage.until(lambda: stage.state.image.objects == 14)
    assert (stage.annotation.labels[verified] == before).all()
    panel = stage.panel(FinetunePanel)
    assert panel.versions.count() == 2
    panel.versions.setCurrentRow(1)
    panel.use.click()
    assert stage.state.version == 1
    stage.until(lambda: stage.state.image.objects == 13)


def test_a_training_whose_process_dies_leaves_everything_else(stage, monkeypatch):
    processes = []

    def watched(process, job):
        processes.append(process)
        begin(process, job)

    begin = Process.begin
    monkeypatch.setattr(Process, "begin", watched)
    stage.open(disks((128, 128)), name="disks")
    stage.predict()
    stage.session.correcting.do(AcceptView(Box((0, 0), (128, 128))))
    labels = stage.annotation.labels.copy()
    curve = stage.panel(FinetunePanel).curve
    stage.session.finetune(10)
    stage.until(lambda: len(curve._losses) > 0)
    processes[0]._popen.kill()
    stage.until(lambda: stage.state.problems.get("finetune"))
    assert "has died" in stage.state.problems["finetune"].text
    assert stage.state.training is None
    assert (stage.annotation.labels == labels).all()
    stage.session.finetune(10)
    stage.until(lambda: len(processes) == 2 and len(curve._losses) > 0)
    assert "finetune" not in stage.state.problems
    stage.session.training.stop()
    stage.until(lambda: not stage.state.training)


def test_closing_the_window_during_training_ends_cleanly(stage, drag, unfiled):
    stage.open(disks((128, 128)), name="disks")
    stage.predict()
    stage.session.correcting.do(AcceptView(Box((0, 0), (128, 128))))
    stage.session.finetune(10)
    curve = stage.panel(FinetunePanel).curve
    stage.until(lambda: len(curve._losses) > 0)
    annotation = stage.annotation
    stage.labels.mode = "paint"
    drag(stage.viewer, stage.labels, [(32, 60), (32, 64)])
    labels = annotation.labels.copy()
    assert annotation.provenance[32, 62] == Provenance.CORRECTED
    started = time.monotonic()
    stage.viewer.close()
    QTest.qWait(50)
    assert time.monotonic() - started < 6
    assert [t for t in threading.enumerate() if t.name == "napari-unet job"] == []
    assert (unfiled / "disks.unet" / "project.json").exists()
    stage.saved = labels


def test_work_is_here_again_in_the_next_window(
    make_napari_viewer, bright, unfiled, drag
):
    def open_window():
        stage = set_stage(make_napari_viewer(show=True), bright)
        stage.open(disks((128, 128)), name="disks")
        return stage

    first = open_window()
    first.predict()
    first.labels.mode = "paint"
    drag(first.viewer, first.labels, [(32, 60), (32, 64)])
    labels = first.annotation.labels.copy()
    first.viewer.close()
    QTest.qWait(50)

    again = open_window()
    assert "here again" in again.state.message
    assert np.array_equal(again.annotation.labels, labels)
    assert is_verified(again.annotation.provenance[32, 62])
    assert again.viewer.layers.selection.active is again.labels


def test_labels_of_another_program_are_corrected_in_the_dock(stage):
    stage.open(disks((128, 128)), name="disks")
    theirs = np.zeros((128, 128), int)
    theirs[8:24, 8:24], theirs[80:96, 60:76] = 3, 7
    layer = stage.viewer.add_labels(theirs, name="theirs")
    stage.until(lambda: stage.state.target.stranger == "theirs")
    panel = stage.panel(CorrectPanel)
    assert panel.use_labels.isVisibleTo(panel)
    menu = panel.use_labels.menu()
    assert menu.defaultAction().text() == "To be corrected"
    assert [way.text() for way in menu.actions()][1:] == ["As they are: all right"]
    menu.defaultAction().trigger()
    assert (stage.annotation.labels > 0).sum() == (theirs > 0).sum()
    assert (stage.annotation.provenance == Provenance.PREDICTED).all()
    assert stage.viewer.layers.selection.active is stage.labels
    assert not layer.visible
    assert not stage.panel(CorrectPanel).use_labels.isVisibleTo(panel)
    stage.labels.undo()
    assert not stage.annotation.labels.any()
    stage.labels.redo()
    stage.viewer.layers.selection.active = layer
    stage.until(lambda: stage.state.target.stranger == "theirs")
    menu.actions()[1].trigger()
    stage.until(lambda: "as if you had painted them" in stage.state.message)
    stage.predict()
    assert "Found" in stage.state.message
