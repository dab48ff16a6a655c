"""Networks of others, whose program lies where the weights of ours lie."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from napari_unet.core.validation import Frozen
from napari_unet.models.architecture import ArchitectureConfig, register_closed

LARGEST_PROGRAM = 2**29
"""Bytes; what a U-Net of any size takes."""

_Number = Annotated[float, Field(allow_inf_nan=False)]
_Numbers = Annotated[tuple[_Number, ...], Field(min_length=1, max_length=1000)]
_Pixels = Annotated[int, Field(ge=0, le=4096)]


class Linear(Frozen):
    """Multiplies, then adds: one number for all channels, or one for each."""

    kind: Literal["linear"] = "linear"
    gain: _Numbers = (1.0,)
    offset: _Numbers = (0.0,)


class Clip(Frozen):
    """Brings what is below or above to these ends."""

    kind: Literal["clip"] = "clip"
    low: _Number | None = None
    high: _Number | None = None


class Threshold(Frozen):
    """Makes 1 of what is above, and 0 of all else."""

    kind: Literal["threshold"] = "threshold"
    at: _Number


class Activation(Frozen):
    """A function of each pixel; softmax is one of its channels together."""

    kind: Literal["activation"] = "activation"
    name: Literal["sigmoid", "softmax"]


Step: TypeAlias = Annotated[
    Linear | Clip | Threshold | Activation, Field(discriminator="kind")
]
_Steps = Annotated[tuple[Step, ...], Field(max_length=20)]

Reading: TypeAlias = Literal["values", "probability", "probabilities"]
"""What the maps are: values; that of foreground; those of all classes together."""


class TorchScriptConfig(ArchitectureConfig):
    """Options of `napari_unet.nets.torchscript.TorchScriptNetwork`.

    Parameters
    ----------
    program_bytes : int
        Length of the program.
    least, step : int
        Extents that it takes: ``least + k * step`` pixels along every axis.
    margin : int
        Pixels that its maps are smaller on every side.
    halo : int
        Pixels around a tile that have a say in it.
    before, after : tuple of Step
        What is done to an image and to the maps, pixel by pixel.
    reading : str
        What the maps are then.
    """

    network: ClassVar[str] = "napari_unet.nets.torchscript.TorchScriptNetwork"
    title: ClassVar[str] = "network of others (TorchScript)"
    why_closed: ClassVar[str] = (
        "A network of others in TorchScript predicts, but cannot learn: its program is "
        "taken as it is. Correct what it finds, and train another model with that."
    )

    kind: Literal["torchscript"] = "torchscript"
    dims: Literal[2, 3] = 2
    program_bytes: int = Field(ge=1, le=LARGEST_PROGRAM)
    least: int = Field(1, ge=1, le=4096)
    step: int = Field(1, ge=1, le=4096)
    margin: _Pixels = 0
    halo: _Pixels = 0
    before: _Steps = ()
    after: _Steps = ()
    reading: Reading = "values"

    def options(self) -> dict[str, Any]:
        """Return what the network is called with besides its channels."""
        names = type(self).model_fields.keys() - {"kind"}
        return {name: getattr(self, name) for name in names}


register_closed(TorchScriptConfig)
