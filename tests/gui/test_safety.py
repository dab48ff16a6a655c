"""Nothing is lost, in a real window: undo after a restart, crashes, projects, locks."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.project import ProjectPanel
from napari_unet.project.layout import LOCK
from napari_unet.project.lock import ProjectLock
from tests.gui.stage import set_stage
from tests.session.brightness import disks
from tests.torture.scene import forget_owner

pytestmark = pytest.mark.qt_smoke


def crash(stage):
    """End the program as kill -9 does: nothing is flushed, saved or let go."""
    bench = stage.bench
    bench._timer.stop()
    bench.session.images.finish_all = list
    bench.session._store.finish = list
    for image in bench.session.images:
        image.saving.start = lambda: None
        image.annotation.listener = None
        image.project.close = lambda: None
        forget_owner(image.project.folder)
    bench.layers.close = lambda: None
    stage.viewer.close()


def paint(stage, drag, points, label):
    layer = stage.labels
    layer.mode, layer.brush_size, layer.selected_label = "paint", 5, label
    stage.viewer.layers.selection.active = layer
    drag(stage.viewer, layer, points)


def start_again(make_napari_viewer, bright):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    return set_stage(viewer, bright)


def test_a_stroke_survives_a_crash_and_can_be_undone(
    stage, drag, press_key, make_napari_viewer, bright, unfiled
):
    stage.open(disks(), name="disks")
    stage.predict()
    before = np.array(stage.annotation.labels)
    paint(stage, drag, [(60, 60), (60, 80)], 77)
    painted = np.array(stage.annotation.labels)
    assert (painted == 77).sum() > 50
    provenance = stage.annotation.provenance.copy()
    crash(stage)

    again = start_again(make_napari_viewer, bright)
    again.open(disks(), name="disks")
    assert (again.annotation.labels == painted).all()
    assert (again.annotation.provenance == provenance).all()
    panel = again.panel(ProjectPanel)
    assert panel.recovered.isVisible()
    assert "Recovered after a crash" in panel.recovered.words.text()
    panel.recovered.read.click()
    assert not again.panel(ProjectPanel).recovered.isVisible()
    press_key(again.viewer, "Ctrl+Z")
    assert (again.annotation.labels == before).all()
    press_key(again.viewer, "Ctrl+Shift+Z")
    assert (again.annotation.labels == painted).all()
    assert (again.annotation.provenance == provenance).all()


def test_the_time_of_the_last_save_and_what_is_on_the_disk_are_shown(stage, drag):
    stage.open(disks(), name="disks")
    stage.predict()
    paint(stage, drag, [(60, 60), (60, 80)], 77)
    stage.until(lambda: "Saved" in stage.panel(ProjectPanel).saved.text())
    paint(stage, drag, [(20, 60), (20, 80)], 78)
    stage.until(lambda: "on the disk" in stage.panel(ProjectPanel).saved.text())


def test_a_project_that_is_open_elsewhere_is_read_only(stage, unfiled, tmp_path):
    folder = unfiled / "disks.unet"
    folder.mkdir(parents=True)
    other = ProjectLock(folder)
    other.acquire()
    stage.open(disks(), name="disks")
    stage.predict()
    assert "open elsewhere" in stage.panel(ProjectPanel).failure.text()
    assert not stage.labels.editable
    assert not stage.panel(CorrectPanel).edits["accept view"].isEnabled()
    assert [path.name for path in folder.iterdir()] == [LOCK]
    image, layer = stage.session.images.current, stage.labels
    stage.session.save_to(tmp_path / "mine.unet")
    stage.until(lambda: stage.labels.editable)
    stage.until(lambda: (tmp_path / "mine.unet" / "project.json").exists())
    stage.session.images.look_again()
    assert stage.session.images.current is image
    assert stage.labels is layer
    other.release()


def test_what_was_open_elsewhere_can_be_corrected_once_it_is_free(stage, unfiled):
    folder = unfiled / "disks.unet"
    folder.mkdir(parents=True)
    other = ProjectLock(folder)
    other.acquire()
    stage.open(disks(), name="disks")
    assert stage.state.image.read_only
    other.release()
    stage.until(lambda: stage.state.image and stage.state.image.open)
    stage.until(lambda: not stage.state.image.read_only and stage.state.image.open)
    stage.predict()
    assert stage.labels.editable


def test_projects_are_made_opened_and_left(stage, drag, tmp_path):
    stage.open(disks(), name="disks")
    stage.predict()
    paint(stage, drag, [(60, 60), (60, 80)], 77)
    painted = np.array(stage.annotation.labels)
    stage.session.projects.create(tmp_path / "study")
    folder = tmp_path / "study.unet"
    stage.until(lambda: list((folder / "labels").glob("*.tif")))
    assert stage.panel(ProjectPanel).name.text() == "study.unet"
    assert (stage.annotation.labels == painted).all()

    stage.session.projects.leave()
    stage.until(lambda: stage.state.project is None)
    images = stage.session.images
    stage.until(lambda: images.current and images.current.project.folder != folder)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    stage.session.projects.open(folder)
    stage.until(lambda: stage.state.project)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert stage.session.images.current.project.folder == folder
    assert (stage.annotation.labels == painted).all()
    (row,) = [each for each in stage.session.worklist.rows if each.kept]
    assert row.name == "disks"
    assert "no file" in row.why_not


def test_what_is_no_project_is_refused_in_words(stage, tmp_path):
    stage.session.projects.open(tmp_path)
    stage.until(lambda: "project" in stage.state.problems)
    panel = stage.panel(ProjectPanel)
    assert "no project.json" in panel.problem.words.text()
    stage.session.projects.create(tmp_path / "gone" / "study")
    stage.until(
        lambda: "reconnect" in getattr(stage.state.problems.get("project"), "text", "")
    )
