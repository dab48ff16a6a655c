"""Losses for partial labels: pixels nobody verified take no part in any sum.

Logits and targets have the shape (N, K, Y, X), a weight (N, 1, Y, X) or (N, K, Y, X):
0 where nothing is known, positive elsewhere. It multiplies every pixel *before* any
sum, and sums are divided by the sum of weights: the loss of a perfect prediction is
zero and the gradient of a mistake has the same size whether all of the image is
labelled or a thousandth of it. A loss is a scalar; 0 when every weight is 0.

Sums are added up by `add` before they are divided: several processes that compute a
batch together have the loss of the whole batch, and not a mean of losses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.tasks.outputs import RegressionLoss

Add: TypeAlias = Callable[[Tensor], Tensor]

_EPSILON = 1e-6

_DIRECTION = 5.0
"""Weight of the differences of maps that look into opposite directions."""


def all_here(sums: Tensor) -> Tensor:
    """Return sums as they are: this process has all crops of the batch."""
    return sums


def instance_loss(
    logits: Tensor,
    targets: Tensor,
    weight: Tensor,
    *,
    hard_pixel_weight: float = 0.0,
    inside: float = 3.0,
    opposites: Sequence[tuple[int, int]] = (),
    add: Add = all_here,
) -> Tensor:
    """Cross-entropy of foreground and all other maps, and soft Dice of foreground.

    Parameters
    ----------
    hard_pixel_weight : float
        A pixel that the network has wrong by ``e`` weighs
        ``1 + hard_pixel_weight * e``.
    inside : float
        Pixels inside objects weigh ``1 + inside`` in all maps but the first.
    opposites : sequence of pairs of int
        Maps that look into opposite directions. Both fall towards the outline, which is
        learned soon; which of them falls further is not. So their differences are
        learned too.
    """
    foreground = targets[:, :1]
    divergence = bernoulli_divergence(logits, targets)
    if hard_pixel_weight:
        divergence = divergence * (1 + hard_pixel_weight * _error(logits, targets))
    weight = weight.expand_as(targets)
    known = weight[:, :1]
    pixel = weighted_mean(divergence[:, :1], known, add)
    inner = weight[:, 1:] * (1 + inside * foreground)
    others = weighted_mean(divergence[:, 1:], inner, add)
    loss = pixel + others + soft_dice(logits[:, :1].sigmoid(), foreground, known, add)
    if opposites:
        back, ahead = (list(each) for each in zip(*opposites, strict=True))
        maps = logits.sigmoid() - targets
        sure = (weight[:, back] * weight[:, ahead]).sqrt() * foreground
        squares = (maps[:, ahead] - maps[:, back]) ** 2
        loss = loss + _DIRECTION * weighted_mean(squares, sure, add)
    return loss


def class_loss(
    logits: Tensor,
    targets: Tensor,
    weight: Tensor,
    *,
    hard_pixel_weight: float = 0.0,
    dice: bool = True,
    add: Add = all_here,
) -> Tensor:
    """Cross-entropy and soft Dice of pixel classes; targets sum to 1 where known.

    Parameters
    ----------
    hard_pixel_weight : float
        A pixel whose class has the probability ``p`` weighs
        ``1 + hard_pixel_weight * (1 - p)``.
    dice : bool
        Add Dice, the mean over the classes that are present, to the cross-entropy.
    """
    log_probability = logits.log_softmax(1)
    probability = log_probability.exp()
    entropy = -torch.xlogy(targets, targets).sum(1, keepdim=True)
    cross = -(targets * log_probability).sum(1, keepdim=True) - entropy
    if hard_pixel_weight:
        right = (targets * probability.detach()).sum(1, keepdim=True)
        cross = cross * (1 + hard_pixel_weight * (1 - right))
    loss = weighted_mean(cross, weight, add)
    if dice:
        known = (weight > 0).to(weight.dtype)
        loss = loss + _mean_dice(probability, targets, known, add)
    return loss


def _mean_dice(
    probability: Tensor, targets: Tensor, weight: Tensor, add: Add
) -> Tensor:
    """Return the mean of 1 - Dice over the classes that are present."""
    dims = (0, *range(2, targets.ndim))
    overlap = 2 * (weight * probability * targets).sum(dims)
    total = (weight * (probability + targets)).sum(dims)
    sums = torch.stack([overlap, total, (weight * targets).sum(dims)])
    overlap, total, found = add(sums).unbind()
    present = (found > 0).to(total.dtype)
    dice_loss = (total - overlap) / (total + _EPSILON)
    return (present * dice_loss).sum() / present.sum().clamp_min(1)


_DIFFERENCE: dict[RegressionLoss, Callable[..., Tensor]] = {
    "huber": F.huber_loss,
    "mse": F.mse_loss,
    "mae": F.l1_loss,
}


def regression_loss(
    values: Tensor,
    targets: Tensor,
    weight: Tensor,
    kind: RegressionLoss = "huber",
    add: Add = all_here,
) -> Tensor:
    """Mean difference of values, which are normalised to spread 1.

    "mse" is the square, "mae" the absolute value, and "huber" the former near 0 and the
    latter beyond 1 (Huber 1964), which forgives bright outliers.
    """
    difference = _DIFFERENCE[kind](values, targets, reduction="none")
    return weighted_mean(difference, weight, add)


def bernoulli_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy minus the entropy of the target, pixel by pixel.

    So the least value is 0, also for soft targets; the gradient is the same.
    """
    entropy = F.binary_cross_entropy(targets, targets, reduction="none")
    cross = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return cross - entropy


def soft_dice(
    probability: Tensor, target: Tensor, weight: Tensor, add: Add = all_here
) -> Tensor:
    """Return 1 - Dice over weighted pixels; 0 where nothing is weighted or present."""
    overlap = 2 * (weight * probability * target).sum()
    total = (weight * (probability + target)).sum()
    overlap, total = add(torch.stack([overlap, total])).unbind()
    return (total - overlap) / (total + _EPSILON)


def weighted_mean(values: Tensor, weight: Tensor, add: Add = all_here) -> Tensor:
    """Return the mean of `values` under `weight`, which is broadcast over channels."""
    weight = weight.expand_as(values)
    sums = torch.stack([(values * weight).sum(), weight.sum()])
    total, count = add(sums).unbind()
    return total / count.clamp_min(_EPSILON)


def _error(logits: Tensor, targets: Tensor) -> Tensor:
    with torch.no_grad():
        return (logits.sigmoid() - targets).abs()
