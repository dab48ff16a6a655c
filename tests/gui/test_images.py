"""The list of images in the window: one image on screen, and a thousand in the list."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_unet.annotation.stage import Stage
from napari_unet.gui.panels.image_list import ImageList
from napari_unet.gui.panels.images import ImagesPanel, in_words
from napari_unet.session.session import Session
from napari_unet.session.worklist.entry import Entry
from tests.runners import ManualRunner
from tests.session.brightness import disks


@pytest.fixture
def plate(tmp_path):
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in range(4):
        image = disks()
        image[-1, -1] = number
        tifffile.imwrite(folder / f"well{number}.tif", image)
    return folder


def click_row(panel: ImagesPanel, place: int) -> None:
    rows = panel.list
    where = rows.visualRect(rows.rows.index(place, 0)).center()
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=where)


def names(stage) -> list[str]:
    return [layer.name for layer in stage.viewer.layers]


def shown(stage) -> list[str]:
    return [layer.name for layer in stage.viewer.layers if layer.visible]


def arrive(stage, name: str) -> None:
    stage.until(lambda: stage.state.image and stage.state.image.name == name)
    stage.until(lambda: stage.state.image.open)


def test_one_image_is_on_screen_and_others_leave(stage, plate, press_key):
    own = stage.open(disks((96, 120)), name="own")
    stage.predict()
    panel = stage.panel(ImagesPanel)
    stage.session.worklist.listing.add([plate])
    stage.until(lambda: stage.state.worklist.total == 5)
    panel = stage.panel(ImagesPanel)
    QTest.qWait(50)
    click_row(panel, 0)
    arrive(stage, "well0.tif")
    stage.until(lambda: stage.state.image.has_labels)
    image = stage.session.images.current
    parts = (image.pixels, image.annotation.provenance)
    memory = [weakref.ref(each) for each in parts]
    del image, parts
    assert names(stage) == ["own", "own labels", "well0", "well0 labels"]
    assert shown(stage) == ["well0", "well0 labels"], "it was predicted like the last"
    stage.until(lambda: not stage.state.predicting)
    layer = stage.bench.layers.images.chosen
    layer.contrast_limits = (5, 77)
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.zoom = 9
    press_key(stage.viewer, "Shift+N")
    arrive(stage, "well1.tif")
    stage.until(lambda: stage.state.image.has_labels and not stage.state.predicting)
    assert names(stage) == ["own", "own labels", "well1", "well1 labels"]
    assert stage.bench.layers.images.chosen.contrast_limits == [5, 77]
    assert camera.zoom == pytest.approx(9), "another image of the same size"
    del layer
    stage.until(
        lambda: gc.collect() + 1 and not any(each() is not None for each in memory)
    )
    press_key(stage.viewer, "Shift+B")
    arrive(stage, "well0.tif")
    assert stage.state.image.objects == 20
    QTest.qWait(50)
    click_row(stage.panel(ImagesPanel), 4)
    arrive(stage, "own")
    assert names(stage) == ["own", "own labels"]
    assert shown(stage) == ["own", "own labels"]
    assert own in stage.viewer.layers
    panel = stage.panel(ImagesPanel)
    panel.all.click()
    stage.until(lambda: stage.state.worklist.unseen == 0)
    stage.until(lambda: not stage.state.worklist.batch)
    panel = stage.panel(ImagesPanel)
    assert panel.all.text() == "Predict all"
    stages = [each.work.stage for each in stage.session.worklist.rows]
    assert stages == 5 * [Stage.PREDICTED]


def test_rows_out_of_sight_are_not_looked_at(qtbot, tmp_path):
    session = Session(ManualRunner())
    asked = []
    session.thumbnails.get = lambda path, _: asked.append(path)
    images = ImageList(session)
    qtbot.addWidget(images)
    session.worklist.rows.listed.connect(images.show_rows)
    rows = [
        Entry(path, path.name, path, modified=1.0)
        for path in (tmp_path / f"{n}.tif" for n in range(1000))
    ]
    session.worklist.rows.put(rows)
    images.resize(280, images.sizeHint().height())
    images.show()
    qtbot.waitExposed(images)
    QTest.qWait(20)
    assert 4 <= len(set(asked)) <= 8
    assert rows[0].path in asked
    asked.clear()
    images.show_place(700)
    QTest.qWait(20)
    assert rows[700].path in asked
    assert len(set(asked)) <= 8
    session.close()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "5 s"), (44, "45 s"), (70, "1 min"), (3500, "58 min"), (8000, "2 h 13 min")],
)
def test_the_time_that_is_left_is_told_in_words(seconds, words):
    assert in_words(seconds) == words


def test_small_pictures_show_planes_channels_and_colours(tmp_path):
    from napari_unet.session.thumbnails import SIDE, thumbnail_of

    plane = disks((300, 500))
    made = thumbnail_of(np.stack([plane * 0, plane, plane * 0]), "ZYX")
    assert made.ndim == 2
    assert max(made.shape) <= SIDE
    assert made.max() == 255
    assert made.min() == 0
    red = np.zeros((40, 30, 3), np.uint8)
    red[..., 0] = 200
    assert (thumbnail_of(red, "YXC")[..., 0] == 200).all()
    assert thumbnail_of(np.full((3, 2), np.nan), "YX").shape == (3, 2)


def test_labels_of_a_removed_image_do_not_cover_the_next(stage, plate, press_key):
    stage.session.worklist.listing.add([plate], go=True)
    arrive(stage, "well0.tif")
    press_key(stage.viewer, "Shift+N")
    arrive(stage, "well1.tif")
    stage.predict()
    stage.viewer.layers.remove(stage.bench.layers.images.chosen)
    stage.until(lambda: stage.state.image is None)
    press_key(stage.viewer, "Shift+N")
    arrive(stage, "well2.tif")
    assert "well2" in shown(stage)
    assert "well1 labels" not in shown(stage)
