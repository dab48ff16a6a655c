"""The view is predicted while a person looks around: when, in which order, and how."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView, StartOver
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from napari_unet.inference import live as engine
from napari_unet.inference import tile_maps
from napari_unet.inference.predict import predict
from napari_unet.session.live.beside import planes_outwards
from napari_unet.session.live.jobs import PredictView
from napari_unet.session.live.known import Tiles
from napari_unet.session.live.live import REST_SECONDS
from napari_unet.session.prediction import Merge, Predict
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import (
    brightness_model,
    classes_model,
    disks,
    values_model,
)
from tests.session.conftest import Stage

SHAPE = (220, 260)
DISKS = disks(SHAPE, pitch=24, radius=7)
FIRST, BESIDE, FAR = (
    Box((10, 10), (60, 60)),
    Box((10, 40), (60, 90)),
    Box((150, 190), (210, 250)),
)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch) -> None:
    monkeypatch.setattr(tile_maps, "TILE", 32)


class Explorer(Stage):
    """A person who looks around."""

    def look(self, box: Box | None) -> None:
        self.box = box
        self.session.live.look()

    def rest(self) -> None:
        """Keep still until the view is predicted."""
        self.clock.now += 2 * REST_SECONDS
        for _ in range(1000):
            self.session.tick()
            if isinstance(self.runner, ManualRunner):
                self.runner.run()
            if not self.state.live.busy and not self.state.predicting:
                self.session.tick()
                if not self.state.live.busy:
                    return
        raise AssertionError("it does not come to an end")

    def seen(self, box: Box) -> np.ndarray:
        return self.annotation.provenance[box.slices] != Provenance.UNSEEN

    @property
    def labels(self) -> np.ndarray:
        return np.array(self.annotation.labels, subok=False)


def explore(runner, model=None, image=DISKS, **options) -> Explorer:
    stage = Explorer.make(runner, view=lambda: stage.box)
    stage.box = None
    stage.session.models.timeline.publish(model or brightness_model())
    stage.open(image, **options)
    return stage


@pytest.fixture(params=[InlineRunner, ManualRunner], ids=["inline", "manual"])
def explorer(request) -> Explorer:
    stage = explore(request.param())
    stage.session.live.switch(True)
    return stage


@pytest.fixture
def stepped() -> Explorer:
    stage = explore(ManualRunner())
    stage.session.live.switch(True)
    return stage


def views(stage: Explorer) -> list:
    return [job for job in stage.runner.jobs if job.does(PredictView)]


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = {*zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)}
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_a_view_without_a_prediction_gets_one_and_nothing_else_does(explorer):
    explorer.look(FIRST)
    explorer.rest()
    assert explorer.seen(FIRST).all()
    assert not explorer.seen(FAR).any()
    assert explorer.labels[FIRST.slices].any()
    assert explorer.state.image.has_labels
    assert not explorer.state.problems


def test_nothing_happens_unless_it_is_switched_on(explorer):
    explorer.session.live.switch(False)
    explorer.look(FIRST)
    explorer.rest()
    assert not explorer.seen(Box.whole(SHAPE)).any()


def test_looking_all_over_ends_where_predict_would(explorer):
    whole = predict(DISKS, brightness_model(), device="cpu")
    for y in range(0, SHAPE[0], 45):
        for x in range(0, SHAPE[1], 55):
            explorer.look(Box((y, x), (min(SHAPE[0], y + 50), min(SHAPE[1], x + 60))))
            explorer.rest()
    assert explorer.seen(Box.whole(SHAPE)).all()
    assert same_partition(explorer.labels, whole)


def test_objects_keep_their_ids_when_the_neighbourhood_comes(explorer):
    explorer.look(FIRST)
    explorer.rest()
    before = explorer.labels
    explorer.look(BESIDE)
    explorer.rest()
    inner = before[16:48, 16:40]
    assert inner.any()
    np.testing.assert_array_equal(explorer.labels[16:48, 16:40], inner)


def test_what_is_predicted_is_left_alone(explorer):
    explorer.box = FIRST
    explorer.session.predict()
    explorer.rest()
    revision = explorer.annotation.revision
    for box in (FIRST, BESIDE, FAR):
        explorer.look(box)
        explorer.rest()
    assert explorer.annotation.revision == revision


def test_nothing_starts_before_the_view_is_at_rest(stepped):
    stepped.look(FIRST)
    stepped.session.tick()
    assert not views(stepped)
    for _ in range(5):
        stepped.clock.now += 0.7 * REST_SECONDS
        stepped.look(BESIDE)
        stepped.session.tick()
    assert not views(stepped)
    stepped.clock.now += 1.1 * REST_SECONDS
    stepped.session.tick()
    assert len(views(stepped)) == 1
    assert stepped.state.live.busy
    assert stepped.state.predicting is None


def begun(stage: Explorer) -> None:
    """Let the first view be under way, with a tile or two."""
    stage.look(FIRST)
    stage.clock.now += 2 * REST_SECONDS
    stage.session.tick()
    for _ in range(200):
        views(stage)[0].step()
        if any(job.does(Merge) for job in stage.runner.jobs):
            return
    raise AssertionError("no part of the view came")


def test_the_newest_view_wins_and_the_stale_one_is_dropped(stepped):
    begun(stepped)
    (old,) = views(stepped)
    stepped.look(FAR)
    stepped.clock.now += 2 * REST_SECONDS
    stepped.session.tick()
    assert old.cancelled
    stepped.rest()
    assert stepped.seen(FAR).all()
    assert not stepped.seen(FIRST).all()


def test_moving_a_little_goes_on_with_what_is_under_way(stepped):
    begun(stepped)
    (job,) = views(stepped)
    stepped.look(Box((11, 11), (61, 61)))
    stepped.clock.now += 2 * REST_SECONDS
    stepped.session.tick()
    assert views(stepped) == [job]
    assert not job.cancelled


def test_tiles_are_kept_though_their_view_was_dropped(stepped, monkeypatch):
    begun(stepped)
    stepped.look(FAR)
    stepped.rest()
    asked = []
    forward = engine.PlanePredictor.iter_maps

    def counted(self, plane, turns=0):
        asked.append(plane.shape)
        return forward(self, plane, turns)

    monkeypatch.setattr(engine.PlanePredictor, "iter_maps", counted)
    # The tile in the middle of the first view was there.
    stepped.look(Box((36, 36), (60, 60)))
    stepped.rest()
    assert not asked
    assert stepped.seen(Box((36, 36), (60, 60))).all()


def test_predict_goes_first(stepped):
    begun(stepped)
    (view,) = views(stepped)
    stepped.session.predict()
    stepped.clock.now += 2 * REST_SECONDS
    stepped.session.tick()
    assert view.cancelled
    assert [job for job in stepped.runner.jobs if job.does(Predict)]
    stepped.rest()
    assert stepped.seen(Box.whole(SHAPE)).all()
    whole = predict(DISKS, brightness_model(), device="cpu")
    assert same_partition(stepped.labels, whole)


def test_nothing_is_written_during_a_stroke(stepped):
    begun(stepped)
    stepped.runner.run()
    image = stepped.session.images.current

    class Busy(type(image.canvas)):
        busy = True

    canvas, image.canvas = image.canvas, Busy(image.annotation)
    for _ in range(5):
        stepped.session.tick()
    assert not stepped.seen(FIRST).any()
    image.canvas = canvas
    stepped.rest()
    assert stepped.seen(FIRST).all()


def test_verified_pixels_stay(explorer):
    place = np.s_[20:36, 12:50]
    explorer.paint(place, 7)
    explorer.session.correcting.do(AcceptView(Box((40, 20), (60, 50))))
    before = explorer.labels, explorer.annotation.provenance.copy()
    verified = before[1] >= Provenance.ACCEPTED
    assert verified.any()
    explorer.look(FIRST)
    explorer.rest()
    assert explorer.seen(FIRST).all()
    assert (explorer.labels[verified] == before[0][verified]).all()
    assert (explorer.annotation.provenance[verified] == before[1][verified]).all()


def test_another_model_predicts_the_view_and_leaves_the_rest(explorer):
    for box in (FIRST, FAR):
        explorer.look(box)
        explorer.rest()
    far = explorer.labels[FAR.slices]
    explorer.look(FIRST)
    explorer.rest()
    session = explorer.session
    session.models.timeline.publish(brightness_model(1.2), activate=False)
    session.activate_version(session.models.timeline.versions[-1].number)
    explorer.rest()
    assert not explorer.labels[FIRST.slices].any()
    np.testing.assert_array_equal(explorer.labels[FAR.slices], far)
    explorer.look(FAR)
    explorer.rest()
    assert not explorer.labels[FAR.slices].any()
    assert not explorer.seen(Box((120, 100), (140, 120))).any()


def test_another_model_predicts_all_of_what_was_predicted_as_a_whole(explorer):
    explorer.box = FIRST
    explorer.session.predict()
    explorer.rest()
    session = explorer.session
    session.models.timeline.publish(brightness_model(1.2), activate=False)
    session.activate_version(session.models.timeline.versions[-1].number)
    explorer.rest()
    assert not explorer.labels.any()


def test_thresholds_change_the_view_without_the_network(explorer, monkeypatch):
    explorer.look(FIRST)
    explorer.rest()
    monkeypatch.setattr(engine.PlanePredictor, "iter_maps", None)
    explorer.session.settings.set_thresholds(foreground=0.999)
    explorer.rest()
    assert explorer.seen(FIRST).all()
    assert not explorer.state.problems
    assert "Predict again" not in explorer.state.message
    decoding = explorer.session.models.active.spec.decoding
    known = explorer.session.live._known[explorer.session.images.current]
    assert {each.decoding for each in known.written.values()} == {decoding}


def test_starting_over_has_the_view_predicted_again(explorer):
    explorer.look(FIRST)
    explorer.rest()
    explorer.session.correcting.do(StartOver())
    assert not explorer.seen(FIRST).any()
    explorer.rest()
    assert explorer.seen(FIRST).all()


def test_a_view_of_too_much_is_left_alone_and_that_is_said(explorer, monkeypatch):
    monkeypatch.setattr(tile_maps, "LARGEST_VIEW", 5000)
    explorer.look(Box((0, 0), (200, 200)))
    explorer.rest()
    assert not explorer.seen(Box.whole(SHAPE)).any()
    assert "Zoom in" in explorer.state.live.words
    explorer.look(FIRST)
    explorer.rest()
    assert explorer.seen(FIRST).all()
    assert not explorer.state.live.words


class Leafer(Explorer):
    """A person who leafs through the planes of a stack."""

    def turn_to(self, *plane: int) -> None:
        self.look(Box((*plane, 10, 10), (*(each + 1 for each in plane), 60, 60)))
        self.clock.now += 2 * REST_SECONDS

    def predicted(self) -> list[tuple[int, ...]]:
        """Return the planes that are predicted."""
        seen = self.annotation.provenance != Provenance.UNSEEN
        return [at for at in np.ndindex(seen.shape[:-2]) if seen[at].any()]

    def go_on(self, planes: int) -> list[tuple[int, ...]]:
        """Tick until so many more planes are predicted, and return these in order."""
        before = self.predicted()
        order: list[tuple[int, ...]] = []
        for _ in range(400):
            if len(order) == planes:
                return order
            self.session.tick()
            for job in self.runner.jobs[:1]:
                job.step()
            order += [at for at in self.predicted() if at not in (*before, *order)]
        return order


@pytest.fixture
def leafing() -> Leafer:
    stage = Leafer.make(ManualRunner(), view=lambda: stage.box)
    stage.box = None
    stage.session.models.timeline.publish(brightness_model())
    stage.open(np.broadcast_to(DISKS[:64, :64], (7, 64, 64)).copy(), axes="ZYX")
    stage.session.live.switch(True)
    return stage


def test_the_plane_in_view_comes_first_and_then_those_beside_it(leafing):
    leafing.turn_to(3)
    order = leafing.go_on(7)
    assert order == [(3,), (4,), (2,), (5,), (1,), (6,), (0,)]
    seen = leafing.annotation.provenance != Provenance.UNSEEN
    assert seen[:, 10:60, 10:60].all()
    leafing.rest()


def test_the_order_follows_who_goes_to_another_plane(leafing):
    leafing.turn_to(1)
    assert leafing.go_on(2) == [(1,), (2,)]
    leafing.turn_to(5)
    assert leafing.go_on(3) == [(5,), (6,), (4,)]
    leafing.turn_to(4)  # it is predicted already
    assert leafing.go_on(1) == [(3,)]


def test_a_neighbour_that_is_under_way_goes_on_when_it_comes_into_view(leafing):
    leafing.turn_to(2)
    leafing.go_on(1)
    while not any(job.does(PredictView) for job in leafing.runner.jobs):
        leafing.session.tick()
        leafing.runner.step()
    (job,) = views(leafing)
    leafing.turn_to(3)
    leafing.session.tick()
    assert not job.cancelled
    assert leafing.go_on(2) == [(3,), (4,)]


def test_a_stroke_does_not_end_what_is_predicted_beside_the_view(leafing):
    leafing.turn_to(2)
    leafing.go_on(1)
    while not views(leafing):
        leafing.session.tick()
        leafing.runner.step()
    (job,) = views(leafing)
    leafing.paint(np.s_[2, 20:30, 20:30], 9)
    leafing.session.tick()
    assert not job.cancelled


def test_only_the_plane_in_view_is_predicted_while_a_model_learns(leafing):
    leafing.turn_to(3)
    leafing.session._hub.show(training=object())
    assert leafing.go_on(7) == [(3,)]


def test_depth_goes_before_time_and_what_is_beside_before_what_is_far():
    view = Box((1, 1, 0, 0), (2, 2, 5, 5))
    places = [each.start[:2] for each in planes_outwards(view, (3, 3, 9, 9))]
    assert places[:4] == [(1, 2), (1, 0), (2, 1), (0, 1)]
    assert sorted([(1, 1), *places]) == sorted(np.ndindex(3, 3))
    assert not [*planes_outwards(Box((0, 2), (5, 9)), (5, 9))]
    assert not [*planes_outwards(Box((0, 4, 0), (9, 5, 9)), (9, 9, 9))]


@pytest.mark.parametrize("model", [classes_model(), values_model()])
def test_classes_and_values_are_predicted_too(model):
    stage = explore(InlineRunner(), model)
    stage.session.live.switch(True)
    for box in (FIRST, BESIDE):
        stage.look(box)
        stage.rest()
    whole = predict(DISKS, model, device="cpu")
    annotation = stage.annotation
    shown = annotation.values.predicted if annotation.values else stage.labels
    for box in (FIRST, BESIDE):
        here, there = shown[..., *box.slices], whole[..., *box.slices]
        np.testing.assert_allclose(here, there, rtol=1e-5)
        assert not annotation.unseen(box).any()
    assert annotation.unseen(FAR).all()


def test_what_cannot_be_predicted_is_told_once(stepped, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("the network broke")

    monkeypatch.setattr(engine.PlanePredictor, "iter_maps", broken)
    stepped.look(FIRST)
    stepped.rest()
    assert "the network broke" in stepped.state.problems["predict"].text
    for _ in range(5):
        stepped.clock.now += 1
        stepped.session.tick()
    assert not stepped.runner.jobs
    monkeypatch.undo()
    stepped.look(FAR)
    stepped.rest()
    assert stepped.seen(FAR).all()
    assert "predict" not in stepped.state.problems


def test_an_image_that_is_put_away_is_forgotten(stepped):
    begun(stepped)
    image = stepped.session.images.current
    stepped.session.images.release(image)
    stepped.runner.run()
    assert image not in stepped.session.live._known
    assert not stepped.state.live.busy


def test_tiles_are_kept_up_to_some_memory():
    image, other = object(), object()
    tiles = Tiles(most_bytes=4000)
    boxes = [Box((n,), (n + 1,)) for n in range(5)]
    maps = np.zeros(1000, np.uint8)
    for box in boxes[:4]:
        tiles.keep(image, box, maps)
    assert set(tiles.find(image, boxes)) == set(boxes[:4])
    tiles.find(image, boxes[:1])  # asked for last
    tiles.keep(other, boxes[4], maps)
    assert set(tiles.find(image, boxes)) == {boxes[0], *boxes[2:4]}
    tiles.forget(image)
    assert not tiles.find(image, boxes)
    assert set(tiles.find(other, boxes)) == {boxes[4]}
