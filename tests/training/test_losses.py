"""Losses that are compared with the shipped one."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from tests.training.test_heads import disks_at_random, recipe_of
from training.losses import Loss
from training.recipe import changed

LOSSES = get_args(Loss)


def parts(loss, kind="reach"):
    """Return an objective, the targets of some disks and their logits."""
    changes = [f"loss={loss}", f'decoding={{"kind": "{kind}"}}']
    objective = changed(recipe_of("usual"), changes).objective()
    labels = disks_at_random(0)
    maps = objective.targets(labels, np.ones(labels.shape, bool)).maps
    targets = torch.from_numpy(maps)[None]
    return objective, targets, targets.clamp(1e-4, 1 - 1e-4).logit()


def weight_of(targets):
    return torch.ones_like(targets[:, :1])


@pytest.mark.parametrize("kind", ["distances", "reach"])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_right_costs_nothing_and_each_map_counts(loss, kind):
    objective, targets, logits = parts(loss, kind)
    weight = weight_of(targets)
    least = objective.loss(logits, targets, weight, 0.0)
    assert least < 1e-3
    for channel in range(objective.channels):
        wrong = logits.clone()
        wrong[:, channel] = -wrong[:, channel]
        assert objective.loss(wrong, targets, weight, 0.0) > least + 0.05


@pytest.mark.parametrize("loss", LOSSES)
def test_what_nobody_verified_does_not_count(loss):
    objective, targets, logits = parts(loss)
    weight = weight_of(targets)
    weight[..., :40] = 0
    wrong = logits.clone()
    wrong[..., :40] = 7.0
    expected = objective.loss(logits, targets, weight, 0.0)
    assert objective.loss(wrong, targets, weight, 0.0) == expected


@pytest.mark.parametrize("loss", LOSSES)
def test_each_map_may_be_known_elsewhere(loss):
    objective, targets, logits = parts(loss)
    alike = weight_of(targets)
    apart = alike.expand_as(targets).clone()
    expected = objective.loss(logits + 1, targets, alike, 0.0)
    assert objective.loss(logits + 1, targets, apart, 0.0) == pytest.approx(expected)
    apart[:, 2, :, :40] = 0
    wrong = logits.clone()
    wrong[:, 2, :, :40] = 7.0
    expected = objective.loss(logits, targets, apart, 0.0)
    assert objective.loss(wrong, targets, apart, 0.0) == expected


def test_the_losses_differ():
    found = set()
    for loss in LOSSES:
        objective, targets, logits = parts(loss)
        value = objective.loss(logits + 1, targets, weight_of(targets), 0.0)
        found.add(round(float(value), 6))
    assert len(found) == len(LOSSES)
