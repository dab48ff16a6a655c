"""The robot pays, sees only its view, keeps what is done, and makes things better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from benchmarks.annotator.desk import Desk, views_of
from benchmarks.annotator.hand import Hand
from benchmarks.annotator.kinds import Image, Kind, read_kind
from benchmarks.annotator.learner import UNetLearner
from benchmarks.annotator.play import Plan, Play
from benchmarks.annotator.robot import Robot
from napari_unet.annotation.provenance import is_verified
from napari_unet.cli.annotator import take_over
from napari_unet.geometry.box import Box
from napari_unet.learning.config import FitConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.scores.metrics import evaluate
from napari_unet.weights.model import new_model
from tests.tiny import make_disks
from training.pictures import DRAWN_STACKS

PERFECT = Hand(unsteadiness=0, wrong_decision=0, sees=1.0, sees_surely=1.0)


def work_through(robot: Robot, desk: Desk, views=None):
    actions = []
    for view in views or views_of(desk.image):
        actions += robot.work_on(desk, view)
    return actions


def errors(found: np.ndarray, kind: str, truth: np.ndarray) -> np.ndarray:
    """Return a truth with mistakes of a kind."""
    if kind == "nothing":
        return np.zeros_like(truth)
    if kind == "merged":
        return np.asarray(ndi.label(ndi.binary_dilation(truth > 0, iterations=7))[0])
    if kind == "split":
        columns = np.arange(truth.shape[1]) % 16 < 8
        return np.where(truth > 0, 2 * truth + columns, 0)
    if kind == "strangers":
        return np.where((truth == 0) & (np.indices(truth.shape)[0] % 16 < 5), 99, truth)
    if kind == "fat":
        return np.asarray(ndi.grey_dilation(truth, 9))
    return truth


@pytest.mark.parametrize(
    "kind", ["nothing", "merged", "split", "strangers", "fat", "none"]
)
def test_a_perfect_hand_makes_the_truth_of_every_mistake(disks, kind):
    desk = Desk.of(disks)
    take_over(desk.annotation, errors(disks.truth, kind, disks.truth).astype(np.int32))
    actions = work_through(Robot(np.random.default_rng(0), PERFECT), desk)
    scores = evaluate(disks.truth, desk.annotation.labels)
    assert scores.ap["0.90"] == 1
    corrected = sum(action.corrected for action in actions)
    assert (corrected == 0) == (kind == "none")
    assert desk.annotation.counts().verified_pixels == disks.truth.size


def test_what_was_refreshed_meanwhile_is_not_accepted_unseen(disks):
    desk = Desk.of(disks)
    truth = disks.truth
    rows = np.indices(truth.shape)[0] // 16
    refreshed = 0
    for action in Robot(np.random.default_rng(0), PERFECT).work_on(
        desk, Box.whole(truth.shape)
    ):
        if action.corrected and refreshed < 8:
            other = np.where((truth == 0) & (rows == refreshed), 99, truth)
            desk.refresh(other.astype(np.int32))
            refreshed += 1
    assert refreshed == 8
    assert desk.annotation.counts().verified_pixels == truth.size
    assert evaluate(truth, desk.annotation.labels).ap["0.90"] == 1


def test_strangers_that_a_better_model_has_not_are_left_alone(disks):
    desk = Desk.of(disks)
    rows = np.indices(disks.truth.shape)[0] // 16
    strangers = np.where((disks.truth == 0) & (rows % 2 == 0), 90 + rows, disks.truth)
    take_over(desk.annotation, strangers.astype(np.int32))
    view = Box.whole(disks.truth.shape)
    for action in Robot(np.random.default_rng(0), PERFECT).work_on(desk, view):
        if action.corrected:
            desk.refresh(disks.truth)
    assert (evaluate(disks.truth, desk.annotation.labels)).ap["0.90"] == 1


def test_what_lies_beyond_the_view_is_not_touched(disks):
    desk = Desk.of(disks)
    view = Box((0, 0), (80, 80))
    work_through(Robot(np.random.default_rng(0)), desk, [view])
    far = np.ones(disks.truth.shape, bool)
    far[:100, :100] = False
    assert not desk.annotation.labels[far].any()
    assert not is_verified(desk.annotation.provenance[far]).any()


def test_a_right_view_costs_to_open_and_to_accept_it(disks):
    desk = Desk.of(disks)
    take_over(desk.annotation, disks.truth)
    hand = Hand(wrong_decision=0)
    view = views_of(disks)[0]
    actions = work_through(Robot(np.random.default_rng(0), hand), desk, [view])
    assert sum(a.seconds for a in actions) == hand.open_view + hand.accept_view


def test_more_to_paint_costs_more(disks):
    hand = Hand()
    small, large = np.zeros((2, 64, 64), bool)
    small[20:30, 20:30] = True
    large[10:50, 20:30] = True
    assert hand.seconds_to_paint(np.zeros_like(small), 2.0) == 0
    assert hand.seconds_to_paint(small, 2.0) < hand.seconds_to_paint(large, 2.0)
    assert hand.seconds_to_paint(small, 2.0) < hand.seconds_to_paint(small, 4.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_nobody_paints_over_what_is_finished(seed):
    made = make_disks(size=96, pitch=32, radius=10)
    image = Image("disks", made.image, made.labels)
    desk, rng = Desk.of(image), np.random.default_rng(seed)
    robot = Robot(rng)
    first, *others = views_of(image)
    work_through(robot, desk, [first])
    done = np.isin(desk.annotation.labels, list(desk.finished[()]))
    before = desk.annotation.labels[done].copy()
    take_over(desk.annotation, rng.integers(0, 3, image.truth.shape, np.int32))
    work_through(robot, desk, others)
    kept = desk.annotation.labels[done] == before
    # A wrong decision erases an object now and then.
    assert kept.mean() >= 0.5


def test_the_same_seed_does_the_same(disks):
    runs = []
    for _ in range(2):
        desk = Desk.of(disks)
        work_through(Robot(np.random.default_rng(7)), desk)
        runs.append(desk.annotation.labels.copy())
    assert (runs[0] == runs[1]).all()


@pytest.fixture(scope="module")
def stack() -> Image:
    """Leaning columns: every plane shows each of them, a pixel further on."""
    made = make_disks(size=96, pitch=32, radius=9)
    shown, truth = (
        np.stack([np.roll(each, z, axis=1) for z in range(5)])
        for each in (made.image, made.labels)
    )
    return Image("stack", shown, truth, apart=2.0)


def test_views_of_a_volume_lie_in_single_planes(stack):
    assert [view.shape[0] for view in views_of(stack)] == [1] * 5


@pytest.mark.parametrize("kind", ["nothing", "merged", "fat", "none"])
def test_planes_one_by_one_make_the_objects_of_a_volume(stack, kind):
    """An object that is painted in one plane after the other stays one."""
    desk = Desk.of(stack)
    wrong = np.stack([errors(each, kind, each) for each in stack.truth])
    take_over(desk.annotation, wrong.astype(np.int32))
    rng = np.random.default_rng(0)
    views = [views_of(stack)[i] for i in rng.permutation(5)]
    actions = work_through(Robot(rng, PERFECT), desk, views)
    assert evaluate(stack.truth, desk.annotation.labels).ap["0.90"] == 1
    assert any(action.corrected for action in actions) == (kind != "none")
    assert is_verified(desk.annotation.provenance).all()


def test_an_object_gets_the_id_that_it_has_in_planes_which_are_finished(stack):
    """A prediction has other ids further down; looking there costs a click each."""
    desk = Desk.of(stack)
    found = stack.truth.copy()
    found[2:][found[2:] > 0] += 20
    take_over(desk.annotation, found)
    first, *_, last = views_of(stack)
    hand = replace(PERFECT, search=0.0, decision=0.0, travel_speed=np.inf)
    robot = Robot(np.random.default_rng(0), hand)
    assert not any(each.corrected for each in robot.work_on(desk, first))
    clicks = [each.seconds for each in robot.work_on(desk, last) if each.corrected]
    assert clicks == [hand.click] * stack.objects
    for true_id in range(1, stack.objects + 1):
        ids = [desk.annotation.labels[z][stack.truth[z] == true_id] for z in (0, 4)]
        assert len(np.unique(ids)) == 1


def test_an_object_that_is_overlooked_in_the_next_plane_is_left_there(stack):
    desk = Desk.of(stack)
    first, second, *_ = views_of(stack)
    work_through(Robot(np.random.default_rng(0), PERFECT), desk, [first])
    blind = replace(PERFECT, wrong_decision=1.0)
    work_through(Robot(np.random.default_rng(0), blind), desk, [second])
    assert desk.annotation.labels[0].any()
    assert not desk.annotation.labels[1].any()


def test_of_a_volume_the_plane_in_sight_is_worked_on_alone(stack):
    desk = Desk.of(stack)
    work_through(Robot(np.random.default_rng(0)), desk, [views_of(stack)[2]])
    known = is_verified(desk.annotation.provenance)
    assert known[2].all()
    assert not known[[0, 1, 3, 4]].any()
    assert not desk.annotation.labels[[0, 1, 3, 4]].any()
    assert [at for at, ids in desk.finished.items() if ids] == [(2,)]


def test_what_is_predicted_anew_is_corrected_in_the_next_plane(stack):
    """An object that is finished in one plane can be painted in another."""
    desk = Desk.of(stack)
    robot = Robot(np.random.default_rng(0), PERFECT)
    first, second, *_ = views_of(stack)
    work_through(robot, desk, [first])
    before = desk.annotation.labels[0].copy()
    desk.refresh(np.where(stack.truth == 4, 0, stack.truth))
    work_through(robot, desk, [second])
    assert (desk.annotation.labels[0] == before).all()
    seen = desk.annotation.labels
    for true_id in np.unique(stack.truth[0])[1:]:
        here, there = (seen[z][stack.truth[z] == true_id] for z in (0, 1))
        assert np.bincount(here).argmax() == np.bincount(there).argmax()


@pytest.mark.parametrize("dims", [2, 3])
def test_models_of_planes_and_of_volumes_learn_from_planes(stack, dims):
    torch.manual_seed(0)
    network = UNetConfig(depth=1, base_channels=4, dims=dims)
    start = new_model(ModelSpec(name="tiny", architecture=network))
    config = FitConfig(steps=2, crop=32, batch_size=1, validate_every=2)
    plan = Plan(corrections=20, seconds=60, each=9)
    play = Play(Kind("s", (stack,), (stack,)), UNetLearner("a", start, config), plan, 0)
    run = play.run()
    assert run.points[-1].steps >= 2
    (sample,) = play.lessons[0].samples
    assert sample.axes == "ZYX"
    assert sample.pixel_size == {"Z": 2.0, "Y": 1.0, "X": 1.0}
    taught = sample.verified.any(axis=(1, 2))
    assert 0 < taught.sum() < len(taught)
    labels, truth = (each[sample.verified] for each in (sample.labels, stack.truth))
    assert ((labels > 0) == (truth > 0)).mean() > 0.95


def test_stacks_are_drawn_of_which_one_is_opened_and_two_judge():
    kind = read_kind(DRAWN_STACKS, Path("nowhere"))
    assert len(kind.opened) == 1
    assert len(kind.judges) == 2
    assert {each.axes for each in (*kind.opened, *kind.judges)} == {"ZYX"}
    assert kind.opened[0].apart == 3.0
    assert len({each.truth.tobytes() for each in (*kind.opened, *kind.judges)}) == 3
