"""What goes wrong in a training, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_unet.core.events import Notice
from napari_unet.errors import DeviceError
from napari_unet.learning.processes import peer_has_ended
from napari_unet.nets.device import is_out_of_memory


@contextmanager
def device_failures_in_words() -> Iterator[None]:
    """Raise a DeviceError where a device fails, or its memory does not suffice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if (words := _words(error)) is None:
            raise  # a defect of the program
        raise DeviceError(words) from error


def _words(error: RuntimeError | MemoryError) -> str | None:
    if is_out_of_memory(error):
        return (
            "Memory ran out; close other programs, or train on the CPU (--device cpu)."
        )
    if peer_has_ended(error):
        return (
            "Another process of this training has ended, so this one cannot go on; see "
            "what that one said. Go on from the last checkpoint with the same command "
            "and --resume."
        )
    if isinstance(error, torch.AcceleratorError) or "CUDA error" in str(error):
        reason = str(error).splitlines()[0]
        return (
            f"The graphics card failed during training ({reason}); start the program "
            "anew, or train on the CPU (--device cpu)."
        )
    return None


def no_numbers(step: int) -> Notice:
    """Return what is said of weights that spoil what they answer."""
    return Notice(
        f"The network of step {step} answers with no numbers; it is not kept."
    )
