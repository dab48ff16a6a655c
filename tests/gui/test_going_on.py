"""A long step goes on in a window, and is complete for whoever comes between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import StartOver
from napari_unet.annotation.track_edits import GiveIds
from napari_unet.gui.labels_binding import LabelsBinding


@pytest.fixture
def binding(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from napari.components import ViewerModel

    monkeypatch.setattr("napari_unet.annotation.annotation.AT_ONCE", 0)
    labels = np.zeros((30, 16, 16), np.int32)
    labels[:, 4:9, 4:9] = np.arange(1, 31)[:, None, None]
    annotation = Annotation(labels, np.ones(labels.shape, np.uint8))
    annotation.time = 0
    viewer = ViewerModel()
    layer = viewer.add_labels(annotation.labels)
    made = LabelsBinding(layer, annotation, viewer.layers)
    yield made
    made.close()
    viewer.layers.clear()


FOLLOWING = GiveIds({frame: {frame + 1: 1} for frame in range(1, 30)}, {})


def test_frames_come_by_themselves_and_all_of_them_are_shown(binding, qtbot):
    before, annotation = np.array(binding.annotation.labels), binding.annotation
    shown = []
    binding.changed.connect(shown.append)
    assert binding.do(FOLLOWING) is not None
    qtbot.waitUntil(lambda: not annotation.in_parts.under_way)
    assert (annotation.labels == (before > 0)).all()
    assert {box.start[0] for box in shown} == set(range(1, 30))
    binding.undo()
    assert annotation.in_parts.under_way
    binding.redo()  # at once: what is left of the undo is done first
    qtbot.waitUntil(lambda: not annotation.in_parts.under_way)
    assert (annotation.labels == (before > 0)).all()
    assert len(annotation.history.done) == 1


def test_another_edit_and_the_end_find_it_complete(binding):
    annotation = binding.annotation
    binding.do(FOLLOWING)
    binding.do(StartOver())
    binding.undo()
    assert set(np.unique(annotation.labels)) == {0, 1}
    binding.undo()
    binding.close()
    assert len(np.unique(annotation.labels)) == 31
    assert not annotation.in_parts.under_way
