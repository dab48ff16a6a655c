"""Losses for partial labels: pixels nobody verified take no part in any sum."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.tasks.outputs import RegressionLoss

_EPSILON = 1e-6


def instance_loss(
    logits: Tensor,
    targets: Tensor,
    weight: Tensor,
    *,
    hard_pixel_weight: float = 0.0,
    inside: float = 3.0,
) -> Tensor:
    """Loss of the instance head, from verified pixels alone.

    Cross-entropy of all maps and soft Dice of the foreground. The weight multiplies
    every pixel *before* any sum, and sums are divided by the sum of weights: the loss
    of a perfect prediction is zero and the gradient of a mistake has the same size
    whether all of the image is labelled or a thousandth of it.

    Parameters
    ----------
    logits : Tensor, shape (N, 3, Y, X)
        Foreground, centre and border logits.
    targets : Tensor, shape (N, 3, Y, X)
        Maps in [0, 1], see `napari_unet.instances.targets`.
    weight : Tensor, shape (N, 1, Y, X)
        0 where nothing is known, positive elsewhere.
    hard_pixel_weight : float
        A pixel that the network has wrong by ``e`` weighs
        ``1 + hard_pixel_weight * e``.
    inside : float
        Pixels inside objects weigh ``1 + inside`` in the two distance maps.

    Returns
    -------
    Tensor
        A scalar; 0 when every weight is 0.
    """
    foreground = targets[:, :1]
    divergence = bernoulli_divergence(logits, targets)
    if hard_pixel_weight:
        divergence = divergence * (1 + hard_pixel_weight * _error(logits, targets))
    pixel = weighted_mean(divergence[:, :1], weight)
    distance = weighted_mean(divergence[:, 1:], weight * (1 + inside * foreground))
    return pixel + distance + soft_dice(logits[:, :1].sigmoid(), foreground, weight)


def class_loss(
    logits: Tensor,
    targets: Tensor,
    weight: Tensor,
    *,
    hard_pixel_weight: float = 0.0,
    dice: bool = True,
) -> Tensor:
    """Cross-entropy and soft Dice of pixel classes, from verified pixels alone.

    Parameters
    ----------
    logits : Tensor, shape (N, K, Y, X)
        One map per class, before the softmax.
    targets : Tensor, shape (N, K, Y, X)
        Probabilities that sum to 1 where something is known.
    weight : Tensor, shape (N, 1, Y, X)
        0 where nothing is known, positive elsewhere.
    hard_pixel_weight : float
        A pixel whose class has the probability ``p`` weighs
        ``1 + hard_pixel_weight * (1 - p)``.
    dice : bool
        Add Dice, the mean over the classes that are present, to the cross-entropy.

    Returns
    -------
    Tensor
        A scalar; 0 when every weight is 0.
    """
    log_probability = logits.log_softmax(1)
    probability = log_probability.exp()
    entropy = -torch.xlogy(targets, targets).sum(1, keepdim=True)
    cross = -(targets * log_probability).sum(1, keepdim=True) - entropy
    if hard_pixel_weight:
        right = (targets * probability.detach()).sum(1, keepdim=True)
        cross = cross * (1 + hard_pixel_weight * (1 - right))
    loss = weighted_mean(cross, weight)
    if dice:
        known = (weight > 0).to(weight.dtype)
        loss = loss + _mean_dice(probability, targets, known)
    return loss


def _mean_dice(probability: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of 1 - Dice over the classes that are present."""
    dims = (0, *range(2, targets.ndim))
    overlap = 2 * (weight * probability * targets).sum(dims)
    total = (weight * (probability + targets)).sum(dims)
    present = ((weight * targets).sum(dims) > 0).to(total.dtype)
    dice_loss = (total - overlap) / (total + _EPSILON)
    return (present * dice_loss).sum() / present.sum().clamp_min(1)


def _huber(residual: Tensor) -> Tensor:
    return F.huber_loss(residual, torch.zeros_like(residual), reduction="none")


_RESIDUAL: dict[RegressionLoss, Callable[[Tensor], Tensor]] = {
    "huber": _huber,
    "mse": torch.square,
    "mae": torch.abs,
}


def regression_loss(
    values: Tensor, targets: Tensor, weight: Tensor, kind: RegressionLoss = "huber"
) -> Tensor:
    """Mean difference of values, from known pixels alone.

    Parameters
    ----------
    values, targets : Tensor, shape (N, K, Y, X)
        Normalised to spread 1.
    weight : Tensor, shape (N, K, Y, X) or (N, 1, Y, X)
        0 where nothing is known, positive elsewhere.
    kind : {"huber", "mse", "mae"}
        Square, absolute value, or the former near 0 and the latter beyond 1 (Huber
        1964), which forgives bright outliers.

    Returns
    -------
    Tensor
        A scalar; 0 when every weight is 0.
    """
    return weighted_mean(_RESIDUAL[kind](values - targets), weight)


def bernoulli_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy minus the entropy of the target, pixel by pixel.

    For targets of 0 and 1 this is the cross-entropy; for soft targets it has the same
    gradient, but its least value is 0.
    """
    entropy = F.binary_cross_entropy(targets, targets, reduction="none")
    cross = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return cross - entropy


def soft_dice(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return 1 - Dice over weighted pixels; 0 where nothing is weighted or present."""
    overlap = 2 * (weight * probability * target).sum()
    total = (weight * (probability + target)).sum()
    return (total - overlap) / (total + _EPSILON)


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of `values` under `weight`, which is broadcast over channels."""
    weight = weight.expand_as(values)
    return (values * weight).sum() / weight.sum().clamp_min(_EPSILON)


def _error(logits: Tensor, targets: Tensor) -> Tensor:
    with torch.no_grad():
        return (logits.sigmoid() - targets).abs()
