"""Folders that are dropped into the window: their files come into the list."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import tifffile
from napari.components import ViewerModel
from napari.layers import Image

from napari_unet.gui.folders import Folders
from napari_unet.gui.napari_private import made_from_file
from napari_unet.gui.reading import NAPARI


def test_folders_that_are_dropped_together_all_come_into_the_list(qtbot, tmp_path):
    dropped = [tmp_path / name for name in "abc"]
    for folder in dropped:
        folder.mkdir()
        tifffile.imwrite(folder / "one.tif", np.zeros((8, 9), np.uint8))
    added = []
    listing = SimpleNamespace(add=lambda wanted, *, go: added.append((wanted, go)))
    viewer = ViewerModel()
    folders = Folders(viewer, SimpleNamespace(listing=listing))
    for folder in dropped:
        with made_from_file(str(folder), NAPARI):  # as napari does, one by one
            viewer.add_layer(Image(np.zeros((1, 8, 9))))
    qtbot.waitUntil(lambda: bool(added))
    assert added == [(dropped, True)]
    assert not viewer.layers
    assert "folder c" in folders.told
    folders.close()
