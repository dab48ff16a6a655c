"""Stepping from image to image: the layers stay, and nothing of one is in another."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtTest import QTest

from napari_unet.annotation.provenance import Provenance
from tests.session.brightness import disks

SHAPE = (96, 120)
IMAGES = 4
OTHER = "well9.tif"
LIMITS, COLORMAP = [3.0, 99.0], "magma"


@pytest.fixture
def plate(tmp_path):
    """Files of one kind, among which there is one of another kind."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in range(IMAGES):
        image = disks(SHAPE)
        image[-1, -1] = number
        tifffile.imwrite(folder / f"well{number}.tif", image)
    tifffile.imwrite(folder / OTHER, disks((64, 80)).astype(np.float32))
    return folder


@pytest.fixture
def walk(stage, plate):
    """A window with the first image of the folder, predicted."""
    stage.session.worklist.listing.add([plate], go=True)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    stage.predict()
    return Walk(stage, plate)


class Walk:
    """A person who goes from image to image."""

    def __init__(self, stage: Any, plate: Any) -> None:
        self.stage = stage
        self.plate = plate

    @property
    def name(self) -> str:
        return str(self.stage.state.image.name)

    def step(self, by: int, *, predicted: bool = True) -> None:
        """Go on, and wait for the labels of the image that comes."""
        stage, before = self.stage, self.name
        stage.session.worklist.going.step(by)
        stage.until(lambda: stage.state.image and stage.state.image.name != before)
        stage.until(lambda: stage.state.image.open)
        if predicted:
            stage.until(
                lambda: stage.state.image.has_labels and not stage.state.predicting
            )

    def check(self) -> None:
        """What is on screen belongs to the image, and to nothing else."""
        stage = self.stage
        shown, image = stage.bench.layers.results.current, stage.session.images.current
        layer, below = shown.layer, stage.bench.layers.images.chosen
        pixels = tifffile.imread(self.plate / self.name)
        np.testing.assert_array_equal(below.data, pixels)
        np.testing.assert_array_equal(image.pixels, pixels)
        assert below.source.path == str(self.plate / self.name)
        assert below.name == self.name.removesuffix(".tif")
        assert layer.name == f"{below.name} labels"
        assert np.may_share_memory(layer.data, image.annotation.labels)
        assert layer.visible
        assert layer.editable
        assert not layer._undo_history
        assert stage.bench.layers.labels_layer is layer
        seen = [each.name for each in stage.viewer.layers if each.visible]
        assert seen[:2] == [below.name, layer.name]
        assert len(stage.viewer.layers) <= 3


def paint(walk: Walk, rng: np.random.Generator) -> None:
    """Paint as a brush does, or write as a script does."""
    layer = walk.stage.labels
    y, x = (int(rng.integers(0, size - 6)) for size in layer.data.shape)
    layer.selected_label = walk.stage.annotation.new_id()
    if rng.random() < 0.5:
        layer.data[y : y + 5, x : x + 5] = layer.selected_label
    else:
        layer.brush_size = 5
        layer.paint((y + 2, x + 2), layer.selected_label)


def test_nothing_painted_in_one_image_is_in_another(walk):
    rng = np.random.default_rng(0)
    expected: dict[str, Any] = {}
    labels, stayed = walk.stage.labels, True
    for _ in range(12):
        walk.check()
        if walk.name in expected:
            np.testing.assert_array_equal(
                walk.stage.labels.data, expected[walk.name], walk.name
            )
        shown = walk.stage.bench.layers.results.current
        for _ in range(int(rng.integers(0, 3))):
            paint(walk, rng)
        if rng.random() < 0.2:
            shown.binding.undo()
        if rng.random() < 0.3:
            shown.show_verified(not shown.verified_shown)
        if shown.verified_shown:
            overlay = shown.layers[1]
            verified = np.asarray(overlay.data) > Provenance.PREDICTED
            assert (shown.binding.annotation.provenance[verified] >= 2).all()
            assert not overlay.editable
        expected[walk.name] = np.array(walk.stage.labels.data)
        place = walk.stage.state.worklist.place
        walk.step(1 if place == 0 else -1 if place == IMAGES else rng.choice((-1, 1)))
        stayed &= walk.name != OTHER
        assert (walk.stage.labels is labels) == stayed
        assert (labels in walk.stage.viewer.layers) == stayed
    for name in sorted(expected):
        while walk.name != name:
            walk.step(1 if walk.name < name else -1)
        np.testing.assert_array_equal(walk.stage.labels.data, expected[name], name)


def test_layers_stay_and_look_as_a_person_left_them(walk):
    tifffile.imwrite(walk.plate / "well2.tif", 3 * disks(SHAPE))
    stage = walk.stage
    below, labels = stage.bench.layers.images.chosen, stage.labels
    parts = (stage.annotation.labels, stage.annotation.provenance)
    memory = [weakref.ref(each) for each in parts]
    del parts
    labels.contour = 1
    labels.mode = "paint"
    walk.step(1)
    walk.step(1)
    limits = [float(below.data.min()), float(below.data.max())]
    assert limits[1] > 300
    assert list(below.contrast_limits) == limits, "nobody chose others"
    assert list(below.contrast_limits_range) == limits
    below.contrast_limits, below.colormap = LIMITS, COLORMAP
    walk.step(-1)
    assert stage.bench.layers.images.chosen is below
    assert stage.labels is labels
    assert list(below.contrast_limits) == LIMITS
    assert below.colormap.name == COLORMAP
    assert labels.contour == 1
    assert labels.mode == "paint"
    assert stage.viewer.layers.selection.active is labels
    stage.until(
        lambda: gc.collect() + 1 and not any(each() is not None for each in memory)
    )


def test_what_is_half_drawn_ends_with_its_image(walk, mouse):
    stage = walk.stage
    for mode in ("paint", "polygon"):
        labels, name = stage.labels, walk.name
        stage.viewer.layers.selection.active = labels
        before = np.array(labels.data)
        labels.mode = mode
        labels.selected_label = 77
        hand = mouse(stage.viewer, labels)
        hand.press((20, 20))
        if mode == "polygon":
            hand.release((20, 20))
        hand.move((30, 40))
        walk.step(1)
        clean = np.array(stage.labels.data)
        hand = mouse(stage.viewer, stage.labels)
        hand.move((50, 60))
        hand.release((50, 60))
        QTest.qWait(100)
        walk.check()
        np.testing.assert_array_equal(stage.labels.data, clean)
        assert 77 not in clean
        assert not stage.labels._overlays["polygon"].points
        walk.step(-1)
        assert walk.name == name
        painted = np.array(stage.labels.data) != before
        assert painted.any() == (mode == "paint")


def test_layers_wait_empty_for_an_image_without_labels(walk):
    stage, labels = walk.stage, walk.stage.labels
    ahead = stage.session.worklist.ahead
    ahead.tick = ahead.expect = ahead.arrive = lambda *_: None
    ahead.drop()
    stage.bench.layers.show_verified(True)
    walk.step(1, predicted=False)
    QTest.qWait(50)
    assert not stage.state.image.has_labels
    assert stage.labels is None
    assert labels.name == "well1 labels"
    assert not labels.visible
    assert not labels.editable
    assert not np.asarray(labels.data).any()
    assert stage.viewer.layers.selection.active is stage.bench.layers.images.chosen
    stage.predict()
    walk.check()
    assert stage.labels is labels
    assert stage.bench.layers.results.current.verified_shown
    walk.step(1, predicted=False)
    assert labels in stage.viewer.layers
    stage.viewer.layers.remove(stage.bench.layers.images.chosen)
    stage.until(lambda: labels not in stage.viewer.layers)
