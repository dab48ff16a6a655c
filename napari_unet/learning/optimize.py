"""One network in training: optimiser steps, averaged weights, a pull to the start."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_unet.core.events import MicroBatch
from napari_unet.learning.fit_config import OptimizerName
from napari_unet.learning.optimizer_state import (
    chance_layout,
    chance_state,
    check_state,
    device_layout,
    restore_chance,
    restore_rule,
    restore_scaler,
    rule_layout,
    rule_state,
    scaler_state,
)
from napari_unet.learning.sampling import Batch
from napari_unet.nets.device import Execution
from napari_unet.nets.network import Network, centre_crop, same_size
from napari_unet.tasks.objectives import Objective
from napari_unet.weights.tensor_file import Layout, layout_of


@dataclass(frozen=True, slots=True)
class Strengths:
    """What steers the optimiser.

    Parameters
    ----------
    optimizer : {"adamw", "sgd"}
        AdamW (Loshchilov and Hutter 2019), or gradient descent with momentum.
    learning_rate : float
        Highest learning rate.
    momentum : float
        Of gradient descent.
    average : float
        Momentum of the exponential moving average of the weights.
    pull : float
        Decoupled decay towards the starting weights instead of towards 0
        (L2-SP, Li et al. 2018), relative to the learning rate.
    hardness : float
        Extra weight of pixels that the network has wrong.
    freeze_norm : bool
        Keep the statistics of batch normalisation as they are.
    """

    optimizer: OptimizerName
    learning_rate: float
    momentum: float
    average: float
    pull: float
    hardness: float
    freeze_norm: bool


class Optimizer:
    """Trains a private copy of a network; the averaged weights are what counts.

    Parameters
    ----------
    net : Network
        Starting weights; not changed.
    objective : Objective
        What is learned.
    execution : Execution
        Where and how to compute.
    strengths : Strengths
        What steers the training.
    """

    def __init__(
        self,
        net: Network,
        objective: Objective,
        execution: Execution,
        strengths: Strengths,
    ) -> None:
        self.execution = execution
        self._objective = objective
        self._strengths = strengths
        self._net = execution.place_net(copy.deepcopy(net))
        self._average = execution.place_net(copy.deepcopy(net)).eval()
        self._start = [p.detach().clone() for p in self._net.parameters()]
        self._rule = _make_rule(self._net, strengths)
        self._scaler = torch.amp.GradScaler(
            execution.device.type, enabled=execution.autocast == torch.float16
        )
        self._steps = 0
        self._net.train()
        if strengths.freeze_norm:
            _freeze_norms(self._net)

    @property
    def averaged(self) -> Network:
        """The averaged network, in evaluation mode, on the device.

        Its output has the size of its input.
        """
        return same_size(self._average)

    def averaged_copy(self) -> Network:
        """Return the averaged network on the CPU, free of this optimiser."""
        net = copy.deepcopy(self._average)
        return net.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload,no-any-return]

    def iter_step(
        self, batch: Batch, micro_batch: int, rate: float
    ) -> Generator[MicroBatch, None, float]:
        """Take one step, in micro-batches whose gradients add up.

        Parameters
        ----------
        batch : Batch
            Crops to learn from.
        micro_batch : int
            Crops that are computed at once.
        rate : float
            Factor on the learning rate.

        Returns
        -------
        float
            The loss of the batch.
        """
        total = len(batch.images)
        loss = 0.0
        self._rule.zero_grad()
        for first in range(0, total, micro_batch):
            part = slice(first, first + micro_batch)
            loss += self._backward(batch, part, total)
            yield MicroBatch(self._steps + 1, min(total, first + micro_batch), total)
        self._update(rate)
        return loss

    def state(self) -> dict[str, Tensor]:
        """Return all that the next steps depend on, by name.

        Returns
        -------
        dict of Tensor
            Views of what is trained: to be written before the next step.
        """
        return {
            **self._tensors(),
            **rule_state(self._rule),
            **scaler_state(self._scaler),
            **chance_state(self.execution.device),
            "updates": torch.tensor(self._steps),
        }

    def layout(self) -> tuple[Layout, Layout]:
        """Return the tensors that `restore` needs, and those that may be missing."""
        updates = {"updates": torch.tensor(self._steps)}
        rule = rule_layout(self._strengths.optimizer, self._start)
        return (
            layout_of(self._tensors() | updates) | chance_layout(),
            rule | device_layout(),
        )

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another optimiser was when it returned this `state`.

        Parameters
        ----------
        state : mapping of Tensor
            Types and shapes are those of `layout`; other names are left alone.

        Raises
        ------
        ModelError
            If these tensors are no state; nothing is changed then.
        """
        rule, parameters = self._strengths.optimizer, list(self._net.parameters())
        check_state(rule, parameters, state)
        for name, tensor in self._tensors().items():
            tensor.copy_(state[name])
        self._steps = int(state["updates"])
        restore_rule(self._rule, rule, parameters, state)
        restore_scaler(self._scaler, state)
        restore_chance(self.execution.device, state)

    def _tensors(self) -> dict[str, Tensor]:
        """Return the weights in training, their mean and their start, to be changed."""
        start = {str(number): value for number, value in enumerate(self._start)}
        parts = {
            "net": self._net.state_dict(),
            "average": self._average.state_dict(),
            "start": start,
        }
        return {f"{p}.{k}": v for p, part in parts.items() for k, v in part.items()}

    def _backward(self, batch: Batch, part: slice, total: int) -> float:
        images = self.execution.place(batch.images[part])
        device = self.execution.device
        with self.execution.precision():
            logits = self._net(images)
        # Unpadded convolutions see more than they answer.
        targets = centre_crop(batch.targets[part], logits.shape[2:])
        weight = centre_crop(batch.weight[part], logits.shape[2:])
        loss = self._objective.loss(
            logits.float(),
            targets.to(device),
            weight.to(device),
            self._strengths.hardness,
        )
        share = loss * (len(images) / total)
        self._scaler.scale(share).backward()  # type: ignore[no-untyped-call]
        return float(share.detach())

    def _update(self, rate: float) -> None:
        for group in self._rule.param_groups:
            group["lr"] = self._strengths.learning_rate * rate
        self._scaler.unscale_(self._rule)
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), 1.0)
        self._scaler.step(self._rule)
        self._scaler.update()
        self._steps += 1
        self._pull_to_start(rate)
        self._update_average()

    @torch.no_grad()
    def _pull_to_start(self, rate: float) -> None:
        amount = self._strengths.pull * self._strengths.learning_rate * rate
        if amount:
            for parameter, start in zip(
                self._net.parameters(), self._start, strict=True
            ):
                parameter.lerp_(start, amount)

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on a plain mean, so that the average does not cling to the start.
        momentum = min(self._strengths.average, self._steps / (self._steps + 9))
        for mean, value in zip(
            self._average.state_dict().values(),
            self._net.state_dict().values(),
            strict=True,
        ):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - momentum)
            else:
                mean.copy_(value)


def _make_rule(net: nn.Module, strengths: Strengths) -> torch.optim.Optimizer:
    rate = strengths.learning_rate
    if strengths.optimizer == "sgd":
        return torch.optim.SGD(net.parameters(), lr=rate, momentum=strengths.momentum)
    return torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.0)


def get_ready_to_train() -> None:
    """Load what torch loads with the first optimiser: that takes a second."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])


def _freeze_norms(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.eval()
