"""Results leave the session: this image as it is now, and all images of a project."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.labels import OBJECT_IDS
from napari_unet.io.labels import labels_of, read_ids, read_label_file
from napari_unet.session.export_facts import file_stem
from napari_unet.session.export_job import ALL_OBJECTS, ExportResults
from napari_unet.session.export_work import SavedWork
from tests.runners import ManualRunner
from tests.session.brightness import classes_model, values_model
from tests.session.conftest import Stage
from tests.session.test_projects import open_file, wait

BESIDE = "U-Net results"


@pytest.fixture
def opened(stage, files):
    """A stage with a predicted image."""
    open_file(stage, files[0])
    stage.session.predict()
    stage.run()
    return stage


def names(folder):
    return sorted(each.name for each in folder.iterdir() if each.name[0] != ".")


def export(stage, **options):
    stage.session.exporting.start(**options)
    stage.run()


def test_this_image_as_it_is_now(opened, files):
    opened.paint(np.s_[60:64, 60:80], 77)
    export(opened)
    folder = files[0].parent / BESIDE
    assert opened.state.exporting.folder == folder
    assert names(folder) == ["a labels.tif", "a objects.csv"]
    labels = opened.annotation.labels
    np.testing.assert_array_equal(read_ids(folder / "a labels.tif"), labels)
    with (folder / "a objects.csv").open(newline="") as file:
        rows = {int(row["id"]): row for row in csv.DictReader(file)}
    assert rows[77]["verified"] == "1"
    assert float(rows[1]["confidence"]) > 0.5
    assert opened.state.exporting.told == "Exported 2 files of 1 image."
    assert opened.state.exporting.progress is None
    assert not opened.state.problems


def test_exporting_again_replaces_what_was_exported_and_nothing_else(opened, files):
    export(opened)
    folder = files[0].parent / BESIDE
    tifffile.imwrite(folder / "a labels.tif", np.zeros((3, 3), np.uint8))
    before = (folder / "a labels.tif").read_bytes()
    opened.paint(np.s_[60:64, 60:80], 77)
    export(opened)
    assert (folder / "a labels.tif").read_bytes() == before
    assert "left alone" in opened.state.problems["results"].text
    assert ",77," in (folder / "a objects.csv").read_text().replace("\n", ",")
    (folder / "a labels.tif").unlink()
    export(opened)
    assert read_ids(folder / "a labels.tif").max() == 77
    assert "results" not in opened.state.problems


def test_all_images_of_a_project_open_or_not(opened, files, tmp_path):
    session = opened.session
    session.projects.create(tmp_path / "study.unet")
    wait(opened, 20)
    open_file(opened, files[1])
    session.predict()
    opened.run()
    opened.paint(np.s_[60:64, 60:80], 55)
    wait(opened, 20)
    first = next(each for each in session.images if each.name == "a.tif")
    session.images.release(first)
    wait(opened, 20)
    opened.paint(np.s_[70:74, 60:80], 66)  # and not saved yet
    export(opened, everything=True)
    assert not opened.state.problems
    folder = tmp_path / "study results"
    assert names(folder) == sorted(
        [
            ALL_OBJECTS,
            *(f"{n} {end}" for n in "ab" for end in ("labels.tif", "objects.csv")),
        ]
    )
    assert {55, 66} <= set(np.unique(read_ids(folder / "b labels.tif")).tolist())
    assert opened.state.exporting.told == "Exported 5 files of 2 images."
    with (folder / ALL_OBJECTS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == {"a", "b"}
    assert all(float(row["mean"]) > 0 for row in rows)


def test_work_beside_files_that_are_not_open(opened, files):
    session = opened.session
    wait(opened, 20)
    home = session.images.current.project.folder
    session.images.release(session.images.current)
    wait(opened, 20)
    session.exporting.elsewhere = lambda: [
        SavedWork(home, files[0]),
        SavedWork(home.with_name("none.unet"), files[1]),
    ]
    open_file(opened, files[1])
    session.predict()
    opened.run()
    export(opened, everything=True)
    assert len(names(files[0].parent / BESIDE)) == 5


def test_a_folder_may_be_chosen_and_be_forgotten(opened, tmp_path):
    exporting = opened.session.exporting
    exporting.choose_folder(tmp_path / "mine")
    export(opened)
    assert names(tmp_path / "mine") == ["a labels.tif", "a objects.csv"]
    exporting.choose_folder(None)
    assert opened.state.exporting.folder.name == BESIDE


def test_formats_that_are_chosen_and_fit(opened, tmp_path):
    exporting = opened.session.exporting
    exporting.choose_folder(tmp_path / "mine")
    exporting.choose("geojson", True)
    exporting.choose("csv", False)
    assert opened.state.exporting.formats == ("fiji", "geojson")
    opened.session.models.timeline.publish(classes_model())
    opened.run()
    opened.session.predict()
    opened.run()
    exporting.choose("csv", True)
    export(opened)
    assert names(tmp_path / "mine") == ["a labels.tif", "a objects.geojson"]
    assert opened.state.exporting.told == (
        "Exported 2 files of 1 image. Table of objects (CSV): it is of objects, and "
        "here are classes. So it was left out of 'a.tif'."
    )
    found = json.loads((tmp_path / "mine" / "a objects.geojson").read_text())
    assert found["features"][0]["properties"]["classification"]
    exporting.choose("fiji", False)
    exporting.choose("geojson", False)
    export(opened)
    assert "of objects" in opened.state.problems["results"].text
    exporting.choose("csv", False)
    assert opened.state.why_not_export() == "Choose a format first."


def test_values_are_those_that_are_seen(opened, tmp_path):
    exporting = opened.session.exporting
    exporting.choose_folder(tmp_path / "mine")
    opened.session.models.timeline.publish(values_model())
    opened.run()
    opened.session.predict()
    opened.run()
    export(opened)
    found = tifffile.imread(tmp_path / "mine" / "a labels.tif")
    predicted = opened.annotation.values.predicted
    np.testing.assert_array_equal(found, predicted.squeeze())


def test_nothing_to_export_is_told(stage, image):
    exporting = stage.session.exporting
    exporting.start()
    assert "Choose an image" in stage.state.problems["results"].text
    stage.open(image)
    exporting.start()
    assert "no labels yet" in stage.state.problems["results"].text


def test_a_folder_where_nobody_may_write_is_told(opened, tmp_path):
    (tmp_path / "file").write_text("a file")
    opened.session.exporting.choose_folder(tmp_path / "file")
    export(opened)
    assert "could not be written" in opened.state.problems["results"].text
    assert opened.state.exporting.told == ""


def test_it_can_be_stopped_between_files(bright, files):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    open_file(stage, files[0])
    stage.session.predict()
    stage.run()
    stage.session.exporting.start()
    (job,) = [each for each in stage.runner.jobs if each.does(ExportResults)]
    job.step()
    assert stage.state.exporting.progress is not None
    assert "going on" in stage.state.why_not_export()
    stage.session.exporting.cancel()
    stage.run()
    assert stage.state.exporting.progress is None
    assert stage.state.exporting.told == "The export was stopped."
    assert not (files[0].parent / BESIDE).exists()


def test_what_changes_while_it_is_copied_is_copied_again(opened, files, monkeypatch):
    opened.paint(np.s_[60:64, 60:80], 77)
    monkeypatch.setattr("napari_unet.session.copying.COPY_SECONDS", -1.0)
    opened.session.exporting.start()
    for label in range(80, 86):
        opened.paint(np.s_[60:64, 60:80], label)
        opened.session.tick()
    opened.run()
    labels = read_ids(files[0].parent / BESIDE / "a labels.tif")
    assert labels[62, 70] in range(80, 86)


@pytest.mark.parametrize("right", [False, True])
def test_what_is_corrected_in_another_program_comes_back_with_its_ids(
    opened, files, right
):
    opened.paint(np.s_[2:6, 2:6], 77)
    export(opened)
    path = files[0].parent / BESIDE / "a labels.tif"
    theirs = tifffile.imread(path)
    theirs[:, :21][theirs[:, :21] == 3] = 0
    theirs[theirs == 5] = 0
    theirs[60:64, 60:64] = 900
    tifffile.imwrite(path, theirs.astype(np.float32))
    labels = labels_of(read_label_file(path), OBJECT_IDS)
    opened.session.correcting.take(labels, "a labels", right=right)
    now = opened.annotation.labels
    if not right:  # a new object of a prediction gets an id that nobody ever had
        theirs[theirs == 900] = now[62, 62]
        assert now[62, 62] == 78
    np.testing.assert_array_equal(now, theirs)


def test_what_was_exported_is_learned_from(opened, files):
    exporting = opened.session.exporting
    exporting.choose("imagej-roi", True)
    export(opened)
    folder = files[0].parent / BESIDE
    for name in ("a labels.tif", "a rois.zip"):
        file = read_label_file(folder / name, opened.annotation.labels.shape)
        found = labels_of(file, OBJECT_IDS).array
        np.testing.assert_array_equal(found, opened.annotation.labels)


def test_names_are_safe_everywhere():
    assert file_stem("a.ome.tif") == "a"
    assert file_stem('c:/x|"y".png') == "c--x--y-"
    assert file_stem("...") == "image"
    assert len(file_stem("x" * 300)) < 200
