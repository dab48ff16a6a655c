"""A description and the weights that belong to it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from napari_unet.nets.spec import ModelSpec
from napari_unet.nets.unet import UNet


@dataclass(frozen=True, eq=False)
class Model:
    """A model that can be used; never changed after it was made.

    Whoever wants to train it takes `copy_net`. So a model may be shared between
    threads without locks.

    Parameters
    ----------
    spec : ModelSpec
        The description.
    net : UNet
        The network with its weights, on the CPU, in evaluation mode.
    """

    spec: ModelSpec
    net: UNet

    @property
    def name(self) -> str:
        """Short name for people."""
        return self.spec.name

    def copy_net(self) -> UNet:
        """Return a private copy of the network."""
        return copy.deepcopy(self.net)


def new_model(spec: ModelSpec) -> Model:
    """Return a model with fresh random weights."""
    return Model(spec, spec.build().eval())
