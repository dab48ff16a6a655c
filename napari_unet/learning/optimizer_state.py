"""What torch's parts of a training keep between steps, as tensors by name, and back.

Names begin with "rule." for the optimiser, "scaler." for the loss scaling of float16,
and "chance." for the random numbers that dropout draws. The last two may be missing,
and are left alone, where a training goes on with another device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from napari_unet.errors import ModelError
from napari_unet.learning.fit_config import OptimizerName
from napari_unet.weights.tensor_file import Layout, layout_of

_RULE_KEYS = {
    "adamw": ("step", "exp_avg", "exp_avg_sq"),
    "sgd": ("momentum_buffer",),
}
_CUDA_BYTES = 16


def rule_state(rule: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimiser keeps of each parameter; nothing before a step."""
    return {
        f"rule.{number}.{key}": value
        for number, values in rule.state_dict()["state"].items()
        for key, value in values.items()
        if isinstance(value, Tensor)
    }


def rule_layout(name: OptimizerName, parameters: Sequence[Tensor]) -> Layout:
    """Return types and shapes of all that an optimiser may keep."""
    return {
        f"rule.{number}.{key}": (p.dtype, () if key == "step" else tuple(p.shape))
        for number, p in enumerate(parameters)
        for key in _RULE_KEYS[name]
    }


def check_state(
    name: OptimizerName, parameters: Sequence[Tensor], state: Mapping[str, Tensor]
) -> None:
    """Check that tensors of the right types and shapes are a state.

    Raises
    ------
    ModelError
        If not.
    """
    keys = _RULE_KEYS[name]
    for number in range(len(parameters)):
        found = [key for key in keys if f"rule.{number}.{key}" in state]
        if 0 < len(found) < len(keys):
            raise ModelError(
                f"A checkpoint should have all of {', '.join(keys)} of a parameter "
                f"and has {', '.join(found)}; start the training anew."
            )
    try:
        torch.Generator().set_state(state["chance.cpu"])
    except RuntimeError as error:
        raise ModelError(
            "A checkpoint should hold a state of torch's random numbers and holds "
            "something else; start the training anew."
        ) from error


def restore_rule(
    rule: torch.optim.Optimizer,
    name: OptimizerName,
    parameters: Sequence[Tensor],
    state: Mapping[str, Tensor],
) -> None:
    """Let an optimiser go on from a state."""
    found = {}
    for number, parameter in enumerate(parameters):
        start = f"rule.{number}."
        values = {k: state[start + k] for k in _RULE_KEYS[name] if start + k in state}
        if values:
            found[number] = {k: _like(v, k, parameter) for k, v in values.items()}
    groups = rule.state_dict()["param_groups"]
    rule.load_state_dict({"state": found, "param_groups": groups})


def _like(value: Tensor, key: str, parameter: Tensor) -> Tensor:
    """Bring a value to its parameter's device and memory order.

    Compilers add up numbers in another order for another memory order, and the last
    bits would differ.
    """
    if key == "step":
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def chance_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's random numbers, of the CPU and of CUDA."""
    state = {"chance.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["chance.cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_chance(device: torch.device, state: Mapping[str, Tensor]) -> None:
    """Let torch's random numbers go on from a state."""
    torch.set_rng_state(state["chance.cpu"])
    if device.type == "cuda" and "chance.cuda" in state:
        torch.cuda.set_rng_state(state["chance.cuda"], device)


def scaler_state(scaler: torch.amp.GradScaler) -> dict[str, Tensor]:
    """Return what a loss scaler keeps; nothing where none is needed."""
    if not scaler.is_enabled():
        return {}
    state = scaler.state_dict()
    return {
        "scaler.scale": torch.tensor(state["scale"], dtype=torch.float64),
        "scaler.growth": torch.tensor(state["_growth_tracker"]),
    }


def restore_scaler(scaler: torch.amp.GradScaler, state: Mapping[str, Tensor]) -> None:
    """Let a loss scaler go on from a state, where it is needed and there is one."""
    if scaler.is_enabled() and "scaler.scale" in state and "scaler.growth" in state:
        scale, growth = state["scaler.scale"], state["scaler.growth"]
        kept = {"scale": float(scale), "_growth_tracker": int(growth)}
        scaler.load_state_dict(scaler.state_dict() | kept)


def device_layout() -> Layout:
    """Return types and shapes of what depends on the device."""
    return {
        "chance.cuda": (torch.uint8, (_CUDA_BYTES,)),
        "scaler.scale": (torch.float64, ()),
        "scaler.growth": (torch.int64, ()),
    }


def chance_layout() -> Layout:
    """Return type and shape of what is always there."""
    return layout_of({"chance.cpu": torch.get_rng_state()})
