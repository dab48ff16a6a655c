"""A description and the weights that belong to it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from napari_unet.errors import InputError
from napari_unet.instances.decoding import Decoding
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.build import build
from napari_unet.nets.network import Network
from napari_unet.tasks import task_of


@dataclass(frozen=True, eq=False)
class Model:
    """A model that can be used; never changed after it was made.

    Who trains it takes `copy_net`, so threads may share a model without locks.

    Parameters
    ----------
    spec : ModelSpec
        The description.
    net : Network
        The network with its weights, on the CPU, in evaluation mode.
    """

    spec: ModelSpec
    net: Network

    @property
    def name(self) -> str:
        """Short name for people."""
        return self.spec.name

    @property
    def best_diameters(self) -> tuple[float, float] | None:
        """Typical diameters that need no zoom, in pixels; None if it never zooms."""
        return self.spec.best_diameters

    def with_decoding(self, decoding: Decoding) -> Model:
        """Return the same network with other thresholds.

        Those that belong to other maps than the network's change nothing.
        """
        own = self.spec.decoding
        if decoding == own or not own.reads_as(decoding):
            return self
        return Model(self.spec.model_copy(update={"decoding": decoding}), self.net)

    def with_thresholds(
        self,
        threshold: float | None = None,
        keep_together: float | None = None,
        smallest: float | None = None,
    ) -> Model:
        """Return the same network that finds objects with other thresholds.

        They are called as in the dock; one that is not given stays as it is.

        Parameters
        ----------
        threshold : float, optional
            How sure the model must be that a pixel belongs to an object, 0 to 1. Lower:
            fainter and larger objects.
        keep_together : float, optional
            Lower: more of those that touch are parted; higher: more stay together.
        smallest : float, optional
            Least area of an object, in pixels that the model sees.

        Raises
        ------
        InputError
            If the model finds no objects, or a threshold is out of its limits.
        """
        if threshold is keep_together is smallest is None:
            return self
        if not task_of(self.spec).labels.objects:
            raise InputError(
                f"Model {self.name!r} predicts {self.spec.task}, and thresholds are "
                "for objects; leave them away, or choose another model."
            )
        chosen = self.spec.decoding.chosen(threshold, keep_together, smallest)
        return self.with_decoding(chosen)

    def copy_net(self) -> Network:
        """Return a private copy of the network."""
        return copy.deepcopy(self.net)


def check_model(model: object) -> None:
    """Raise an InputError if this is no model that was loaded or made."""
    if not isinstance(model, Model):
        raise InputError(
            f"Expected a model, found {model!r}; load one first, for example with "
            'nu.load_model("nuclei").'
        )


def new_model(spec: ModelSpec, *, pretrained: bool = False) -> Model:
    """Return a model with fresh random weights.

    Parameters
    ----------
    pretrained : bool
        Download ImageNet weights for the contracting path, where the architecture
        has a backbone.

    Raises
    ------
    InputError
        If the architecture has no pretrained weights.
    ModelError
        If they cannot be downloaded.
    """
    return fresh(spec, build(spec, pretrained=pretrained))


def fresh(spec: ModelSpec, net: Network) -> Model:
    """Return a model whose head has random weights.

    A regression starts from the mean of its targets: zero weights in a linear head
    are learned as fast as others, and outputs of any size would have to be unlearned.
    """
    if task_of(spec).outputs.head_starts_at_zero:
        for parameter in net.head.parameters():
            torch.nn.init.zeros_(parameter)
    return Model(spec, net.eval())
