"""What is verified can be seen, and looking at it changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.overlays import NAME, VerifiedOverlay
from tests.gui.desk import Desk


def bind(viewer: Any, shape: tuple[int, ...] = (40, 40)) -> LabelsBinding:
    labels = np.zeros(shape, np.int32)
    labels[..., 5:15, 5:15] = 1
    annotation = Annotation(labels, np.full(shape, Provenance.PREDICTED, np.uint8))
    layer = viewer.add_labels(annotation.labels, scale=(2.0,) * len(shape))
    viewer.layers.selection.active = layer
    return LabelsBinding(layer, annotation, viewer.layers)


@pytest.fixture
def viewer(qapp: Any) -> Any:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    yield viewer
    viewer.layers.clear()


def test_it_is_hidden_read_only_and_leaves_the_selection_alone(viewer):
    binding = bind(viewer)
    viewer.add_image(np.zeros((40, 40)))
    viewer.layers.selection.active = binding.layer
    overlay = VerifiedOverlay(viewer.layers, binding)
    assert not overlay.visible
    assert viewer.layers.index(NAME) == viewer.layers.index(binding.layer) + 1
    assert viewer.layers.selection == {binding.layer}
    assert not overlay.layer.editable
    assert np.array_equal(overlay.layer.scale, binding.layer.scale)
    with pytest.raises(TypeError, match="item assignment"):
        overlay.layer.data[0, 0] = 3
    binding.close()


@pytest.mark.parametrize("shape", [(40, 40), (3, 40, 40)])
def test_it_follows_strokes_undo_and_accepting(
    make_napari_viewer: Callable[..., Any], shape: tuple[int, ...]
):
    viewer = make_napari_viewer(show=True)
    binding = bind(viewer, shape)
    binding.layer.visible = False
    overlay = VerifiedOverlay(viewer.layers, binding)
    nothing = viewer.screenshot(flash=False)
    overlay.visible = True
    empty = viewer.screenshot(flash=False)
    assert not np.array_equal(empty, nothing), "dashes round what is predicted"

    plane = tuple(int(step) for step in viewer.dims.current_step[:-2])
    binding.layer.visible = True
    binding.layer.paint((*plane, 30, 30), 7)
    binding.layer.visible = False
    corrected = viewer.screenshot(flash=False)
    assert not np.array_equal(corrected, empty)
    overlay.layer.refresh()
    assert np.array_equal(viewer.screenshot(flash=False), corrected)

    binding.layer.visible = True
    binding.layer.undo()
    binding.layer.visible = False
    assert np.array_equal(viewer.screenshot(flash=False), empty)

    box = Box((*plane, 0, 0), (*(at + 1 for at in plane), 20, 20))
    binding.annotation.do(AcceptView(box))
    binding.refresh(box)
    accepted = viewer.screenshot(flash=False)
    reds, blues = (accepted != empty)[..., 0], (accepted != empty)[..., 2]
    assert blues.any()
    assert accepted[blues][:, 2].max() > accepted[reds | blues][:, 0].max()
    binding.close()


def test_a_deleted_overlay_comes_back_when_it_is_shown(viewer):
    binding = bind(viewer)
    overlay = VerifiedOverlay(viewer.layers, binding)
    viewer.layers.remove(overlay.layer)
    binding.layer.paint((30, 30), 7)
    assert not overlay.visible
    overlay.visible = True
    assert overlay.visible
    drawn = np.asarray(overlay.layer.data)[20:40, 20:40]
    assert set(np.unique(drawn)) == {0, Provenance.CORRECTED}


def test_in_a_volume_only_what_is_verified_is_drawn(viewer):
    binding = bind(viewer, (4, 40, 40))
    overlay = VerifiedOverlay(viewer.layers, binding)
    overlay.visible = True
    kinds = np.array([Provenance.PREDICTED, Provenance.ACCEPTED, Provenance.CORRECTED])
    seen = {}
    for displayed in (2, 3, 2):
        viewer.dims.ndisplay = displayed
        seen[displayed] = (overlay.layer.colormap.map(kinds)[:, 3] > 0).tolist()
    assert seen == {2: [True, True, True], 3: [False, True, True]}
    overlay.close()


def test_it_goes_with_the_labels_but_not_the_other_way_round(desk: Desk, qtbot):
    image, layers = desk.add(), desk.viewer.layers
    desk.begin()
    desk.layers.show_verified(True)
    layers.remove(layers[NAME])
    assert list(layers) == [image, desk.labels]
    desk.layers.show_verified(True)
    assert NAME in layers
    layers.remove(desk.labels)
    qtbot.waitUntil(lambda: list(layers) == [image], timeout=1000)


def test_both_can_be_deleted_together(desk: Desk, qtbot):
    image, layers = desk.add(), desk.viewer.layers
    for _ in range(4):  # napari deletes a selection in no particular order
        desk.begin()
        desk.layers.show_verified(True)
        layers.selection = {desk.labels, layers[NAME]}
        layers.remove_selected()
        qtbot.wait(5)
        assert list(layers) == [image]


def test_the_viewer_closes_with_both(make_napari_viewer: Callable[..., Any]):
    viewer = make_napari_viewer(show=True)
    binding = bind(viewer)
    VerifiedOverlay(viewer.layers, binding).visible = True
    viewer.layers.move(1, 0)
    viewer.close()
    assert not viewer.layers
