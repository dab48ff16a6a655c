"""Size of objects and thresholds: set by a person, applied, kept."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.models.record import new_record
from napari_unet.project.store import ProjectStore
from napari_unet.session.finetune import Improved
from napari_unet.session.models.restore import with_thresholds
from napari_unet.session.status import DEFAULT_MINUTES
from napari_unet.weights.model import Model, new_model
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage
from tests.session.test_projects import make, open_file, wait, work


@pytest.fixture
def sized():
    """A stage whose model knows objects of 6 to 30 px."""
    stage = Stage.make(InlineRunner())
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (6.0, 30.0)})
    stage.session.models.timeline.publish(replace(model, spec=known))
    return stage


def test_what_was_measured_is_shown_and_can_be_set(sized):
    settings = sized.session.settings
    assert sized.state.settings.knows_size
    sized.open(disks())
    assert sized.state.settings.measured is None
    sized.session.predict()
    sized.run()
    assert sized.state.settings.measured == pytest.approx(18, rel=0.15)
    settings.set_diameter(25)
    assert sized.state.settings.diameter == 25
    assert "Predict again" in sized.state.message
    sized.session.predict()
    sized.run()
    assert sized.session.images.current.diameter == 25
    settings.set_diameter(None)
    assert sized.state.settings.diameter is None


def test_the_pixel_size_can_be_said_and_comes_back(bright, tmp_path):
    path = tmp_path / "disks.tif"
    options = {"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}}
    tifffile.imwrite(path, disks(), **options)

    def sitting() -> Stage:
        stage = Stage.make(InlineRunner())
        stage.session.models.choose(bright)
        stage.open(disks(), path.name, path=path)
        return stage

    stage = sitting()
    image = stage.session.images.current
    assert image.pixel_size == pytest.approx(0.25)
    stage.session.predict()
    stage.run()
    stage.session.settings.set_pixel_size(0.5)
    assert image.pixel_size == 0.5
    assert stage.state.image.stated_pixel_size == pytest.approx(0.25)
    assert stage.state.settings.pixel_size == 0.5
    assert stage.session.close() == []
    again = sitting()
    assert again.session.images.current.pixel_size == 0.5
    again.session.settings.set_pixel_size(None)
    assert again.session.images.current.pixel_size == pytest.approx(0.25)
    assert again.session.close() == []
    assert sitting().session.images.current.pixel_size == pytest.approx(0.25)


def test_the_pixel_size_of_a_file_is_known(sized, tmp_path):
    path = tmp_path / "disks.tif"
    options = {"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}}
    tifffile.imwrite(path, disks(), **options)
    sized.open(disks(), path=path)
    assert sized.state.settings.pixel_size == pytest.approx(0.25)
    other = tmp_path / "other.tif"
    other.write_bytes(path.read_bytes())
    sized.session.images.open(disks(), "layer", None, other, 0.5)
    sized.run()
    assert sized.state.settings.pixel_size == 0.5
    damaged = tmp_path / "damaged.tif"
    damaged.write_bytes(b"II*\0nonsense")
    sized.open(disks(), name="damaged", path=damaged)
    assert sized.state.settings.pixel_size is None


def test_sizes_belong_to_images(sized):
    sized.open(disks())
    sized.session.settings.set_diameter(25)
    sized.open(disks(pitch=40), name="other")
    assert sized.state.settings.diameter is None


def test_objects_that_the_model_never_saw_are_told(sized):
    sized.open(disks(shape=(300, 300), pitch=100, radius=40))
    sized.session.predict()
    sized.run()
    assert re.search(r"measure (79|80) px", sized.state.settings.warning)
    assert "knows 6 to 30 px" in sized.state.settings.warning
    assert sized.state.image.objects == 9, "it was predicted anyway"
    sized.session.settings.set_diameter(20)
    assert not sized.state.settings.warning


def faint_disks():
    return disks(dim=(1, 2, 3))


def test_a_threshold_applies_at_once_without_the_network(stage, monkeypatch):
    stage.open(faint_disks())
    stage.session.predict()
    stage.run()
    before = stage.state.image.objects
    monkeypatch.setattr(
        "napari_unet.session.predicting.Predict.run", lambda *_: pytest.fail("asked")
    )
    stage.session.settings.set_thresholds(0.005)
    stage.run()
    assert stage.state.image.objects == before + 3
    assert stage.state.settings.foreground == 0.005
    assert stage.state.message.startswith(f"Found {before + 3} objects")
    stage.session.settings.set_thresholds(0.5)
    stage.run()
    assert stage.state.image.objects == before


def test_a_threshold_that_moves_during_a_prediction_applies_at_its_end():
    stage = Stage.make(ManualRunner())
    stage.session.models.timeline.publish(brightness_model())
    stage.open(faint_disks())
    stage.session.predict()
    assert stage.state.predicting
    stage.session.settings.set_thresholds(foreground=0.005)
    stage.run()
    shown = stage.state.image.objects
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == shown
    assert stage.session.models.active.spec.decoding.at_parting != 0.005


def test_one_threshold_leaves_the_other_as_it_is(stage, image):
    stage.open(image)
    before = stage.session.models.active.spec.decoding
    stage.session.settings.set_thresholds(foreground=0.3)
    stage.session.settings.set_thresholds(parting=0.4)
    after = stage.session.models.active.spec.decoding
    assert after == before.model_copy(update={"foreground": 0.3, "contact": 0.4})


def distances_model():
    """Return a model of the first release's way to find objects."""
    model = brightness_model(name="old")
    spec = model.spec.model_copy(update={"decoding": DistancesDecoding()})
    with_maps = new_model(spec)
    with_maps.net.load_state_dict(
        {
            name: each[:3] if name.startswith("head") else each
            for name, each in model.net.state_dict().items()
        }
    )
    return with_maps


def test_what_parts_objects_is_what_the_active_model_calls_so(stage, image):
    stage.open(image)
    reach = stage.session.models.active
    shown = stage.state.settings
    assert shown.parting == reach.spec.decoding.contact
    assert shown.parting_limits == ReachDecoding.parting_limits
    stage.session.settings.set_thresholds(parting=0.9)
    stage.session.models.timeline.publish(distances_model())
    shown = stage.state.settings
    assert shown.parting == DistancesDecoding().prominence
    assert shown.parting_limits == DistancesDecoding.parting_limits
    assert shown.parting_words == DistancesDecoding.parting_words
    stage.session.settings.set_thresholds(parting=0.9)
    assert stage.session.models.active.spec.decoding.prominence == 0.5, "the most"
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects


def test_thresholds_of_another_way_to_find_objects_change_nothing():
    reach, distances = brightness_model(), distances_model()
    for model, foreign in (
        (reach, DistancesDecoding(foreground=0.3)),
        (distances, ReachDecoding(foreground=0.3)),
        (reach, ReachDecoding(farthest=16)),
    ):
        assert model.with_decoding(foreign) is model
        assert with_thresholds(model, foreign) == (model, None)
    model, came_with = with_thresholds(reach, ReachDecoding(foreground=0.3))
    assert model.spec.decoding.foreground == 0.3
    assert came_with == reach.spec.decoding


def test_a_training_gives_no_model_the_thresholds_of_another_kind(stage, image):
    stage.open(image)
    stage.session.settings.set_thresholds(foreground=0.3)
    improved = Improved(distances_model(), new_record(), 1, "fine-tune")
    version = stage.session.models.publish(improved, None, activate=True)
    assert version.model.spec.decoding == DistancesDecoding()
    assert version.came_with is None


def test_a_built_in_model_that_was_trained_anew_forgets_old_thresholds(
    tmp_path, monkeypatch
):
    path = tmp_path / "disks.tif"
    tifffile.imwrite(path, disks())

    def open_again():
        stage = Stage.make(InlineRunner())
        stage.session.start()
        stage.run()
        stage.open(tifffile.imread(path), name="disks", path=path)
        wait(stage)
        return stage

    def load(name):
        model = models_of_this_release[0]
        return Model(model.spec.model_copy(update={"name": name}), model.net)

    monkeypatch.setattr("napari_unet.weights.load_model", load)
    models_of_this_release = [distances_model()]
    stage = open_again()
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[5:9, 5:9], 90)
    stage.session.settings.set_thresholds(0.35, 0.2)
    wait(stage)
    stage.session.close()
    again = open_again()
    assert again.state.settings.thresholds_moved
    again.session.close()
    models_of_this_release = [brightness_model()]
    for _ in range(2):
        again = open_again()
        assert (
            again.session.models.active.spec.decoding
            == brightness_model().spec.decoding
        )
        assert not again.state.settings.thresholds_moved
        assert not again.state.problems
        again.session.predict()
        wait(again)
        again.session.close()


def test_thresholds_go_back_to_those_that_the_model_came_with(stage, image):
    stage.open(image)
    came_with = stage.session.models.active.spec.decoding
    assert not stage.state.settings.thresholds_moved
    stage.session.settings.set_thresholds(foreground=0.3)
    stage.session.settings.set_thresholds(parting=0.4)
    assert stage.state.settings.thresholds_moved
    stage.session.settings.reset_thresholds()
    assert stage.session.models.active.spec.decoding == came_with
    assert not stage.state.settings.thresholds_moved


def test_a_built_in_model_keeps_its_thresholds_while_another_is_tried():
    stage = Stage.make(InlineRunner())
    stage.session.start()
    stage.run()
    stage.session.settings.set_thresholds(foreground=0.7)
    stage.session.models.choose("axons")
    stage.run()
    assert stage.state.model.name == "axons"
    stage.session.models.choose("nuclei")
    stage.run()
    assert stage.state.model.name == "nuclei"
    assert stage.state.settings.foreground == 0.7
    assert len(stage.state.versions) == 2


def test_few_large_objects_are_told(sized):
    sized.open(disks(shape=(64, 64), pitch=64, radius=14))
    sized.session.predict()
    sized.run()
    assert "few to measure" in sized.state.settings.warning
    sized.session.settings.set_diameter(28)
    assert not sized.state.settings.warning


def test_nothing_seen_now_hides_what_another_model_measured(sized):
    sized.open(disks())
    sized.session.predict()
    sized.run()
    assert sized.state.settings.measured
    blind = sized.session.models.active
    decoding = blind.spec.decoding.model_copy(update={"min_size": 10_000})
    sized.session.models.timeline.publish(blind.with_decoding(decoding))
    sized.session.predict()
    sized.run()
    assert sized.state.image.objects == 0
    assert sized.state.settings.measured is None


def test_what_is_verified_stays_whatever_the_threshold(stage):
    stage.open(faint_disks())
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[60:64, 60:80], 90)
    stage.session.settings.set_thresholds(0.999)
    stage.run()
    assert (stage.annotation.labels[60:64, 60:80] == 90).all()


def test_only_the_last_of_many_thresholds_counts():
    stage = Stage.make(ManualRunner())
    stage.session.models.timeline.publish(brightness_model())
    stage.open(faint_disks())
    stage.session.predict()
    stage.run()
    for foreground in (0.3, 0.2, 0.1, 0.005):
        stage.session.settings.set_thresholds(foreground)
        stage.runner.step()
    stage.run()
    assert stage.session.models.active.spec.decoding.foreground == 0.005
    again = stage.annotation.labels.copy()
    stage.session.predict()
    stage.run()
    np.testing.assert_array_equal(again > 0, stage.annotation.labels > 0)


def test_other_networks_have_said_nothing_yet(stage, image):
    stage.open(image)
    stage.session.settings.set_thresholds(0.4)
    assert "Predict again" in stage.state.message
    stage.session.predict()
    stage.run()
    stage.session.models.timeline.publish(brightness_model(0.4))
    stage.session.settings.set_thresholds(0.3)
    assert "Predict again" in stage.state.message


def test_only_the_last_predicted_image_keeps_what_was_said(stage):
    stage.open(faint_disks())
    first = stage.session.images.current
    stage.session.predict()
    stage.run()
    model, predicting = stage.session.models.active, stage.session.predicting
    assert predicting.can_decode(first, model)
    stage.open(faint_disks(), name="other")
    second = stage.session.images.current
    stage.session.predict()
    stage.run()
    assert predicting.can_decode(second, model)
    assert not predicting.can_decode(first, model)
    stage.session.images.release(second)
    assert not predicting.can_decode(second, model)


def test_thresholds_go_with_training_and_come_back_with_the_project(
    bright, files, tmp_path
):
    stage = make(bright)
    stage.session.projects.create(tmp_path / "study")
    work(stage, files[0])
    stage.session.settings.set_thresholds(0.35, 0.2)
    wait(stage)
    stage.session.close()
    again = make(bright)
    again.session.projects.open(tmp_path / "study.unet")
    again.run()
    open_file(again, files[0])
    assert again.state.settings.foreground == 0.35
    assert again.state.settings.parting == 0.2
    again.session.close()


@pytest.mark.parametrize("in_a_project", [True, False])
def test_what_was_set_comes_back_where_only_a_built_in_model_was_used(
    in_a_project, tmp_path
):
    path = tmp_path / "plate" / "disks.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, disks())

    def open_again():
        stage = Stage.make(InlineRunner())
        stage.session.start()
        stage.run()
        if in_a_project and (tmp_path / "study.unet").exists():
            stage.session.projects.open(tmp_path / "study.unet")
        elif in_a_project:
            stage.session.projects.create(tmp_path / "study")
        stage.run()
        stage.open(tifffile.imread(path), name="disks", path=path)
        wait(stage)
        return stage

    stage = open_again()
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[5:9, 5:9], 90)
    stage.session.settings.set_thresholds(0.35, 0.2)
    stage.session.settings.set_diameter(33)
    wait(stage)
    stage.session.close()
    again = open_again()
    settings = again.state.settings
    assert (settings.foreground, settings.parting, settings.diameter) == (
        0.35,
        0.2,
        33,
    )
    assert settings.thresholds_moved
    again.session.settings.set_diameter(None)
    again.session.predict()
    wait(again)
    again.session.close()
    last = open_again()
    assert last.state.settings.diameter is None
    last.session.close()


class _Hand(Stage):
    """Somebody who looks at a corner, and drags a slider."""

    def step_until(self, happened) -> None:
        for _ in range(500):
            if happened():
                return
            for job in self.runner.jobs:
                job.step()
            self.session.tick()
        raise AssertionError("it does not happen")


def test_what_is_in_view_follows_a_slider_before_all_is_found_anew():
    stage = _Hand.make(ManualRunner(), view=lambda: Box((0, 0), (60, 100)))
    stage.session.models.timeline.publish(brightness_model())
    stage.open(faint_disks())
    stage.session.predict()
    stage.run()
    labels, before = stage.annotation.labels, stage.state.image.objects
    assert labels[16, 16] == 0 < labels[112, 48]
    stage.session.settings.set_thresholds(0.005)
    (whole,) = stage.runner.jobs
    stage.step_until(lambda: labels[16, 16] > 0)
    assert whole.running
    # Another value ends what goes on, as the view is shown already.
    stage.session.settings.set_thresholds(0.5)
    assert whole.cancelled
    stage.run()
    assert labels[16, 16] == 0
    assert stage.state.image.objects == before
    assert stage.state.message.startswith("Found")


def test_a_slider_does_not_end_what_is_not_shown_yet():
    stage = _Hand.make(ManualRunner(), view=lambda: Box((0, 0), (60, 100)))
    stage.session.models.timeline.publish(brightness_model())
    stage.open(faint_disks())
    stage.session.predict()
    stage.run()
    stage.session.settings.set_thresholds(0.005)
    (first,) = stage.runner.jobs
    for value in (0.3, 0.4, 0.5):
        stage.session.settings.set_thresholds(value)
    assert not first.cancelled
    stage.run()
    assert stage.annotation.labels[16, 16] == 0


@pytest.mark.parametrize("impossible", [0, -1, 1e9, math.nan, math.inf])
def test_what_no_project_can_keep_is_refused_and_nothing_is_damaged(
    bright, tmp_path, impossible
):
    path = tmp_path / "disks.tif"
    tifffile.imwrite(path, disks())
    stage = Stage.make(InlineRunner())
    stage.session.models.choose(bright)
    stage.open(disks(), path.name, path=path)
    stage.session.predict()
    stage.run()
    settings = stage.session.settings
    for set_to in (
        stage.session.set_minutes,
        settings.set_diameter,
        settings.set_pixel_size,
    ):
        with pytest.raises(InputError, match=r"possible|should be"):
            set_to(impossible)
    assert stage.state.minutes == DEFAULT_MINUTES
    stage.session.close()
    read, _ = ProjectStore(path.with_suffix(".unet")).read()
    assert read.settings.minutes == DEFAULT_MINUTES


def test_a_few_verified_objects_show_how_large_those_of_their_image_are(sized):
    """Where a model measures wrongly, a person need not type a number."""
    labels = np.zeros((300, 300), np.int32)
    sized.open(disks(shape=(300, 300), pitch=60, radius=15))
    annotation = sized.session.images.current.annotation
    for number, corner in enumerate([(30, 30), (30, 90), (90, 30), (90, 90)]):
        assert sized.session.images.current.shown_diameter is None, number
        y, x = np.ogrid[:300, :300]
        disk = (y - corner[0]) ** 2 + (x - corner[1]) ** 2 <= 15**2
        annotation.live[disk] = annotation.new_id()
        annotation.notice_change(Box.whole(labels.shape))
        annotation.do(Settle())
    shown = sized.session.images.current.shown_diameter
    assert shown == pytest.approx(30, rel=0.1)
    assert sized.session.images.current.known_diameter == shown
    sized.session.settings.set_diameter(12)
    assert sized.session.images.current.known_diameter == 12


@pytest.mark.parametrize("shape", [(64, 64), (3, 64, 64)])
def test_a_stack_shows_how_large_objects_are_in_a_plane(shape):
    labels = np.zeros(shape, np.int32)
    for number in range(4):
        labels[..., 16 * number : 16 * number + 10, 20:30] = number + 1
    verified = np.full(shape, Provenance.ACCEPTED, np.uint8)
    found = Annotation(labels, verified).pixels.objects.verified_diameter()
    assert found == pytest.approx(2 * math.sqrt(100 / math.pi))


def test_crumbs_of_a_volume_show_no_size():
    """Of a stack of which one plane is verified only these are so as a whole."""
    labels = np.zeros((6, 64, 64), np.int32)
    for number in range(4):
        labels[:, 16 * number : 16 * number + 10, 20:30] = number + 1
        labels[2, 16 * number : 16 * number + 2, 40:42] = number + 5
    verified = np.zeros(labels.shape, np.uint8)
    verified[2] = Provenance.ACCEPTED
    objects = Annotation(labels, verified).pixels.objects
    assert objects.verified_diameter() < 3
    assert objects.verified_diameter(sections=6) is None
