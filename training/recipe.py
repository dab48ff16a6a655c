"""How each built-in model is trained: everything that can be ablated, in one place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.kinds import AnyDecoding
from napari_unet.learning.config import Augmentation
from napari_unet.models.architecture import Architecture
from napari_unet.models.architectures.subpixel import SubpixelConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.build import build
from napari_unet.nets.network import Network
from napari_unet.tasks.objectives import Objective, objective_of
from napari_unet.tasks.outputs import LossOptions, PixelClass
from training.heads import Head, other_head
from training.losses import OTHER_LOSSES, Loss
from training.pictures import (
    GENERATED,
    GENERATED_VOLUMES,
    Picture,
    read_pictures,
)

STRONG = Augmentation(
    zoom=0.35,
    elastic=1.5,
    gamma=0.35,
    contrast=0.3,
    offset=0.08,
    illumination=0.4,
    blur=2.0,
    noise=0.15,
)

OUT_OF_FOCUS = STRONG.model_copy(update={"haze": 0.6, "blur": 4.0})
"""What an ablation has shown to be better on the images of strangers."""

WIDE = SubpixelConfig(base_channels=32)
"""A step takes a quarter of the time that one of a U-Net of 24 channels takes."""

DEEP = SubpixelConfig(depth=2, base_channels=32, dims=3)
"""Sees volumes; what it computes is at half the resolution along Y and X alone."""

NUCLEUS = 10.0
"""Usual width of a mammalian nucleus, in micrometres."""


class Recipe(BaseModel):
    """What is trained on what, and how.

    Parameters
    ----------
    name : str
        Of the model.
    data : tuple of str
        Names of the data sets, which are folders.
    left_out : tuple of str
        Those of them that do not train; all of their pictures are strangers.
    channels : int
        Of its images.
    classes : tuple of str
        Names of the classes of pixels; none where objects are learned.
    decoding : Decoding
        How maps become objects.
    architecture : Architecture
        The network.
    head : {"usual", "centre", "border", "flows"}
        What is learned of objects, see `training.heads`; the program knows the first
        one alone.
    loss : {"usual", "without Dice", "alike everywhere", "squares"}
        How the usual head is learned, see `training.losses`.
    diameter : float or None
        Images are zoomed so that the typical object has this diameter, in pixels, give
        or take `augmentation.zoom`; None leaves them as they are.
    usual : tuple of float, optional
        Pictures in which the typical diameter, in pixels, is not between these are
        zoomed so that it is; `augmentation.zoom` comes on top.
    least, most : float
        Typical diameters, in pixels, beyond which no crop is zoomed.
    zoomed_to, object_size, spacings
        See `napari_unet.models.spec.ModelSpec`.
    augmentation : Augmentation
        Random changes.
    balance : float
        0 draws every picture equally often, 1 every group.
    alike : bool
        Whether all data sets give equally many crops, however many pictures they have.
    crop, batch, steps : int
        Side of the crops in pixels, their number in a batch, number of batches.
    planes : int, optional
        Of a crop, where the network sees volumes.
    thinned : tuple of int
        Every volume trains as it is, and with each second, third ... of its planes: as
        far as enough for a crop are left.
    rate, decay : float
        Highest learning rate, and weight decay, of AdamW.
    memory : float
        Decay of the average of weights that is kept; 0 keeps the last weights.
    hardness : float
        See `napari_unet.tasks.objectives.losses.instance_loss`.
    seed : int
        Of everything that is random.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "nuclei"
    data: tuple[str, ...] = ("nuclei_fluorescence",)
    left_out: tuple[str, ...] = ()
    channels: int = Field(1, ge=1)
    classes: tuple[str, ...] = ()
    decoding: AnyDecoding = ReachDecoding(min_size=25)
    architecture: Architecture = UNetConfig()
    head: Head = "usual"
    loss: Loss = "usual"
    diameter: float | None = None
    usual: tuple[float, float] | None = None
    least: float = Field(9.0, gt=0)
    most: float = Field(64.0, gt=0)
    zoomed_to: tuple[float, float] = (12.0, 40.0)
    object_size: float | None = None
    spacings: tuple[float, float] | None = None
    augmentation: Augmentation = STRONG
    balance: float = Field(0.5, ge=0, le=1)
    alike: bool = False
    crop: int = Field(192, ge=32)
    planes: int | None = Field(None, ge=8)
    thinned: tuple[int, ...] = (1,)
    batch: int = Field(8, ge=1)
    steps: int = Field(600, ge=1)
    rate: float = Field(2e-3, gt=0)
    decay: float = Field(0.02, ge=0)
    memory: float = Field(0.99, ge=0, lt=1)
    hardness: float = Field(0.0, ge=0)
    seed: int = 0

    def without(self, kinds: Sequence[str]) -> Recipe:
        """Return the recipe with data sets left out.

        Raises
        ------
        ValueError
            If one is not among its data sets, or nothing would be left.
        """
        if unknown := {*kinds} - {*self.data}:
            raise ValueError(
                f"{self.name} is not trained on {', '.join(sorted(unknown))}; choose "
                f"from {', '.join(self.data)}."
            )
        if {*kinds} == {*self.data}:
            raise ValueError(
                f"Nothing is left to train {self.name} on; leave out less."
            )
        return self.model_copy(update={"left_out": tuple(kinds)})

    def spec(self) -> ModelSpec:
        """Return the description of the model that is made, without words."""
        objects = not self.classes
        best = (self.diameter, self.diameter) if self.diameter else self.zoomed_to
        return ModelSpec(
            name=self.name,
            task="instances" if objects else "classes",
            classes=tuple(PixelClass(name=each) for each in self.classes),
            in_channels=self.channels,
            architecture=self.architecture,
            decoding=self.decoding,
            diameters=(self.least, self.most) if objects else None,
            zoomed_to=best if objects else None,
            object_size=self.object_size,
            spacings=self.spacings,
        )

    def objective(self) -> Objective:
        """Return what is learned; every class counts the same."""
        if self.head != "usual":
            return other_head(self.head, self.decoding)
        if self.loss != "usual":
            return OTHER_LOSSES[self.loss](self.decoding)
        return objective_of(self.spec(), LossOptions(balance=True))

    def network(self) -> Network:
        """Return the network with fresh weights, with a map for all that is learned."""
        net = build(self.spec())
        channels = self.objective().channels
        if net.out_channels != channels:
            net.replace_head(channels)
        return net

    @property
    def extent(self) -> tuple[int, ...]:
        """Shape of a crop."""
        above = () if self.planes is None else (self.planes,)
        return (*above, self.crop, self.crop)

    def spread_out(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Return pictures, and volumes also as if their planes lay further apart."""
        least = self.planes or 1
        return [
            picture.thinned(step)
            for picture in pictures
            for step in self.thinned
            if step == 1 or len(picture.values) >= least * step
        ]

    def pictures(self, data: Path, stems: Sequence[str]) -> list[Picture]:
        """Read pictures of its data sets, which are folders in `data`.

        A recipe of one channel sees colours as grey; one without classes sees the
        pieces of a class as objects.
        """
        return [
            picture
            for name in self.data
            for picture in read_pictures(
                data / name,
                stems,
                grey=self.channels == 1,
                objects=not self.classes,
            )
        ]


RECIPES = {
    each.name: each
    for each in (
        Recipe(
            data=("nuclei_fluorescence", "nuclei_u2os"),
            architecture=UNetConfig(base_channels=24),
            augmentation=OUT_OF_FOCUS,
            decoding=ReachDecoding(min_size=40),
            zoomed_to=(16.0, 40.0),
            object_size=NUCLEUS,
            batch=16,
            steps=10000,
            memory=0.998,
        ),
        Recipe(
            name="nuclei-small",
            data=("nuclei_fluorescence", "nuclei_u2os"),
            architecture=SubpixelConfig(),
            augmentation=OUT_OF_FOCUS,
            decoding=ReachDecoding(min_size=25, contact=0.2),
            zoomed_to=(16.0, 20.0),
            object_size=NUCLEUS,
            steps=4000,
            memory=0.995,
        ),
        Recipe(
            name="cells-phase",
            data=("cells_phase",),
            architecture=WIDE,
            least=24.0,
            most=110.0,
            zoomed_to=(32.0, 80.0),
            crop=256,
            rate=1e-3,
            steps=1250,
            memory=0.995,
            balance=0,
            decoding=ReachDecoding(min_size=200),
        ),
        Recipe(
            name="axons",
            data=("axons_sem",),
            classes=("background", "myelin", "axon"),
            decoding=ReachDecoding(min_size=16),
            crop=256,
            batch=4,
            steps=1500,
            balance=0,
        ),
        Recipe(
            name="nuclei-he",
            data=("nuclei_histology",),
            channels=3,
            architecture=WIDE,
            decoding=ReachDecoding(min_size=30, contact=0.27),
            object_size=NUCLEUS,
            rate=1e-3,
            steps=2450,
            memory=0.998,
        ),
        Recipe(
            name="cells",
            data=(
                "nuclei_fluorescence",
                "nuclei_u2os",
                "nuclei_histology",
                "nuclei_brightfield",
                "cells_phase",
                "axons_sem",
                "bacteria_two_channel",
                "nanoparticles_em",
                "particles_sem",
                "precipitates_sem",
                "nanoshapes_tem",
                "chloroplasts_em",
                "neurons_brightfield",
                "myoblasts_phase",
                "embryos_brightfield",
                "mushrooms_photo",
                "plant_membranes",
                GENERATED,
            ),
            usual=(10.0, 96.0),
            least=6.0,
            most=200.0,
            zoomed_to=(12.0, 80.0),
            architecture=WIDE,
            decoding=ReachDecoding(min_size=50, contact=0.35),
            alike=True,
            balance=0.8,
            augmentation=OUT_OF_FOCUS.model_copy(update={"invert": 0.5, "zoom": 0.5}),
            steps=18700,
            memory=0.998,
        ),
        Recipe(
            name="nuclei-3d",
            data=("nuclei_3d", "embryo_nuclei_3d", GENERATED_VOLUMES),
            architecture=DEEP,
            augmentation=OUT_OF_FOCUS.model_copy(
                update={"zoom": 0.25, "elastic": 1.0, "blur": 1.0, "haze": 0.3}
            ),
            decoding=ReachDecoding(min_size=150),
            least=8.0,
            most=40.0,
            zoomed_to=(10.0, 32.0),
            object_size=NUCLEUS,
            spacings=(1.0, 5.0),
            crop=96,
            planes=24,
            thinned=(1, 2, 3, 4),
            batch=3,
            steps=6000,
            rate=1.5e-3,
            memory=0.998,
            balance=1,
        ),
    )
}


def _parsed(text: str) -> Any:
    """Return nothing, what JSON says in braces, or else the text itself."""
    if text.startswith("{"):
        return json.loads(text)
    return None if text == "none" else text


def changed(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Return a recipe with other values, such as ``augmentation.zoom=0.2``."""
    content: dict[str, Any] = recipe.model_dump()
    for setting in settings:
        path, _, value = setting.partition("=")
        *parents, name = path.split(".")
        place = content
        for parent in parents:
            place = place[parent]
        place[name] = _parsed(value)
    return Recipe.model_validate(content)
