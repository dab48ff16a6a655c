"""The list of objects in a real window: by mouse, by keys, and with the image."""

from __future__ import annotations

import csv
import gc
import weakref
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QFileDialog

from napari_unet.geometry.box import Box
from napari_unet.gui.dock import Objects, SegmentAndCorrect
from napari_unet.gui.napari_private import canvas_of
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.object_list import ObjectList
from napari_unet.gui.panels.objects import ObjectsPanel
from napari_unet.measurements import measure_objects
from tests.gui.stage import Stage, set_stage
from tests.session.brightness import classes_model, disks

pytestmark = pytest.mark.qt_smoke
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHAPE = (192, 256)


@dataclass
class Listed:
    """A stage with the list of objects of its image."""

    stage: Stage

    @property
    def dock(self) -> Objects:
        found = self.stage.dock.window().findChildren(Objects)
        assert len(found) == 1
        return found[0]

    @property
    def panel(self) -> ObjectsPanel:
        (panel,) = self.dock.shown
        panel.show_state(self.stage.state)
        return panel

    @property
    def list(self) -> ObjectList:
        return self.panel.list

    @property
    def ids(self) -> list[int]:
        """The ids from the first row to the last."""
        return self.list.rows.table["id"][self.list.rows.order].tolist()

    @property
    def chosen(self) -> set[int]:
        """The ids of the rows that are selected."""
        return set(self.list.rows.table["id"][self.list.chosen].tolist())

    def column(self, name: str) -> int:
        return [each.name for each in self.list.rows.columns].index(name)

    def click_row(self, object_id: int, modifier: Any = NONE) -> None:
        index = self.list.rows.index(self.ids.index(object_id), 1)
        self.list.scrollTo(index)
        middle = self.list.visualRect(index).center()
        QTest.mouseClick(self.list.viewport(), LEFT, modifier, middle)
        QApplication.processEvents()

    def click_header(self, name: str) -> None:
        top = self.list.horizontalHeader()
        number = self.column(name)
        self.list.scrollTo(self.list.rows.index(0, number))
        x = top.sectionViewportPosition(number) + 12
        QTest.mouseClick(top.viewport(), LEFT, NONE, QPoint(x, top.height() // 2))
        QApplication.processEvents()

    def measured(self) -> None:
        """Wait until what is there now is in the list."""
        measuring = self.stage.session.measuring
        image = self.stage.session.images.current

        def done() -> bool:
            known = measuring._measured[:2] == (image, image.annotation.revision)
            return measuring.table is not None and known and measuring._job is None

        self.stage.until(done)
        QApplication.processEvents()


def open_list(stage: Stage) -> Listed:
    stage.panel(CorrectPanel).objects.click()
    QTest.qWait(50)
    listed = Listed(stage)
    listed.measured()
    return listed


@pytest.fixture
def listed(stage: Stage) -> Listed:
    """Disks, a few of them faint, and their list."""
    stage.open(disks(SHAPE), name="disks")
    stage.predict()
    return open_list(stage)


def in_sight(stage: Stage, box: Box) -> bool:
    """Whether a box is in sight, and fills about a quarter of it."""
    seen = stage.bench.layers.visible_box()
    share = max(box.shape[axis] / seen.shape[axis] for axis in (-2, -1))
    return seen.contains(box) and 0.2 < share < 0.7


def test_the_button_opens_one_list_and_no_other(listed):
    stage, dock = listed.stage, listed.dock
    assert stage.viewer.window.dock_widgets["Objects (U-Net)"] is dock
    stage.panel(CorrectPanel).objects.click()
    assert listed.dock is dock
    outer = dock.parentWidget()
    assert isinstance(outer, QDockWidget)
    outer.hide()
    stage.panel(CorrectPanel).objects.click()
    assert listed.dock is dock
    assert dock.isVisible()
    listed.measured()
    assert listed.panel.summary.text().startswith("48 objects, 0 verified, median")


def test_closing_the_list_stops_measuring(listed):
    stage, measuring = listed.stage, listed.stage.session.measuring
    listed.dock.parentWidget().hide()
    assert measuring.table is None
    assert measuring._watchers == set()
    stage.panel(CorrectPanel).objects.click()
    listed.measured()
    stage.viewer.window.remove_dock_widget(listed.dock)
    assert measuring.table is None
    assert measuring._watchers == set()
    stage.panel(CorrectPanel).objects.click()
    QTest.qWait(50)
    listed.measured()
    assert len(listed.ids) == 48


def test_a_header_sorts_numbers_as_numbers(listed):
    listed.click_header("id")
    assert listed.ids == list(range(1, 49))
    listed.click_header("id")
    assert listed.ids == list(range(48, 0, -1))
    assert listed.list.horizontalHeader().isSortIndicatorShown()
    by_certainty = np.argsort(listed.list.rows.table["confidence"], kind="stable") + 1
    listed.click_header("id")
    assert listed.ids == by_certainty.tolist()
    assert not listed.list.horizontalHeader().isSortIndicatorShown()
    listed.click_header("mean")
    means = listed.list.rows.table["mean"][listed.list.rows.order]
    assert (np.diff(means) >= 0).all()


def test_headers_say_what_columns_are(listed):
    rows = listed.list.rows
    for section in range(rows.columnCount()):
        tip = rows.headerData(
            section, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
        )
        assert len(tip) >= 15
    title = rows.headerData(listed.column("area"), Qt.Orientation.Horizontal)
    assert title == "area (px)"


def test_a_click_goes_to_an_object_and_takes_its_label(listed):
    stage, table = listed.stage, listed.list.rows.table
    listed.click_header("id")
    for object_id in (1, 30, 48):
        listed.click_row(object_id)
        row = int(np.flatnonzero(table["id"] == object_id)[0])
        assert in_sight(stage, table.box(row))
        assert stage.labels.selected_label == object_id
        assert listed.chosen == {object_id}


def test_arrows_go_from_object_to_object_and_other_keys_to_the_canvas(listed):
    stage = listed.stage
    listed.click_header("id")
    listed.click_row(5)
    holder = stage.dock.window().focusWidget()
    assert holder is listed.list
    QTest.keyClick(holder, Qt.Key.Key_Down)
    assert stage.labels.selected_label == 6
    assert stage.dock.window().focusWidget() is listed.list
    QTest.keyClick(holder, Qt.Key.Key_2)
    assert stage.dock.window().focusWidget() is canvas_of(stage.viewer)
    assert stage.labels.mode == "paint"


def test_several_rows_may_be_selected(listed):
    listed.click_header("id")
    listed.click_row(2)
    listed.click_row(4, Qt.KeyboardModifier.ShiftModifier)
    assert listed.chosen == {2, 3, 4}
    listed.click_row(7, Qt.KeyboardModifier.ControlModifier)
    assert listed.chosen == {2, 3, 4, 7}
    listed.click_row(3, Qt.KeyboardModifier.ControlModifier)
    assert listed.chosen == {2, 4, 7}
    listed.click_row(3, Qt.KeyboardModifier.ControlModifier)
    listed.click_header("mean")
    assert listed.chosen == {2, 3, 4, 7}
    everything, some = listed.panel.histogram.counts
    assert (everything.sum(), some.sum()) == (48, 4)


def test_an_object_that_is_picked_shows_its_row_and_nothing_moves(listed, click):
    stage = listed.stage
    before = stage.bench.layers.visible_box()
    stage.labels.mode = "pick"
    click(stage.viewer, stage.labels, (144, 208))
    label = int(stage.labels.data[144, 208])
    assert stage.labels.selected_label == label > 1
    assert listed.chosen == {label}
    place = listed.list.rows.index(listed.ids.index(label), 0)
    shown = listed.list.viewport().rect()
    assert shown.intersects(listed.list.visualRect(place))
    assert stage.bench.layers.visible_box() == before
    listed.list.choose(np.arange(0))
    stage.labels.selected_label = 1
    stage.labels.selected_label = label
    assert listed.chosen == {label}
    QTest.keyClick(listed.list, Qt.Key.Key_Up)
    assert stage.labels.selected_label == listed.ids[listed.ids.index(label) - 1]


def test_what_is_painted_and_accepted_comes_into_the_list(listed, drag):
    stage = listed.stage
    listed.click_row(9)
    stage.viewer.reset_view()
    stage.labels.mode, stage.labels.selected_label = "paint", 60
    stage.labels.brush_size = 4
    drag(stage.viewer, stage.labels, [(32, 120), (32, 136)])
    listed.measured()
    assert 60 in listed.ids
    assert listed.chosen == {9}
    stage.bench.tools.use("accept view")
    listed.measured()
    assert listed.list.rows.table["verified"].all()
    verified = listed.list.rows.index(0, listed.column("verified"))
    assert listed.list.rows.data(verified) == "✓ yes"


def test_what_is_verified_goes_to_the_end(listed):
    first, *_, last = listed.ids
    listed.stage.labels.selected_label = first
    listed.stage.bench.tools.use("accept object")
    listed.measured()
    assert listed.ids[-1] == first
    assert listed.ids[-2] == last
    assert "1 verified" in listed.panel.summary.text()


def test_a_range_of_the_histogram_selects_rows(listed):
    panel = listed.panel
    listed.click_header("mean")
    table = listed.list.rows.table
    low, high = np.quantile(table["mean"], [0.3, 0.6])
    box = panel.histogram.plot.getViewBox()
    y = box.viewRect().center().y()

    def at(value):
        scene = box.mapViewToScene(QPointF(value, y))
        return panel.histogram.plot.mapFromScene(scene)

    viewport = panel.histogram.plot.viewport()
    ends = at(low), at(high)
    QTest.mousePress(viewport, LEFT, NONE, ends[0])
    for step in np.linspace(0, 1, 6):
        x = round(ends[0].x() + step * (ends[1].x() - ends[0].x()))
        _drag_to(viewport, QPoint(x, ends[0].y()))
    QTest.mouseRelease(viewport, LEFT, NONE, ends[1])
    width = 2 * box.viewPixelSize()[0]
    means = {int(i): float(m) for i, m in zip(table["id"], table["mean"], strict=True)}
    assert {i for i, m in means.items() if low + width < m < high - width} <= (
        listed.chosen
    )
    assert all(low - width <= means[i] <= high + width for i in listed.chosen)
    assert 0 < len(listed.chosen) < 48
    QTest.qWait(QApplication.doubleClickInterval())
    QTest.mouseClick(viewport, LEFT, NONE, at(high))
    assert listed.chosen == set()


def _drag_to(viewport, point):
    """Move with the button down, of which QTest's own moves do not tell."""
    where = QPointF(point), QPointF(viewport.mapToGlobal(point))
    event = QMouseEvent(QEvent.Type.MouseMove, *where, LEFT, LEFT, NONE)
    QApplication.sendEvent(viewport, event)
    QTest.qWait(20)


def test_the_file_has_what_is_shown(listed, tmp_path, monkeypatch):
    path = tmp_path / "objects.csv"
    asked = []

    def ask(_panel, *arguments):
        asked.append(arguments)
        return str(path), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    listed.click_header("id")
    listed.click_header("id")
    QTest.mouseClick(listed.panel.export, LEFT)
    listed.stage.until(path.exists)
    listed.stage.until(lambda: listed.stage.state.measured.saved)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == listed.ids == list(range(48, 0, -1))
    assert float(rows[0]["area_px"]) == listed.list.rows.table["area"][47]
    assert listed.panel.summary.text() == "Saved 48 rows in objects.csv."
    assert "disks objects.csv" in asked[0]
    before, path = path.read_bytes(), path.with_suffix("")
    QTest.mouseClick(listed.panel.export, LEFT)
    listed.stage.until(lambda: "objects" in listed.stage.state.problems)
    assert "is there already" in listed.panel.problem.words.text()
    path = path.with_suffix(".csv")
    assert path.read_bytes() == before
    path.rename(tmp_path / "other.csv")
    path = path.with_suffix("")
    QTest.mouseClick(listed.panel.export, LEFT)
    listed.stage.until((tmp_path / "objects.csv").exists)
    path = tmp_path / "objects.csv"
    listed.stage.until(lambda: listed.stage.state.measured.saved)
    path.unlink()
    path.mkdir()
    QTest.mouseClick(listed.panel.export, LEFT)
    listed.stage.until(lambda: "objects" in listed.stage.state.problems)
    assert "could not be written" in listed.panel.problem.words.text()
    assert not listed.panel.problem.isHidden()
    assert not listed.stage.state.measured.saved


def test_without_objects_it_says_so(stage):
    stage.panel(CorrectPanel).objects.click()
    QTest.qWait(50)
    listed = Listed(stage)
    assert "Choose an image" in listed.panel.hint.text()
    assert listed.panel.hint.isVisible()
    stage.open(disks(SHAPE), name="disks")
    assert "no labels yet" in listed.panel.hint.text()
    stage.session.models.timeline.publish(classes_model())
    stage.until(lambda: stage.state.image and stage.state.image.task == "classes")
    stage.predict()
    assert "no objects here to list, but classes" in listed.panel.hint.text()
    assert not listed.panel.export.isEnabled()


def test_the_labels_may_be_deleted_and_another_image_chosen(listed):
    stage, first = listed.stage, listed.stage.bench.layers.images.chosen
    stage.viewer.layers.remove(stage.labels)
    stage.until(lambda: stage.session.measuring.table is None)
    assert "labels are not shown" in listed.panel.hint.text()
    stage.open(disks(SHAPE, pitch=64), name="other")
    stage.until(lambda: stage.state.image and stage.state.image.name == "other")
    stage.predict()
    listed.measured()
    assert len(listed.ids) == 12
    stage.viewer.layers.selection.active = first
    stage.predict()
    listed.measured()
    assert len(listed.ids) == 48
    stage.viewer.layers.clear()
    stage.until(lambda: stage.session.measuring.table is None)
    assert "Choose an image" in listed.panel.hint.text()


def test_frames_of_a_time_lapse_are_gone_to(stage):
    series = np.stack([disks((96, 96)), disks((96, 96), pitch=48), disks((96, 96))])
    stage.open(series, name="series", metadata={"axes": "TYX"})
    stage.predict()
    listed = open_list(stage)
    table = listed.list.rows.table
    row = int(np.flatnonzero(table["frame"] == 2)[3])
    place = int(np.flatnonzero(listed.list.rows.order == row)[0])
    listed.list.setCurrentIndex(listed.list.rows.index(place, 0))
    assert stage.viewer.dims.current_step[0] == 2
    assert in_sight(stage, Box((2, *table.box(row).start[1:]), table.box(row).stop))
    stage.viewer.dims.set_point(0, 0)
    here = int(np.flatnonzero(table["frame"] == 0)[0])
    stage.labels.selected_label = int(table["id"][here])
    assert listed.list.chosen.tolist() == [here]


def test_two_windows_have_a_list_each(make_napari_viewer, bright, unfiled):
    stages = []
    for pitch in (32, 64):
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1200, 800)
        stages.append(set_stage(viewer, bright))
        stages[-1].open(disks(SHAPE, pitch=pitch), name=f"disks {pitch}")
        stages[-1].predict()
    lists = [open_list(stage) for stage in stages]
    assert [len(each.ids) for each in lists] == [48, 12]
    lists[0].click_row(7)
    assert stages[0].labels.selected_label == 7
    assert stages[1].labels.selected_label != 7
    assert lists[1].chosen == set()
    for stage in stages:
        stage.viewer = stage.dock = None


def test_a_list_that_is_closed_is_gone(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    dock = SegmentAndCorrect(viewer)
    viewer.window.add_dock_widget(dock)
    objects = Objects(viewer)
    viewer.window.add_dock_widget(objects)
    QTest.qWait(50)
    measuring = dock.bench.session.measuring
    assert len(measuring._watchers) == 1
    viewer.window.remove_dock_widget(objects)
    assert measuring._watchers == set()
    there = weakref.ref(objects.shown[0])
    del objects
    QTest.qWait(50)
    gc.collect()
    assert there() is None
    measuring.changed.emit()


@pytest.fixture
def many(qapp):
    """A list without a window, of 100,000 objects of a pixel each."""
    labels = np.zeros((1000, 1000), np.int32)
    labels[::2, ::5] = np.arange(1, 100_001).reshape(500, 200)
    grey = np.random.default_rng(0).random(labels.shape)
    table = measure_objects(labels, "YX", image=grey)
    listed = ObjectList()
    listed.show_table(table)
    yield listed, table
    listed.deleteLater()


def test_a_hundred_thousand_rows_are_sorted_and_selected(many):
    listed, table = many
    header = next(each.header for each in table.columns if each.name == "mean")
    assert listed.rows.rowCount() == 100_000
    listed.sort_by((header, True))
    means = table["mean"][listed.rows.order]
    assert (np.diff(means) <= 0).all()
    inside = np.flatnonzero(table["mean"] > 0.25)
    listed.choose(inside)
    assert np.array_equal(np.sort(listed.chosen), inside)
    # In another order that is too many pieces for Qt.
    listed.sort_by(("id", False))
    assert len(listed.chosen) == 0


def test_a_table_with_the_same_rows_replaces_numbers_alone(many):
    listed, table = many
    listed.choose(np.array([5, 6]))
    resets = []
    listed.rows.modelReset.connect(lambda: resets.append(1))
    listed.show_table(replace(table))
    assert resets == []
    assert listed.chosen.tolist() == [5, 6]
