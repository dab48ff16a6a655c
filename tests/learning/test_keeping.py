"""Which of a training's models goes live: the newest that has not become worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.core.events import Validated
from napari_unet.core.jobs import drain
from napari_unet.learning import train
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import iter_prepare
from napari_unet.learning.events import ModelImproved
from napari_unet.learning.judging import Judged, Judgement
from napari_unet.learning.keeping import Keeper, odds_of, share_learned
from napari_unet.learning.train import Training, iter_fit
from napari_unet.learning.train_state import TrainState
from napari_unet.nets.device import choose_execution
from napari_unet.scores.likeness import Likeness
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

FEW, MANY = 40, 800
"""Found and verified objects."""


def judgement(score: float, objects: int) -> Judgement:
    matched = score * objects / (1 + score)
    return Judgement(score, Likeness(matched, objects, objects // 2))


@pytest.fixture
def kept(monkeypatch, model: Model, disks: Sample):
    """Return the steps that are kept when scores are these, the start's first."""

    def play(scores: list[float], objects: int) -> list[int]:
        # The start is measured twice, for the time that it takes.
        left = iter([scores[0], *scores])

        def judge(self, as_start=False):
            yield from ()
            return Judged([], self._objective, judgement(next(left), objects))

        monkeypatch.setattr(Training, "_iter_judge", judge)
        config = FitConfig(
            steps=len(scores) - 1, validate_every=1, crop=32, fit_thresholds=False
        )
        steps, told = [], []

        def hear(event: object) -> None:
            if isinstance(event, ModelImproved):
                steps.append(event.step)
            if isinstance(event, Validated) and event.best and event.step:
                told.append(event.step)

        result = drain(iter_fit(model, [disks], config), hear)
        assert steps == told
        assert result.score == pytest.approx(scores[steps[-1] if steps else 0])
        return steps

    return play


def test_of_alike_scores_the_newest_is_kept(kept):
    assert kept([0.3, 0.5, 0.49, 0.48], FEW) == [1, 2, 3]


def test_many_objects_leave_less_to_chance(kept):
    assert kept([0.3, 0.5, 0.47, 0.499], MANY) == [1, 3]


def test_what_is_not_better_than_the_start_is_never_kept(kept):
    assert kept([0.5, 0.49, 0.5, 0.45], FEW) == []


def test_small_steps_down_do_not_add_up(kept):
    scores = [0.3, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55]
    steps = kept(scores, FEW)
    lowest = 0.9 - judgement(0.55, FEW).doubt
    assert all(scores[step] >= lowest for step in steps)
    assert steps[-1] < len(scores) - 1


@pytest.mark.parametrize("score", [0.0, 0.2, 0.5, 1.0])
def test_doubt_falls_with_the_number_of_objects(score):
    doubts = [judgement(score, n).doubt for n in (40, 100, 400, 4000)]
    assert doubts == sorted(doubts, reverse=True)
    assert 0 < doubts[-1] < 0.02
    assert judgement(score, 2).doubt < 0.02  # likeness says next to nothing then
    assert Judgement(score, Likeness()).doubt == 0


def test_a_stroke_of_luck_with_few_objects_does_not_outweigh_the_maps():
    lucky, learned = (
        Judgement(of_maps, Likeness(matched, 30, 15))
        for of_maps, matched in ((0.760, 3.6), (0.771, 2.8))
    )
    assert learned.agreement > lucky.agreement
    many = [
        replace(each, likeness=each.likeness + Likeness(0, 0, 500))
        for each in (lucky, learned)
    ]
    assert many[0].agreement > many[1].agreement


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10_000))
def test_agreement_lies_between_maps_and_objects(of_maps, share, verified):
    found = Likeness(share * verified, 2 * verified, verified)
    agreement = Judgement(of_maps, found).agreement
    low, high = sorted((of_maps, found.score))
    assert low - 1e-9 <= agreement <= high + 1e-9
    assert agreement >= of_maps / 2 + min(found.score, of_maps) / 2 - 1e-9


def test_thresholds_that_did_not_go_live_are_fitted_again():
    kept = Keeper(ModelImproved(None, 0, 0.0))
    assert kept.thresholds_are_due(30)
    assert kept.thresholds_are_due(60)  # those of step 30 did not go live
    kept.keep(ModelImproved(None, 60, 0.5))
    assert not kept.thresholds_are_due(90)
    assert kept.thresholds_are_due(90, last=True)
    kept.keep(ModelImproved(None, 90, 0.6))
    assert kept.thresholds_are_due(120)


def test_weights_are_judged_with_the_thresholds_that_would_go_live(
    monkeypatch, model: Model, disks: Sample
):
    """The start's suit the start: with them what was trained would seem worse."""

    def judge(self, as_start=False):
        yield from ()
        score = 0.5 if self._steps == 0 else 0.4
        return Judged([], self._objective, judgement(score, MANY))

    def refit(judged, windows, known, first, *_):
        yield from ()
        return Judged([], first.hinted({"min_size": 17}), judgement(0.7, MANY))

    monkeypatch.setattr(Training, "_iter_judge", judge)
    monkeypatch.setattr(train, "iter_refit", refit)
    config = FitConfig(steps=2, validate_every=1, crop=32)
    made = drain(iter_fit(model, [disks], config)).model
    assert made.spec.decoding.min_size == 17


COUNTS = st.lists(st.integers(1, 500), min_size=1, max_size=20)


@given(COUNTS, st.integers(1, 500), st.floats(0.01, 100))
def test_more_objects_and_more_so_other_images_let_weights_go_further(
    objects, more, odds
):
    share = share_learned(objects, odds)
    assert 0 < share < 1
    in_the_same = share_learned([objects[0] + more, *objects[1:]], odds)
    in_another = share_learned([*objects, objects[0] + more], odds)
    assert share < in_the_same < in_another
    # One image is never more than a start that is right as often as not.
    assert share_learned([10_000], 1.0) <= 0.5


@given(COUNTS, st.integers(0, 200), st.integers(1, 200))
def test_a_start_that_is_right_is_left_less_far(objects, right, more):
    def share(right: int) -> float:
        found = Likeness(right, 2 * 401, 401, right)
        return share_learned(objects, odds_of(found))

    assert share(right + more) < share(right)


def test_a_start_whose_outlines_are_poor_has_much_to_learn():
    poor, good = (Likeness(m, 60, 30, right=28) for m in (12, 28))
    assert odds_of(poor) < 1 < odds_of(good)


def test_few_objects_say_little_of_a_start():
    assert odds_of(Likeness()) == 1
    three, thirty = (odds_of(Likeness(n, 2 * n, n, n)) for n in (3, 30))
    assert 1 < three < 5 < thirty
    assert odds_of(Likeness(0, 60, 30, 0)) == pytest.approx(1 / thirty)


def test_where_nothing_can_be_weighed_all_that_was_learned_goes_live():
    assert share_learned(None, 5.0) == 1


@pytest.mark.parametrize("blend", [0.25, 1.0])
def test_what_goes_live_lies_between_the_start_and_the_average(model: Model, blend):
    execution = choose_execution(torch.device("cpu"))
    state = TrainState(model.net, execution, FitConfig())
    state.blend = blend
    with torch.no_grad():
        for value in state.ema.parameters():
            value.add_(1.0)
    for made, start in zip(
        state.publish().parameters(), model.net.parameters(), strict=True
    ):
        torch.testing.assert_close(made, start + blend)


def test_planes_of_one_stack_are_one_image(model: Model, disks: Sample):
    stack = Sample(np.stack([disks.image] * 2), np.stack([disks.labels] * 2))
    objective = objective_of(model.spec)
    preparing = iter_prepare(model, objective, [stack, disks], FitConfig(), [])
    data, _ = drain(preparing)
    counted = len(np.unique(disks.labels)) - 1
    assert data.objects == [2 * counted, counted]
