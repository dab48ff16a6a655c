"""Which device computes, and how it computes best."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from napari_unet.errors import DeviceError

N = TypeVar("N", bound=nn.Module)
NAMES = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True, slots=True)
class Execution:
    """A device and the way of computing that it is good at.

    A window has that extent in pixels; twice that on a CPU where a network goes
    through a plane in strips, which take less memory.
    """

    device: torch.device
    autocast: torch.dtype | None  # reduced precision, or None for float32
    channels_last: bool  # memory order of images and convolution weights
    window: int
    batch: int  # windows predicted at once, at most

    def place(self, tensor: Tensor) -> Tensor:
        """Move an image batch (N, C, Y, X) or (N, C, Z, Y, X) to the device."""
        return tensor.to(self.device, memory_format=self._layout(tensor.ndim))

    def place_net(self, net: N) -> N:
        """Move a network to the device in its memory order."""
        rank = max((p.ndim for p in net.parameters()), default=4)
        # The format only touches 4-D and 5-D parameters; the stub lacks the overload.
        return net.to(self.device, memory_format=self._layout(rank))  # type: ignore[call-overload,no-any-return]

    def _layout(self, rank: int) -> torch.memory_format:
        if not self.channels_last:
            return torch.contiguous_format
        return torch.channels_last_3d if rank == 5 else torch.channels_last

    def precision(self) -> contextlib.AbstractContextManager[None]:
        """Return the autocast context, or one that does nothing."""
        if self.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.autocast)


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" is CUDA, then MPS, then the CPU.

    Raises
    ------
    DeviceError
        If the name is unknown or this machine has no such device.
    """
    if name not in NAMES:
        raise DeviceError(
            f"Device {name!r} is unknown; choose one of {', '.join(NAMES)}."
        )
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if not available[name]:
        raise DeviceError(_why_absent(name))
    return torch.device(name)


def _why_absent(name: str) -> str:
    if name == "mps":
        return "MPS needs a Mac with Apple silicon; use --device auto or cpu."
    if torch.version.cuda is None:
        return (
            "CUDA was asked for, but the installed torch is built without it; "
            "install the CUDA build named in the README, or use --device auto."
        )
    return (
        "CUDA was asked for, but torch finds no usable NVIDIA GPU; "
        "check the driver with nvidia-smi, or use --device auto."
    )


def choose_execution(
    device: torch.device, *, full_precision: bool = False
) -> Execution:
    """Return the fastest safe way to compute on a device, or the one in float32.

    bf16 pays on CPUs with AVX512-BF16 or AMX only. On MPS, channels_last has given
    wrong gradients, so it stays off there.
    """
    execution = _fastest(device)
    return replace(execution, autocast=None) if full_precision else execution


def _fastest(device: torch.device) -> Execution:
    if device.type == "cuda":
        modern = torch.cuda.get_device_capability(device) >= (8, 0)
        precision = torch.bfloat16 if modern else torch.float16
        return Execution(device, precision, True, window=2048, batch=4)
    if device.type == "mps":
        return Execution(device, None, False, window=1024, batch=1)
    precision_cpu = torch.bfloat16 if _cpu_likes_bfloat16() else None
    return Execution(device, precision_cpu, True, window=1152, batch=1)


def _cpu_likes_bfloat16() -> bool:
    # These probes are private in torch; where they are missing float32 is safe.
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in probes)


def describe_device(device: torch.device) -> str:
    """Return a few words for the status line."""
    if device.type == "cuda":
        gibibytes = torch.cuda.get_device_properties(device).total_memory / 2**30
        return f"{torch.cuda.get_device_name(device)}, {gibibytes:.0f} GiB"
    if device.type == "mps":
        return "Apple GPU (MPS)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in words or "can't allocate memory" in words
    )
