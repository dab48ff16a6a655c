"""napari's font size is that of the dock, its lists too."""

from __future__ import annotations

import pytest
from napari.settings import get_settings

from napari_unet.gui.dock import show_objects
from napari_unet.gui.panels.images import ImagesPanel
from napari_unet.gui.panels.object_list import ObjectList
from tests.session.brightness import disks


@pytest.fixture
def appearance():
    """Return the settings of napari, which are as before afterwards."""
    found = get_settings().appearance
    before = found.font_size
    yield found
    found.font_size = before


def test_rows_of_lists_are_as_high_as_the_font_needs(stage, appearance):
    stage.open(disks(), name="disks")
    images = stage.panel(ImagesPanel).list
    objects = show_objects(stage.viewer).findChild(ObjectList)
    for points in (9, 16, 11):
        appearance.font_size = points
        stage.until(lambda points=points: images.fontInfo().pointSize() == points)
        side = images.verticalHeader()
        needed = 2 * images.fontMetrics().lineSpacing()
        assert needed < side.sectionSize(0) < needed + 12
        assert images.sizeHint().height() >= side.sectionSize(0)
        assert objects.fontInfo().pointSize() == points
        line = objects.fontMetrics().lineSpacing()
        assert line < objects.verticalHeader().defaultSectionSize() < line + 12
