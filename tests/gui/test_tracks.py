"""A time-lapse in a real window: objects are followed, and ids corrected over time."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from napari.layers import Tracks
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from skimage.draw import disk

from napari_unet.annotation.origins import parents_of
from napari_unet.annotation.provenance import Provenance
from napari_unet.gui.panels.correct import CorrectPanel

UNDO, REDO = "Ctrl+Z", "Ctrl+Shift+Z"
FIRST, SECOND = (24, 24), (24, 72)
"""Where the first object is, and the second, in all frames."""

DAUGHTERS = (64, 56), (64, 76)
MOTHER = (64, 66)


def frames(*, stays: bool = True) -> np.ndarray:
    """Four frames: two objects that stay, and one that divides before the third."""
    pixels = np.zeros((4, 96, 96), np.uint8)
    for number, frame in enumerate(pixels):
        for place in (FIRST, SECOND) if stays else (FIRST,):
            frame[disk(place, 9)] = 200
        if number < 2:
            frame[disk(MOTHER, 11)] = 200
        else:
            for place in DAUGHTERS:
                frame[disk(place, 8)] = 200
    return pixels


class Lapse:
    """A window with a time-lapse, predicted; mouse and keys are those of a person."""

    def __init__(self, stage, drag, press_key, **options):
        self.stage, self._drag, self._press_key = stage, drag, press_key
        options = {"name": "lapse", "metadata": {"axes": "TYX"}, **options}
        self.image = stage.open(frames(), **options)
        stage.predict()
        self.look_at(0)

    @property
    def panel(self) -> CorrectPanel:
        return self.stage.panel(CorrectPanel)

    @property
    def layer(self) -> Tracks | None:
        found = [x for x in self.stage.viewer.layers if isinstance(x, Tracks)]
        return found[0] if found else None

    @property
    def message(self) -> str:
        return self.stage.state.message

    @property
    def problem(self) -> str:
        found = self.stage.state.problems.get("correct")
        return found.text if found else ""

    def ids(self, place) -> list[int]:
        return np.asarray(self.stage.annotation.labels)[:, *place].tolist()

    def look_at(self, frame: int) -> None:
        self.stage.viewer.dims.set_current_step(0, frame)

    def press(self, keys: str) -> None:
        self._press_key(self.stage.viewer, keys)

    def click(self, *places) -> None:
        for place in places:
            self._drag(self.stage.viewer, self.stage.labels, [place])

    def pick(self, place) -> None:
        self.press("5")
        self.click(place)

    def button(self, widget) -> None:
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def follow(self) -> None:
        self.press("Shift+F")
        self.until_followed()

    def until_followed(self) -> None:
        self.stage.until(lambda: self.stage.state.following.progress is None)

    def until_shown(self, parents: dict[int, int]) -> None:
        wanted = {child: [parent] for child, parent in parents.items()}
        self.stage.until(lambda: self.layer and self.layer.graph == wanted)


@pytest.fixture
def lapse(stage, drag, press_key):
    pytest.importorskip("laptrack")
    made = Lapse(stage, drag, press_key, scale=(1, 0.5, 0.5), translate=(0, 3, 4))
    yield made
    made.stage = None


def test_objects_are_followed_as_one_step_and_drawn(lapse):
    before = np.array(lapse.stage.annotation.labels)
    assert lapse.panel.over_time.isVisible()
    assert lapse.ids(FIRST)[0] != lapse.ids(FIRST)[1]
    lapse.follow()
    one, two = lapse.ids(FIRST), lapse.ids(SECOND)
    assert one == one[:1] * 4
    assert two == two[:1] * 4
    mother, daughters = lapse.ids(MOTHER)[0], [lapse.ids(p)[2] for p in DAUGHTERS]
    parents = dict.fromkeys(daughters, mother)
    assert parents_of(lapse.stage.annotation.origins) == parents
    assert "1 division" in lapse.message
    assert not (lapse.stage.annotation.provenance > Provenance.PREDICTED).any()
    lapse.until_shown(parents)
    assert np.allclose(lapse.layer.scale, lapse.image.scale)
    assert np.allclose(lapse.layer.translate, lapse.image.translate)
    middle = lapse.layer.data[lapse.layer.data[:, 0] == one[0]]
    assert np.allclose(middle[:, 2:], FIRST, atol=0.5)
    assert lapse.stage.viewer.layers.selection.active is lapse.stage.labels
    lapse.image.translate = (0, 7, 7)
    assert np.allclose(lapse.layer.translate, (0, 7, 7))
    lapse.press(UNDO)
    assert (np.asarray(lapse.stage.annotation.labels) == before).all()
    assert "ids over time" in lapse.message
    lapse.until_shown({})
    lapse.press(REDO)
    assert lapse.ids(FIRST) == one
    lapse.until_shown(parents)
    lapse.button(lapse.panel.over_time.paths)
    assert lapse.layer is None
    lapse.button(lapse.panel.over_time.paths)
    lapse.until_shown(parents)
    lapse.follow()
    assert "already" in lapse.message
    lapse.stage.viewer.layers.remove(lapse.image)
    lapse.stage.until(lambda: lapse.layer is None)
    assert not lapse.stage.state.following.shown


def test_ids_of_verified_objects_stay_and_the_others_go_with_them(lapse, monkeypatch):
    before = np.array(lapse.stage.annotation.labels)
    lapse.stage.session.following.start()
    assert lapse.stage.state.following.progress is not None
    lapse.stage.session.following.cancel()
    lapse.until_followed()
    assert "as they were" in lapse.message
    assert (np.asarray(lapse.stage.annotation.labels) == before).all()
    lapse.look_at(2)
    lapse.pick(SECOND)
    lapse.press("Shift+O")
    own = lapse.ids(SECOND)[2]
    lapse.button(lapse.panel.over_time.follow)
    lapse.until_followed()
    assert lapse.ids(SECOND) == [own] * 4
    monkeypatch.setattr("napari_unet.tracking.follow.find_spec", lambda _: None)
    over_time = lapse.panel.over_time
    assert not over_time.follow.isEnabled()
    assert "[tracking]" in over_time.follow.toolTip()
    assert over_time.paths.isEnabled()


def test_what_a_person_says_of_ids(lapse):
    lapse.follow()
    one, two = lapse.ids(FIRST)[0], lapse.ids(SECOND)[0]
    lapse.look_at(2)
    lapse.press("Shift+X")
    assert lapse.panel.edits["swap ids"].isChecked()
    lapse.click(FIRST, SECOND)
    assert lapse.ids(FIRST) == [one, one, two, two]
    assert lapse.message.startswith("Swapped")
    lapse.press(UNDO)
    assert lapse.ids(FIRST) == [one] * 4
    lapse.press("Escape")
    lapse.look_at(1)
    lapse.pick(SECOND)
    lapse.button(lapse.panel.edits["cut track"])
    assert lapse.ids(SECOND)[1:] != [two] * 3
    assert lapse.ids(SECOND)[0] == two
    lapse.look_at(0)
    lapse.pick(SECOND)
    lapse.look_at(1)
    lapse.press("Shift+J")
    lapse.click(SECOND)
    assert lapse.ids(SECOND) == [two] * 4
    lapse.press("Shift+J")
    assert lapse.stage.bench.tools.lines.tool == ""
    # No automatic division is as one that a person has seen.
    lapse.look_at(1)
    lapse.pick(MOTHER)
    mother = lapse.ids(MOTHER)[1]
    lapse.look_at(2)
    lapse.press("Shift+D")
    lapse.click(*DAUGHTERS)
    assert lapse.message.startswith("The division is recorded.")
    origins = lapse.stage.annotation.origins
    daughters = [lapse.ids(place)[2] for place in DAUGHTERS]
    assert all(origins[each].stated for each in daughters)
    lapse.until_shown(dict.fromkeys(daughters, mother))
    lapse.click(FIRST, FIRST)
    assert "Draw from one object to another" in lapse.problem


def test_divisions_survive_a_restart_and_are_exported(stage, drag, press_key, tmp_path):
    pytest.importorskip("laptrack")
    path = tmp_path / "lapse.tif"
    tifffile.imwrite(path, frames(), imagej=True, metadata={"axes": "TYX"})
    open_file = {"path": str(path), "plugin": "napari"}
    layer = stage.viewer.open(**open_file)[0]
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert stage.state.image.axes == "TYX"
    stage.predict()
    press_key(stage.viewer, "Shift+F")
    stage.until(lambda: stage.annotation.origins)
    parents = parents_of(stage.annotation.origins)
    labels = np.array(stage.annotation.labels)
    exporting = stage.session.exporting
    for name in ("fiji", "csv"):
        exporting.choose(name, wanted=False)
    for name in ("ctc", "tracks"):
        exporting.choose(name, wanted=True)
    exporting.start()
    stage.until(lambda: stage.state.exporting.progress is None)
    folder = stage.state.exporting.folder
    table = np.loadtxt(folder / "lapse tracks.ctc" / "res_track.txt", int)
    assert {row[0]: row[3] for row in table.tolist() if row[3]} == parents
    mask = tifffile.imread(folder / "lapse tracks.ctc" / "mask003.tif")
    assert (mask == labels[3]).all()
    rows = np.genfromtxt(folder / "lapse.tracks.csv", int, delimiter=",", names=True)
    assert {r["id"]: r["parent"] for r in rows if r["parent"]} == parents
    stage.viewer.layers.remove(layer)
    stage.until(lambda: not stage.session.images.all)
    stage.viewer.layers.clear()
    stage.viewer.open(**open_file)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert (np.asarray(stage.annotation.labels) == labels).all()
    assert parents_of(stage.annotation.origins) == parents
    press_key(stage.viewer, UNDO)
    assert not stage.annotation.origins
    stage.viewer.layers.clear()
    stage.open(frames(), name="stack", metadata={"axes": "ZYX"})
    stage.predict()
    assert not stage.panel(CorrectPanel).over_time.isVisible()
    for key in ("Shift+F", "Shift+X", "Shift+K"):
        press_key(stage.viewer, key)
        assert "no time-lapse" in stage.state.problems["correct"].text
        stage.session.retract("correct")
