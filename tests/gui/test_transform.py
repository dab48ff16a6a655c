"""napari's transform mode: an image is moved with the mouse, and its labels with it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.session.brightness import disks

pytestmark = pytest.mark.qt_every


def test_an_image_is_moved_with_the_mouse_and_its_labels_follow(stage, drag, press_key):
    image = stage.open(disks(), name="disks")
    stage.predict()
    stage.bench.layers.show_verified(True)
    before = np.array(stage.annotation.labels)
    stage.viewer.layers.selection.active = image
    press_key(stage.viewer, "2")
    assert image.mode == "transform"
    # The mouse is in data coordinates: the image runs away under it.
    drag(stage.viewer, image, [(60, 60), (64, 66), (68, 72)])
    assert np.abs(image.affine.translate).min() > 1
    for layer in (stage.labels, stage.viewer.layers["Verified"]):
        assert np.allclose(layer.data_to_world((7, 9)), image.data_to_world((7, 9)))
    assert np.array_equal(stage.annotation.labels, before)
    moved = image.data_to_world((7, 9))
    press_key(stage.viewer, "1")
    # A stroke still lands on the pixels under the brush.
    layer = stage.labels
    stage.viewer.layers.selection.active = layer
    layer.mode, layer.brush_size, layer.selected_label = "paint", 5, 77
    drag(stage.viewer, layer, [(50, 20), (50, 30)])
    assert stage.annotation.labels[50, 25] == 77
    assert np.allclose(image.data_to_world((7, 9)), moved)
