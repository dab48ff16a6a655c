"""Folders that are dropped into the window: their files come into the list."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import dask
import numpy as np
import tifffile
from napari.components import ViewerModel
from napari.layers import Image

from napari_unet.gui.folders import Folders
from napari_unet.gui.napari_private import made_from_file
from napari_unet.gui.reading import NAPARI
from tests.runners import InlineRunner


def test_folders_that_are_dropped_together_all_come_into_the_list(qtbot, tmp_path):
    dropped = [tmp_path / name for name in "abc"]
    for folder in dropped:
        folder.mkdir()
        tifffile.imwrite(folder / "one.tif", np.zeros((8, 9), np.uint8))
    added = []
    listing = SimpleNamespace(add=lambda wanted, *, go: added.append((wanted, go)))
    viewer = ViewerModel()
    folders = Folders(viewer, SimpleNamespace(listing=listing), InlineRunner(), None)
    for folder in dropped:
        with made_from_file(str(folder), NAPARI):  # as napari does, one by one
            viewer.add_layer(Image(np.zeros((1, 8, 9))))
    qtbot.waitUntil(lambda: bool(added))
    assert added == [(dropped, True)]
    assert not viewer.layers
    assert "folder c" in folders.told
    folders.close()


def test_files_that_do_not_fit_are_refused_as_one_stack(qtbot, tmp_path):
    told = []
    viewer, worklist = ViewerModel(), SimpleNamespace(listing=MagicMock())
    folders = Folders(
        viewer, worklist, InlineRunner(), lambda _, error: told.append(str(error))
    )
    sizes = {"a.tif": (8, 9), "b.tif": (8, 9), "c.tif": (8, 7)}
    for name, size in sizes.items():
        tifffile.imwrite(tmp_path / name, np.zeros(size, np.uint8))

    def drop() -> None:
        with made_from_file(str(tmp_path), NAPARI):
            viewer.add_layer(Image(np.zeros((3, 8, 9))))
        qtbot.waitUntil(lambda: not viewer.layers)
        folders.stack()

    drop()
    assert "c.tif 8 x 7" in told.pop()
    (tmp_path / "c.tif").write_bytes(b"no image")
    drop()
    assert "c.tif cannot be read" in told.pop()
    assert not viewer.layers
    (tmp_path / "c.tif").unlink()
    with dask.config.set(scheduler="synchronous"):
        drop()
    assert not told
    assert len(viewer.layers) == 1
    folders.close()
