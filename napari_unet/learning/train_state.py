"""What an optimizer step changes, as tensors by name for a checkpoint, and back.

Names begin with "net." for the weights, "average." for their moving average, "start."
for the weights at the beginning, "rule." for the optimizer, "scaler." for the loss
scaling of float16 and "chance." for the random numbers of dropout. Those of the loss
scaler and of CUDA may be missing where a training goes on with another device.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from napari_unet.errors import ModelError
from napari_unet.learning.config import FitConfig
from napari_unet.nets.device import Execution
from napari_unet.nets.network import Network
from napari_unet.weights.tensor_file import Layout, layout_of

_OPTIMIZER_KEYS = {
    "adamw": ("step", "exp_avg", "exp_avg_sq"),
    "sgd": ("momentum_buffer",),
}
_OF_DEVICE: Layout = {
    "chance.cuda": (torch.uint8, (16,)),
    "scaler.scale": (torch.float64, ()),
    "scaler.growth": (torch.int64, ()),
}


class TrainState:
    """A private copy of a network, its moving average and its optimizer.

    Attributes
    ----------
    blend : float
        How far from the start towards the average what is published lies.
    """

    def __init__(self, net: Network, execution: Execution, config: FitConfig) -> None:
        self.blend = 1.0
        self._device = execution.device
        self._keys = _OPTIMIZER_KEYS[config.optimizer]
        self.net = execution.place_net(copy.deepcopy(net))
        self.ema = execution.place_net(copy.deepcopy(net)).eval()
        self.start = [p.detach().clone() for p in self.net.parameters()]
        self.optimizer = _make_optimizer(self.net, config)
        self.scaler = torch.amp.GradScaler(
            execution.device.type, enabled=execution.autocast == torch.float16
        )
        self.updates = 0
        self._statistics: list[Tensor] = []
        self.net.train()
        if config.freeze_norm:
            for module in self.net.modules():
                if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                    module.eval()

    def begin_step(self) -> None:
        """Forget gradients, and remember the statistics that a batch will change."""
        self.optimizer.zero_grad()
        self._statistics = [each.clone() for each in self.net.buffers()]

    @torch.no_grad()
    def leave_step(self, loss: float) -> float:
        """Leave all as it was before a step whose gradients, unscaled, are no numbers.

        Returns no number as its loss, unless float16 was too small for the gradients:
        they are scaled less from now on.
        """
        for now, then in zip(self.net.buffers(), self._statistics, strict=True):
            now.copy_(then)
        overflow = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        self.scaler.update()
        return loss if overflow else math.nan

    @torch.no_grad()
    def pull_to_start(self, amount: float) -> None:
        """L2-SP: move the weights towards those at the start."""
        if amount:
            for value, start in zip(self.net.parameters(), self.start, strict=True):
                value.lerp_(start, amount)

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """Let the averaged weights follow the weights, and copy what only counts."""
        means, values = self.ema.state_dict(), self.net.state_dict()
        for name, mean in means.items():
            if mean.is_floating_point():
                mean.lerp_(values[name], 1 - decay)
            else:
                mean.copy_(values[name])

    @torch.no_grad()
    def blended(self) -> Network:
        """Return a network between the start and the averaged one, in eval mode.

        Statistics of normalisation are those of the average.
        """
        net = copy.deepcopy(self.ema)
        for value, start in zip(net.parameters(), self.start, strict=True):
            value.lerp_(start, 1 - self.blend)
        return net

    def publish(self) -> Network:
        """Return the blended network on the CPU, for good."""
        net = self.blended()
        return net.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload,no-any-return]

    def tensors(self) -> dict[str, Tensor]:
        """Return all that the next step depends on; to be written before it."""
        found = {
            **self._weights(),
            "updates": torch.tensor(self.updates),
            "chance.cpu": torch.get_rng_state(),
        }
        for number, values in self.optimizer.state_dict()["state"].items():
            for key, value in values.items():
                if isinstance(value, Tensor):
                    found[f"rule.{number}.{key}"] = value
        if self.scaler.is_enabled():
            state = self.scaler.state_dict()
            found["scaler.scale"] = torch.tensor(state["scale"], dtype=torch.float64)
            found["scaler.growth"] = torch.tensor(state["_growth_tracker"])
        if self._device.type == "cuda":
            found["chance.cuda"] = torch.cuda.get_rng_state(self._device)
        return found

    def layout(self) -> tuple[Layout, Layout]:
        """Return the tensors that `restore` needs, and those that may be missing."""
        always = {"updates": torch.tensor(0), "chance.cpu": torch.get_rng_state()}
        of_optimizer: Layout = {
            f"rule.{number}.{key}": (p.dtype, () if key == "step" else tuple(p.shape))
            for number, p in enumerate(self.start)
            for key in self._keys
        }
        return layout_of(self._weights() | always), of_optimizer | _OF_DEVICE

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on where another training was when it returned these `tensors`.

        Types and shapes are those of `layout`; other names are left alone. A
        `ModelError` is raised, and nothing changed, if they are no state.
        """
        self._check(tensors)
        for name, tensor in self._weights().items():
            tensor.copy_(tensors[name])
        self.updates = int(tensors["updates"])
        self._restore_optimizer(tensors)
        if self.scaler.is_enabled() and {"scaler.scale", "scaler.growth"} <= {*tensors}:
            scale, growth = tensors["scaler.scale"], tensors["scaler.growth"]
            kept = {"scale": float(scale), "_growth_tracker": int(growth)}
            self.scaler.load_state_dict(self.scaler.state_dict() | kept)
        torch.set_rng_state(tensors["chance.cpu"])
        if self._device.type == "cuda" and "chance.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["chance.cuda"], self._device)

    def _weights(self) -> dict[str, Tensor]:
        """Return weights, their average and their start by name, to be changed."""
        parts = {
            "net": self.net.state_dict(),
            "average": self.ema.state_dict(),
            "start": {str(number): value for number, value in enumerate(self.start)},
        }
        return {f"{p}.{k}": v for p, part in parts.items() for k, v in part.items()}

    def _check(self, tensors: Mapping[str, Tensor]) -> None:
        for number in range(len(self.start)):
            found = [key for key in self._keys if f"rule.{number}.{key}" in tensors]
            if 0 < len(found) < len(self._keys):
                raise ModelError(
                    f"A checkpoint should have all of {', '.join(self._keys)} of a "
                    f"parameter and has {', '.join(found)}; start the training anew."
                )
        try:
            torch.Generator().set_state(tensors["chance.cpu"])
        except RuntimeError as error:
            raise ModelError(
                "A checkpoint should hold a state of torch's random numbers and holds "
                "something else; start the training anew."
            ) from error

    def _restore_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        state = {}
        for number, parameter in enumerate(self.net.parameters()):
            start = f"rule.{number}."
            values = {
                key: _like(tensors[start + key], key, parameter)
                for key in self._keys
                if start + key in tensors
            }
            if values:
                state[number] = values
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})


def get_ready_to_train() -> None:
    """Load what torch loads with the first optimizer: that takes a second."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])


def _make_optimizer(net: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    rate = config.learning_rate
    if config.optimizer == "sgd":
        return torch.optim.SGD(net.parameters(), lr=rate, momentum=config.momentum)
    return torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.0)


def _like(value: Tensor, key: str, parameter: Tensor) -> Tensor:
    """Bring a value to its parameter's device and memory order, for equal last bits."""
    if key == "step":
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)
