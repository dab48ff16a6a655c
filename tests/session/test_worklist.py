"""The list of images: what is in it, the way through it, and predicting all of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.stage import Stage
from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.project.lock import ProjectLock
from napari_unet.session.finetune import iter_read_work
from napari_unet.session.worklist.entry import OpenLayer
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage as Session
from tests.session.test_projects import bytes_of, wait

EVERYTHING = AcceptView(Box((0, 0), (128, 160)))


class Viewer:
    """A front end that shows one image of the list at a time."""

    def __init__(self, stage: Session) -> None:
        self.stage = stage
        self.images = stage.session.images
        self.worklist = stage.session.worklist
        self.read: list[bool] = []
        self.worklist.going.wanted.connect(self._show)

    def _show(self, entry, picture) -> None:
        self.read.append(picture is not None)
        for image in self.images:
            self.images.put_aside(image)
        self.images.open(picture.pixels, entry.name, None, entry.path)
        layer = OpenLayer(entry.name, entry.name, entry.path)
        self.worklist.show_layers([layer], entry.name)

    def go(self, place: int) -> None:
        self.worklist.going.go(self.worklist.rows[place].source)
        self.stage.run()

    def step(self, by: int) -> None:
        self.worklist.going.step(by)
        self.stage.run()

    def predict(self) -> None:
        self.stage.session.predict()
        self.stage.run()

    def predict_all(self) -> None:
        self.worklist.batch.start()
        for _ in range(1000):
            self.stage.run()
            if not self.worklist.batch.running:
                return
        raise AssertionError("it does not come to an end")

    @property
    def current(self) -> str:
        return self.images.current.name

    @property
    def stages(self) -> list[Stage]:
        return [each.work.stage for each in self.worklist.rows]


def make(bright, runner=InlineRunner) -> Viewer:
    stage = Session.make(runner())
    stage.session.models.choose(bright)
    stage.run()
    return Viewer(stage)


@pytest.fixture(params=[InlineRunner, ManualRunner], ids=["inline", "manual"])
def viewer(request, bright) -> Viewer:
    return make(bright, request.param)


@pytest.fixture
def plate(tmp_path):
    """A folder with five images."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in range(5):
        image = disks(pitch=32)
        image[-1, -1] = number
        tifffile.imwrite(folder / f"well{number}.tif", image)
    return folder


def fill(viewer: Viewer, *wanted) -> None:
    viewer.worklist.listing.add(wanted)
    viewer.stage.run()


def test_files_folders_and_patterns_are_listed_once(viewer, plate):
    before = bytes_of(plate)
    fill(viewer, plate / "well3.tif")
    fill(viewer, plate, plate / "*.tif", plate.parent / "**" / "well1.tif")
    names = [each.name for each in viewer.worklist.rows]
    assert names == [f"well{n}.tif" for n in (3, 0, 1, 2, 4)]
    assert viewer.stage.state.worklist.unseen == 5
    fill(viewer, plate / "gone.tif", plate.parent / "*.png")
    told = viewer.stage.state.problems["images"].text
    assert "gone.tif" in told
    assert "*.png" in told
    assert bytes_of(plate) == before, "looking has written"


def test_folders_in_a_folder_are_searched_but_no_projects(viewer, plate, tmp_path):
    day = tmp_path / "deeper" / "day"
    day.mkdir(parents=True)
    plate.rename(day / "plate")
    fill(viewer, day.parent)
    assert len(viewer.worklist.rows) == 5
    empty = tmp_path / "none"
    (empty / "a.unet").mkdir(parents=True)
    (empty / "inner").mkdir()
    tifffile.imwrite(empty / "a.unet" / "labels.tif", disks())
    fill(viewer, empty)
    told = viewer.stage.state.problems["images"].text
    assert "neither do the folders in it" in told


def test_the_way_through_the_list_and_what_stays_of_each_image(viewer, plate):
    fill(viewer, plate)
    viewer.go(0)
    viewer.predict()
    assert viewer.stages[:2] == [Stage.PREDICTED, Stage.UNSEEN]
    viewer.stage.session.correcting.do(EVERYTHING)
    viewer.stage.run()
    assert viewer.stages[0] is Stage.DONE
    viewer.step(1)
    assert viewer.current == "well1.tif"
    wait(viewer.stage, 4)
    assert [each.name for each in viewer.images.all] == ["well1.tif"]
    assert viewer.stages[0] is Stage.DONE
    viewer.step(-1)
    assert viewer.current == "well0.tif"
    assert viewer.stage.state.image.verified_share == 1
    viewer.stage.annotation.undo()
    viewer.stage.run()
    assert viewer.stages[0] is Stage.PREDICTED, "what was accepted can be undone"
    viewer.step(-1)
    assert viewer.current == "well0.tif"
    assert "first image" in viewer.stage.state.message
    assert "images" not in viewer.stage.state.problems
    viewer.stage.session.close()


def test_the_next_view_is_in_the_next_unfinished_image_when_none_is_left(viewer, plate):
    fill(viewer, *(plate / f"well{n}.tif" for n in range(3)))

    def next_view():
        viewer.stage.session.guiding.next()
        viewer.stage.run()
        return viewer.current

    next_view()
    assert viewer.current == "well0.tif", "nothing was open, and the list begins here"
    viewer.predict()
    viewer.stage.session.correcting.do(EVERYTHING)
    viewer.stage.run()
    assert next_view() == "well1.tif"
    assert next_view() == "well1.tif", "its view comes first"
    assert next_view() == "well2.tif"
    assert [next_view(), next_view()] == ["well2.tif", "well1.tif"], "round the end"
    viewer.predict()
    viewer.stage.session.correcting.do(EVERYTHING)
    viewer.stage.run()
    viewer.step(1)
    viewer.predict()
    viewer.stage.session.correcting.do(EVERYTHING)
    viewer.stage.run()
    next_view()
    assert "verified" in viewer.stage.state.message
    viewer.stage.session.close()


def test_all_are_predicted_and_what_is_verified_stays(viewer, plate):
    fill(viewer, plate)
    viewer.go(1)
    viewer.predict()
    viewer.stage.paint(np.s_[60:64, 60:80], 77)
    viewer.step(1)
    wait(viewer.stage, 4)
    before = bytes_of(plate / "well1.unet")
    (plate / "well3.tif").write_bytes(b"no image")
    viewer.predict_all()
    wait(viewer.stage, 4)
    done, bad = Stage.PREDICTED, Stage.UNSEEN
    assert viewer.stages == [done, Stage.BEGUN, done, bad, done]
    assert bytes_of(plate / "well1.unet") == before
    assert "well3.tif" in viewer.worklist.rows[3].problem
    assert "1 could not be" in viewer.stage.state.message
    assert viewer.current == "well2.tif"
    viewer.go(4)
    assert viewer.stage.state.image.objects == 20
    # With nothing left unseen, all that is not verified is predicted anew.
    viewer.worklist.listing.remove([viewer.worklist.rows[3].source])
    viewer.predict_all()
    assert bytes_of(plate / "well1.unet") != before
    viewer.go(1)
    assert (viewer.stage.annotation.labels == 77).sum() == 80
    viewer.stage.session.close()


def test_the_image_on_screen_is_left_to_the_person(viewer, plate):
    fill(viewer, plate)
    viewer.go(0)
    viewer.predict_all()
    assert viewer.stages == [Stage.UNSEEN] + 4 * [Stage.PREDICTED]
    assert not viewer.stage.state.image.has_labels
    viewer.stage.session.close()


def test_a_stop_keeps_what_is_predicted(bright, plate):
    viewer = make(bright, ManualRunner)
    fill(viewer, plate)
    viewer.worklist.batch.start()
    while viewer.stages.count(Stage.PREDICTED) < 2:
        viewer.stage.runner.step()
        viewer.stage.session.tick()
    assert viewer.stage.state.worklist.batch.seconds_left is not None
    assert viewer.stage.state.worklist.batch.done in (1, 2)
    viewer.worklist.batch.stop()
    viewer.stage.run()
    wait(viewer.stage, 4)
    assert viewer.stage.state.worklist.batch is None
    assert 2 <= viewer.stages.count(Stage.PREDICTED) < 5
    viewer.stage.session.close()
    again = make(bright, ManualRunner)
    fill(again, plate)
    assert again.stages == viewer.stages
    left = again.stages.count(Stage.UNSEEN)
    again.worklist.batch.start()
    while again.worklist.batch.running:  # others go on while an image is saved
        again.stage.session.tick()
        again.stage.runner.step()
    assert again.stage.state.message.startswith(f"{left} image")
    assert again.stages == 5 * [Stage.PREDICTED]
    again.stage.session.close()


def test_a_locked_project_is_told_and_nothing_is_written_there(bright, plate):
    (plate / "well2.unet").mkdir()
    other = ProjectLock(plate / "well2.unet")
    other.acquire()
    viewer = make(bright)
    fill(viewer, plate)
    viewer.predict_all()
    assert "open elsewhere" in viewer.worklist.rows[2].problem
    assert [path.name for path in (plate / "well2.unet").iterdir()] == ["lock.json"]
    assert viewer.stages.count(Stage.PREDICTED) == 4
    other.release()
    viewer.stage.session.close()


def test_the_next_one_is_ready_and_nothing_is_written_for_it(viewer, plate):
    fill(viewer, plate)
    viewer.go(0)
    viewer.step(1)
    viewer.step(-1)
    assert not viewer.worklist.ahead.waiting(viewer.worklist.rows[1].source)
    viewer.predict()
    for _ in range(5):
        viewer.stage.run()
    following = viewer.worklist.rows[1].source
    ready = viewer.worklist.ahead.waiting(following)
    assert np.array_equal(ready.pixels, tifffile.imread(plate / "well1.tif"))
    assert not (plate / "well1.unet").exists()
    viewer.step(1)
    assert viewer.images.current.is_made_of(ready.pixels)
    assert viewer.stage.state.image.objects == 20
    assert viewer.stages[:3] == [Stage.PREDICTED, Stage.PREDICTED, Stage.UNSEEN]
    wait(viewer.stage, 12)
    assert (plate / "well1.unet" / "project.json").exists()
    viewer.stage.session.close()


def test_an_image_that_is_come_to_while_it_is_predicted_is_predicted(bright, plate):
    viewer = make(bright, ManualRunner)
    fill(viewer, plate)
    viewer.go(0)
    viewer.predict()
    viewer.stage.session.tick()
    while not viewer.worklist.ahead.waiting(viewer.worklist.rows[1].source):
        viewer.stage.runner.step()
    viewer.worklist.going.step(1)
    viewer.stage.run()
    for _ in range(5):
        viewer.stage.run()
    assert viewer.current == "well1.tif"
    assert viewer.stage.state.image.objects == 20
    viewer.stage.session.close()


def test_a_project_remembers_the_list_and_how_far_it_is(viewer, bright, plate):
    session = viewer.stage.session
    session.projects.create(plate.parent / "study")
    viewer.stage.run()
    fill(viewer, plate)
    viewer.go(1)
    viewer.predict()
    wait(viewer.stage, 12)
    session.close()
    folder = plate.parent / "study.unet"
    listed = json.loads((folder / "project.json").read_text())["listed"]
    assert listed == [f"../plate/well{n}.tif" for n in range(5)]
    assert not (folder / "lock.json").exists()

    (plate / "well4.tif").unlink()
    before = bytes_of(plate.parent)
    again = make(bright)
    again.stage.session.projects.open(folder)
    again.stage.run()
    assert [each.name for each in again.worklist.rows] == [
        f"well{n}.tif" for n in range(5)
    ]
    assert again.stages[1] is Stage.PREDICTED
    assert again.worklist.rows[1].work.objects == 20
    assert "not there" in again.worklist.rows[4].why_not
    wait(again.stage, 3)
    assert bytes_of(plate.parent) == before, "opening has written"
    again.worklist.listing.remove([again.worklist.rows[1].source])
    assert "stays" in again.stage.state.problems["images"].text
    again.worklist.listing.remove([again.worklist.rows[4].source])
    assert len(again.worklist.rows) == 4
    again.stage.session.projects.leave()
    again.stage.run()
    assert again.stages == 4 * [Stage.UNSEEN], "what is beside the files"
    again.stage.session.close()


def test_layers_that_are_no_files_are_in_the_list_while_they_are_there(viewer, plate):
    fill(viewer, plate)
    layers = [OpenLayer(7, "drawn"), OpenLayer(8, "well2", plate / "well2.tif")]
    viewer.worklist.show_layers(layers, 7)
    names = [each.name for each in viewer.worklist.rows]
    assert names == [f"well{n}.tif" for n in range(5)] + ["drawn"]
    assert viewer.stage.state.worklist.place == 5
    viewer.worklist.show_layers(layers[1:], 8)
    assert len(viewer.worklist.rows) == 5
    assert viewer.stage.state.worklist.place == 2


def test_what_is_put_away_teaches(bright, plate):
    viewer = make(bright, ManualRunner)
    fill(viewer, plate)
    viewer.go(0)
    viewer.predict()
    viewer.stage.session.correcting.do(EVERYTHING)
    assert viewer.worklist.lessons() == []
    viewer.step(1)
    wait(viewer.stage, 4)
    (lesson,) = viewer.worklist.lessons()
    assert lesson.path == plate / "well0.tif"
    assert viewer.stage.state.why_not_finetune == ""
    (taught,) = drain(iter_read_work([lesson]))
    assert taught.trainable.all()
    assert taught.counts.verified_objects == 20
    told = []
    (plate / "well0.tif").unlink()
    assert drain(iter_read_work([lesson]), told.append) == []
    assert "well0.tif teaches nothing" in told[-1].message
    viewer.stage.session.close()


def test_what_is_said_of_one_image_holds_for_the_others(bright, tmp_path):
    for number in range(2):
        planes = np.stack([np.full((128, 160), number), disks(), disks(pitch=64)])
        tifffile.imwrite(
            tmp_path / f"{number}.tif",
            planes.astype(np.float32),
            photometric="minisblack",
            metadata={"axes": "CYX"},
        )
    viewer = make(bright)
    fill(viewer, tmp_path)
    viewer.go(0)
    assert "Channel" in viewer.stage.state.problems["image"].text
    viewer.stage.session.settings.set_channels("2")
    viewer.predict()
    viewer.predict_all()
    assert viewer.worklist.rows[1].work.objects == 20
    viewer.go(1)
    assert viewer.images.current.reading.channels == (1,)
    viewer.stage.session.close()


def test_values_are_refused_since_they_are_not_kept(viewer, plate):
    fill(viewer, plate)
    state = viewer.stage.state
    model = replace(state.model, variables=("height",))
    assert "not kept" in replace(state, model=model).why_not_predict_all
    assert not state.why_not_predict_all


@pytest.mark.parametrize(
    ("counts", "stage"),
    [
        ((0, 0, 0.0, False), Stage.UNSEEN),
        ((0, 0, 0.0, True), Stage.PREDICTED),
        ((9, 0, 0.0, True), Stage.PREDICTED),
        ((9, 2, 0.1, True), Stage.BEGUN),
        ((1, 1, 0.1, False), Stage.BEGUN),
        ((9, 9, 0.3, True), Stage.DONE),
        ((0, 0, 1.0, True), Stage.DONE),
    ],
)
def test_how_far_the_work_on_an_image_is(counts, stage):
    from napari_unet.session.worklist.entry import Work

    assert Work(*counts).stage is stage


def test_the_work_on_all_images_comes_along_into_a_new_project(viewer, plate):
    session = viewer.stage.session
    fill(viewer, plate)
    for place in (0, 1):
        viewer.go(place)
        viewer.predict()
        viewer.stage.paint(np.s_[60:64, 60:80], 70 + place)
        session.correcting.do(EVERYTHING)
        wait(viewer.stage, 12)
    viewer.go(2)
    viewer.predict()
    before = viewer.stages
    assert before[:3] == [Stage.DONE, Stage.DONE, Stage.PREDICTED]
    session.projects.create(plate.parent / "study")
    wait(viewer.stage, 12)
    assert viewer.stages == before
    assert not any(each.told for each in viewer.worklist.rows)
    assert "2 images came along" in viewer.stage.state.message
    held = {each.name for each in viewer.stage.state.project.images}
    assert held == {"well0.tif", "well1.tif", "well2.tif"}
    viewer.go(1)
    assert (viewer.stage.annotation.labels == 71).sum() == 80
    assert viewer.stage.state.image.verified_share == 1
    assert viewer.images.current.project.folder == plate.parent / "study.unet"
    session.projects.create(plate.parent / "second")  # from one project to the next
    wait(viewer.stage, 12)
    viewer.go(0)
    assert (viewer.stage.annotation.labels == 70).sum() == 80
    assert not viewer.stage.state.problems
    session.close()


def test_what_does_not_come_along_is_told_in_its_row(bright, plate):
    viewer = make(bright, ManualRunner)
    session = viewer.stage.session
    fill(viewer, plate)
    for place in range(3):
        viewer.go(place)
        viewer.predict()
        wait(viewer.stage, 12)
    session.projects.create(plate.parent / "study")
    while viewer.stage.state.worklist.bringing is None:
        session.tick()
        viewer.stage.runner.step()
    assert "on the way" in viewer.worklist.rows[0].why_not
    assert viewer.stage.state.why_not_predict_all
    while viewer.worklist.rows[0].why_not:
        session.tick()
        viewer.stage.runner.step()
    viewer.worklist.bringing.stop()
    wait(viewer.stage, 12)
    done, bare = Stage.PREDICTED, Stage.UNSEEN
    assert viewer.stages == [done, bare, done, bare, bare]
    assert "stay" in viewer.worklist.rows[1].problem
    told = viewer.stage.state.problems["project"].text
    assert "1 image stay" in told
    assert "study.unet is closed" in told
    session.projects.leave()
    viewer.stage.run()
    assert viewer.stages == [done, done, done, bare, bare], "the files stay listed"
    names = [each.name for each in viewer.worklist.rows]
    assert names == [f"well{number}.tif" for number in range(5)]
    assert not any(each.kept for each in viewer.worklist.rows)
    session.close()


def test_what_cannot_be_saved_beside_the_files_is_predicted_and_kept(viewer, plate):
    for number in range(3):  # no folder can be made there, as in one that is read-only
        (plate / f"well{number}.unet").write_text("")
    fill(viewer, plate)
    viewer.predict_all()
    assert viewer.stages == 5 * [Stage.PREDICTED]
    assert not any(each.told for each in viewer.worklist.rows)
    assert viewer.stage.state.message.startswith("5 images predicted. 3 cannot be")
    again = viewer.worklist.listing
    again.remove([each.source for each in viewer.worklist.rows])
    fill(viewer, plate)
    assert viewer.stages == 5 * [Stage.PREDICTED]
    viewer.go(1)
    assert viewer.stage.state.image.objects == 20
    viewer.stage.session.close()


def test_a_full_disk_stops_the_prediction_and_is_counted(viewer, plate, monkeypatch):
    for number in range(5):
        (plate / f"well{number}.unet").write_text("")
    blocked = plate / "no folder"
    blocked.write_text("")
    monkeypatch.setattr(
        "napari_unet.session.projects.kept_folder", lambda home: blocked / home.name
    )
    fill(viewer, plate)
    viewer.worklist.batch.start()
    for _ in range(40):
        viewer.stage.clock.now += 1
        viewer.stage.run()
    assert not viewer.worklist.batch.running
    assert viewer.stage.state.message.startswith("0 images predicted. 1 could not be")
    assert "not saved" in viewer.worklist.rows[0].problem


def test_the_way_goes_on_beyond_what_cannot_be_read(viewer, plate):
    for number in (1, 2):
        (plate / f"well{number}.tif").write_bytes(b"no image")
    fill(viewer, plate)
    viewer.go(0)
    viewer.step(1)
    assert viewer.current == "well0.tif"
    assert "well1.tif" in viewer.stage.state.problems["images"].text
    viewer.step(1)
    viewer.step(1)
    assert viewer.current == "well3.tif"
    viewer.step(-1)
    viewer.step(-1)
    viewer.step(-1)
    assert viewer.current == "well0.tif"
    row = viewer.worklist.rows[1]
    assert str(row.path) in row.problem
    assert row.told_in_row.startswith("It is not an image")
    viewer.worklist.show_layers([], None)  # its layer was removed
    viewer.go(3)
    viewer.worklist.show_layers([], None)
    viewer.step(1)
    assert viewer.current == "well4.tif"
    viewer.stage.session.close()


def test_files_that_are_layers_are_predicted_but_open_ones(viewer, plate):
    paths = [plate / f"well{number}.tif" for number in range(3)]
    layers = [OpenLayer(path.name, path.name, path) for path in paths]
    viewer.worklist.show_layers(layers, None)
    viewer.images.open(tifffile.imread(paths[0]), paths[0].name, None, paths[0])
    viewer.stage.run()
    viewer.worklist.show_layers(layers, paths[0].name)
    viewer.predict_all()
    assert viewer.stages == [Stage.UNSEEN, Stage.PREDICTED, Stage.PREDICTED]
    assert viewer.stage.state.message == "2 images predicted."
    viewer.worklist.show_layers(layers[:1], paths[0].name)
    viewer.worklist.batch.start()
    assert "press Predict" in viewer.stage.state.problems["images"].text
    viewer.images.open(tifffile.imread(paths[1]), paths[1].name, None, paths[1])
    viewer.stage.run()
    assert "The prediction of" in viewer.stage.state.message
    viewer.stage.session.close()


def test_rows_speak_of_channels_as_the_window_does(bright, tmp_path):
    planes = np.stack([disks(), disks(pitch=64), disks()]).astype(np.float32)
    for number in range(2):
        tifffile.imwrite(
            tmp_path / f"{number}.tif",
            planes + number,
            photometric="minisblack",
            metadata={"axes": "CYX"},
        )
    viewer = make(bright)
    fill(viewer, tmp_path)
    viewer.predict_all()
    told = viewer.worklist.rows[0].problem
    assert "Channel" in told
    assert "image[" not in told


def test_an_export_of_all_says_how_many_have_no_labels(viewer, plate):
    fill(viewer, plate)
    viewer.go(0)
    viewer.predict()
    wait(viewer.stage, 12)
    viewer.stage.session.exporting.start(everything=True)
    viewer.stage.run()
    told = viewer.stage.state.exporting.told
    assert told.endswith("of 1 image. 4 images have no labels yet.")
    viewer.stage.session.close()
