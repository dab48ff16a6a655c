from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_unet.instances.distances import instance_targets
from napari_unet.tasks.objectives.losses import instance_loss, soft_dice
from tests.tiny import make_disks

SHARES = [1.0, 0.01, 0.001]


def problem(share: float, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return random logits, true targets, and the weight of a share of pixels."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.from_numpy(instance_targets(make_disks().labels))[None]
    logits = torch.randn(targets.shape, generator=generator)
    weight = torch.zeros_like(targets[:, :1])
    count = max(2, round(share * weight.numel()))
    order = torch.randperm(weight.numel(), generator=generator)
    weight.view(-1)[order[:count]] = 1
    return logits, targets, weight


def perfect(targets: Tensor) -> Tensor:
    return targets.double().clamp(1e-12, 1 - 1e-12).logit()


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("hard_pixel_weight", [0.0, 3.0])
def test_a_perfect_prediction_costs_nothing(
    share: float, hard_pixel_weight: float
) -> None:
    _, targets, weight = problem(share)
    loss = instance_loss(
        perfect(targets),
        targets.double(),
        weight.double(),
        hard_pixel_weight=hard_pixel_weight,
    )
    assert abs(loss.item()) < 1e-6


@pytest.mark.parametrize("share", SHARES)
def test_unverified_pixels_have_exactly_no_gradient(share: float) -> None:
    logits, targets, weight = problem(share)
    logits.requires_grad_()
    instance_loss(logits, targets, weight, hard_pixel_weight=3.0).backward()
    assert logits.grad is not None
    outside = (weight == 0).expand_as(logits)
    assert not logits.grad[outside].any()
    assert logits.grad[~outside].abs().min() > 0


@pytest.mark.parametrize("share", SHARES)
def test_unverified_pixels_cannot_change_the_loss(share: float) -> None:
    logits, targets, weight = problem(share)
    other = torch.where(weight > 0, logits, torch.randn_like(logits) * 50)
    torch.testing.assert_close(
        instance_loss(logits, targets, weight, hard_pixel_weight=1.0),
        instance_loss(other, targets, weight, hard_pixel_weight=1.0),
    )


def test_sparse_labels_do_not_weaken_the_gradient() -> None:
    """Where logits are masked instead of sums it fades with the labelled share."""
    sizes = []
    for share in SHARES:
        logits, targets, weight = problem(share)
        logits.requires_grad_()
        instance_loss(logits, targets, weight).backward()
        assert logits.grad is not None
        sizes.append(logits.grad.abs().sum().item())
    assert min(sizes) > 0.3 * max(sizes)


def test_everything_verified_equals_the_dense_loss() -> None:
    logits, targets, weight = problem(1.0)
    twice = instance_loss(logits, targets, 2 * weight)
    torch.testing.assert_close(twice, instance_loss(logits, targets, weight))


def test_nothing_verified_costs_nothing() -> None:
    logits, targets, weight = problem(1.0)
    logits.requires_grad_()
    loss = instance_loss(logits, targets, 0 * weight)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_dice_of_binary_maps() -> None:
    rng = np.random.default_rng(0)
    a, b = (torch.from_numpy(rng.integers(0, 2, (1, 1, 9, 9))).float() for _ in "ab")
    expected = 1 - 2 * (a * b).sum() / (a.sum() + b.sum())
    torch.testing.assert_close(soft_dice(a, b, torch.ones_like(a)), expected)
