"""Labels larger than memory leave the program; the memory is small here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.annotation.edits import Settle
from napari_unet.core.jobs import drain
from napari_unet.exports import label_zarr
from napari_unet.geometry.box import Box
from napari_unet.session.export_job import ExportResults
from napari_unet.session.export_work import SavedWork
from tests.runners import InlineRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage

SHAPE = 1500, 2100
PARTS = {7: Box((20, 30), (60, 90)), 9: Box((1000, 1000), (1050, 1060))}


@pytest.fixture
def stage(bright: Path, tmp_path: Path) -> Stage:
    """An image in which two objects are painted, one of them saved already."""
    path = tmp_path / "slide.zarr"
    array = zarr.create_array(path, shape=SHAPE, chunks=(512, 512), dtype="u2")
    array[:200, :200] = disks((200, 200))
    stage = Stage.make(InlineRunner())
    stage.session.models.choose(bright)
    stage.run()
    stage.session.images.most_bytes = 10_000
    stage.session.images.open(array, "slide.zarr", "YX", path)
    stage.run()
    assert stage.state.image.large
    image, work = stage.session.images.current, stage.annotation
    for label, box in PARTS.items():
        work.pane.move(work.pane.best(box))
        work.live[box.slices] = label
        work.notice_change(box)
        work.do(Settle())
        stage.session.note_edit(image)
        if label == 7:
            image.saving.finish()
    stage.run()
    return stage


def _wanted() -> np.ndarray:
    labels = np.zeros(SHAPE, np.int32)
    for label, box in PARTS.items():
        labels[box.slices] = label
    return labels


def test_labels_go_into_a_zarr_and_a_tiff_and_what_has_no_room_is_named(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_zarr, "PIECE", 512)
    exporting = stage.session.exporting
    exporting.choose("ome-zarr", wanted=True)
    assert not stage.state.why_not_export()
    exporting.start()
    stage.run()
    assert "Exported 2 files" in stage.state.exporting.told
    assert "Table" in stage.state.exporting.told
    folder = tmp_path / "U-Net results"
    np.testing.assert_array_equal(
        tifffile.imread(folder / "slide labels.tif"), _wanted()
    )
    root = zarr.open_group(folder / "slide labels.ome.zarr", mode="r")
    np.testing.assert_array_equal(root["labels/cells/0"][:], _wanted())
    np.testing.assert_array_equal(root["labels/cells/1"][:], _wanted()[::2, ::2])
    # Where nothing is labelled there are no files.
    assert not (folder / "slide labels.ome.zarr/labels/cells/0/c/0/3").exists()
    exporting.start()
    stage.run()
    assert "Exported 2 files" in stage.state.exporting.told


def test_what_others_wrote_there_stays(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "U-Net results"
    folder.mkdir()
    (folder / "slide labels.tif").write_bytes(b"mine")
    stage.session.exporting.start()
    stage.run()
    assert (folder / "slide labels.tif").read_bytes() == b"mine"
    assert "left alone" in stage.state.problems["results"].text


def test_other_formats_alone_are_refused_in_words(stage: Stage) -> None:
    stage.session.exporting.choose("fiji", wanted=False)
    reason = stage.state.why_not_export()
    assert "OME-Zarr" in reason
    assert "choose one" in reason


def _small(stage: Stage) -> np.ndarray:
    """Open another image, with an object; return its labels."""
    stage.session.images.most_bytes = 10**9
    stage.session.images.open(disks((40, 50)), "small", "YX", None)
    stage.run()
    stage.annotation.live[5:9, 6:12] = 3
    stage.annotation.notice_change(Box((5, 6), (9, 12)))
    stage.annotation.do(Settle())
    stage.session.note_edit(stage.session.images.current)
    stage.session.images.current.has_labels = True
    return np.array(stage.annotation.labels)


def test_all_images_are_those_larger_than_memory_too(
    stage: Stage, tmp_path: Path
) -> None:
    small, out = _small(stage), tmp_path / "out"
    for image in stage.session.images:
        image.has_labels = True
    stage.session.exporting.choose_folder(out)
    stage.session.exporting.start(everything=True)
    stage.run()
    told = stage.state.exporting.told
    assert "Exported 3 files of 2 images." in told
    assert "left out of 'slide.zarr'" in told
    np.testing.assert_array_equal(tifffile.imread(out / "slide labels.tif"), _wanted())
    np.testing.assert_array_equal(tifffile.imread(out / "small labels.tif"), small)


def test_what_is_saved_of_an_image_larger_than_memory_is_exported_unopened(
    stage: Stage, tmp_path: Path
) -> None:
    image = stage.session.images.current
    image.saving.finish()
    home = image.place.belongs_to.folder
    stage.session.close()
    job = ExportResults((), (SavedWork(home),), None, ("fiji", "csv"), tmp_path / "out")
    done = drain(job.run())
    assert (done.files, done.images, done.problems) == (1, 1, ())
    assert "left out of 'slide.zarr'" in done.in_words()
    found = tifffile.imread(tmp_path / "out" / "slide labels.tif")
    np.testing.assert_array_equal(found, _wanted())
