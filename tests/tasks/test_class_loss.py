"""Losses of classes and of regression: what nobody verified takes no part."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_unet.tasks.objectives.losses import class_loss, regression_loss

SHARES = [1.0, 0.01, 0.001]
KINDS = ["huber", "mse", "mae"]


def problem(share: float, classes: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Return random logits, one-hot targets, and the weight of a share of pixels."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, classes, 48, 48, generator=generator, dtype=torch.double)
    numbers = torch.randint(0, classes, (1, 48, 48), generator=generator)
    targets = torch.nn.functional.one_hot(numbers, classes).movedim(-1, 1).double()
    weight = torch.zeros_like(logits[:, :1])
    count = max(2, round(share * weight.numel()))
    order = torch.randperm(weight.numel(), generator=generator)
    weight.view(-1)[order[:count]] = 1
    return logits, targets, weight


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("hard_pixel_weight", [0.0, 3.0])
def test_the_right_classes_cost_nothing(share: float, hard_pixel_weight: float) -> None:
    _, targets, weight = problem(share)
    loss = class_loss(
        100 * targets, targets, weight, hard_pixel_weight=hard_pixel_weight
    )
    assert abs(loss.item()) < 1e-6


def test_soft_targets_cost_nothing_either() -> None:
    logits, _, weight = problem(1.0)
    loss = class_loss(logits, logits.softmax(1), weight, dice=False)
    assert abs(loss.item()) < 1e-9


@pytest.mark.parametrize("share", SHARES)
def test_unverified_pixels_have_exactly_no_gradient(share: float) -> None:
    logits, targets, weight = problem(share)
    logits.requires_grad_()
    class_loss(logits, targets * weight, weight, hard_pixel_weight=2.0).backward()
    assert logits.grad is not None
    outside = (weight == 0).expand_as(logits)
    assert not logits.grad[outside].any()
    assert logits.grad[~outside].abs().max() > 0


def test_sparse_labels_do_not_weaken_the_gradient() -> None:
    sizes = []
    for share in SHARES:
        logits, targets, weight = problem(share)
        logits.requires_grad_()
        class_loss(logits, targets, weight).backward()
        assert logits.grad is not None
        sizes.append(logits.grad.abs().sum().item())
    assert min(sizes) > 0.3 * max(sizes)


def test_classes_that_are_absent_have_no_dice() -> None:
    _, targets, weight = problem(1.0)
    only = torch.zeros_like(targets)
    only[:, 0] = 1
    assert class_loss(100 * only, only, weight).item() == pytest.approx(0, abs=1e-6)


def test_cross_entropy_is_that_of_torch() -> None:
    logits, targets, weight = problem(1.0)
    expected = torch.nn.functional.cross_entropy(logits, targets.argmax(1))
    torch.testing.assert_close(
        class_loss(logits, targets, weight, dice=False), expected
    )


@pytest.mark.parametrize("kind", KINDS)
def test_right_values_cost_nothing_and_wrong_ones_something(kind: str) -> None:
    values, _, weight = problem(0.01)
    assert regression_loss(values, values, weight, kind).item() == 0
    assert regression_loss(values + 1, values, weight, kind).item() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_values_have_no_gradient(kind: str) -> None:
    values, targets, _ = problem(1.0)
    known = (torch.rand(values.shape) > 0.9).double()
    values.requires_grad_()
    regression_loss(values, targets, known, kind).backward()
    assert values.grad is not None
    assert not values.grad[known == 0].any()
    assert values.grad[known > 0].abs().max() > 0


def test_nothing_known_costs_nothing() -> None:
    logits, targets, weight = problem(1.0)
    assert class_loss(logits, targets, 0 * weight).item() == 0
    assert regression_loss(logits, targets, 0 * weight).item() == 0
