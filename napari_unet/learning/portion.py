"""How much of a batch is computed at once, and what to do when memory runs out."""

from __future__ import annotations

import torch

from napari_unet.core.events import Notice
from napari_unet.errors import DeviceError, ModelError
from napari_unet.nets.device import is_out_of_memory
from napari_unet.nets.network import Network

_LEAST_CROP = 64
_SHRINK_3D = 3


class Portion:
    """Extent of the crops, and how many of them are computed at once.

    Parameters
    ----------
    net : Network
        Only its sizes are read.
    crop : int
        Wanted extent, in pixels.
    micro : int
        Crops at once.
    """

    def __init__(self, net: Network, crop: int, micro: int) -> None:
        self._net = net
        self.crop = self._fit_crop(crop)
        self.micro = micro

    def extent(self) -> tuple[int, ...]:
        """Return the shape of a crop: in 3-D as much to compute as a few planes."""
        net = self._net
        if net.dims == 2:
            return (self.crop, self.crop)
        side = self._fit_crop(max(net.stride, self.crop // _SHRINK_3D))
        return (self._fit_crop(side // 2), side, side)

    def shrink(self) -> Notice:
        """Compute less at once, then smaller crops; say so.

        Raises
        ------
        DeviceError
            If there is nothing smaller.
        """
        if self.micro > 1:
            self.micro //= 2
            return Notice(
                f"Memory ran out; training goes on with {self.micro} crops at once."
            )
        smaller = self._fit_crop(self.crop // 2)
        if not max(_LEAST_CROP, self._net.stride) <= smaller < self.crop:
            raise DeviceError(
                "Memory ran out even with the smallest crops; close other programs, "
                "or train on the CPU (--device cpu)."
            )
        self.crop = smaller
        return Notice(f"Memory ran out; training goes on with crops of {smaller} px.")

    def check(self, crop: int) -> None:
        """Check that another training of this network may have come to such crops.

        Raises
        ------
        ModelError
            If not.
        """
        if crop > self.crop or self._fit_crop(crop) != crop:
            raise ModelError(
                f"A checkpoint should have crops of at most {self.crop} px that the "
                f"network takes, and has {crop} px; start the training anew."
            )

    def _fit_crop(self, wanted: int) -> int:
        """Return the next extent that the network takes, and answers for in part.

        Unpadded convolutions eat the border; half of a crop, at least, is to be left.
        """
        net = self._net
        return net.input_size(max(1, wanted // 2, wanted - 2 * net.margin))


def fatal_words(error: RuntimeError | MemoryError) -> str | None:
    """Return in words what ended a training, if it is no defect of the program."""
    if is_out_of_memory(error):
        return (
            "Memory ran out; close other programs, or train on the CPU (--device cpu)."
        )
    if isinstance(error, torch.AcceleratorError) or "CUDA error" in str(error):
        reason = str(error).splitlines()[0]
        return (
            f"The graphics card failed during training ({reason}); start the program "
            "anew, or train on the CPU (--device cpu)."
        )
    return None
