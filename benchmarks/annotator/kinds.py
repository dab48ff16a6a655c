"""Kinds of images with true objects: some may be opened, others only judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.tasks.sample import Sample
from training.pictures import DRAWN_STACKS, read_pictures
from training.splits import Split, read_split
from training.synthetic.volume import STEP

_SEED = 2015
_JUDGES = 1 / 3
_MOST_JUDGES = 8
_MOST_UNSEEN = 24
_GAP = 16

APART = {DRAWN_STACKS: STEP, "nuclei_3d": 1.0}
"""How far apart the planes of volumes are, where that is known, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A grey image (Y, X), or a volume (Z, Y, X), and its true objects, ids from 1.

    Parameters
    ----------
    apart : float, optional
        How many times as far apart planes are as pixels are wide, where that is known.
    """

    name: str
    pixels: npt.NDArray[np.generic]
    truth: LabelMap
    apart: float | None = None

    @property
    def axes(self) -> str:
        """Letters of its axes."""
        return "ZYX"[-self.truth.ndim :]

    @property
    def objects(self) -> int:
        """How many there are."""
        return len(compact(self.truth)[1]) - 1

    def sample(
        self, labels: LabelMap | None = None, verified: Mask | None = None
    ) -> Sample:
        """Return it for training, with labels or else its truth."""
        known = self.truth if labels is None else labels
        size = {"Z": self.apart, "Y": 1.0, "X": 1.0} if self.apart else None
        return Sample(self.pixels, known, verified, self.axes, size)


@dataclass(frozen=True, slots=True)
class Kind:
    """Images of one data set: those that may be opened, and those that never are."""

    name: str
    opened: tuple[Image, ...]
    judges: tuple[Image, ...]


def read_kind(
    name: str, data: Path, *, own: bool = False, most: int = _MOST_JUDGES
) -> Kind:
    """Read a data set that has a split in `training.splits`.

    About a third of the images judges, `most` at most; images of one film are not
    parted. Of a set of one image the left part is opened and the right part judges.

    Parameters
    ----------
    own : bool
        Whether the start knows this kind: then only images are opened, and judge, that
        the shipped models have not seen.
    """
    split = read_split([name])
    stems = split.test if own else [stem for group in split.groups for stem in group]
    pictures = read_pictures(data / name, stems, grey=True, objects=True)
    apart = APART.get(name)
    images = [Image(p.stem, p.raw, p.values, apart) for p in pictures if p.values.any()]
    if len(images) == 1:
        return Kind(name, *_halves(images[0]))
    judging = _half(images) if own else judges_of(split)
    opened = tuple(each for each in images if each.name not in judging)
    judges = [each for each in images if each.name in judging]
    most = _MOST_UNSEEN if own else most
    order = np.random.default_rng(_SEED).permutation(len(judges))[:most]
    return Kind(name, opened, tuple(judges[i] for i in sorted(order)))


def _half(images: Sequence[Image]) -> set[str]:
    order = np.random.default_rng(_SEED).permutation(len(images))
    return {images[i].name for i in order[: len(images) // 2]}


def judges_of(split: Split) -> set[str]:
    """Return the stems of what judges: the test, and films until it is a third."""
    stems = sorted(stem for group in split.groups for stem in group)
    film_of = {stem: film for film in split.films for stem in film}
    judging = {other for stem in split.test for other in film_of.get(stem, (stem,))}
    for i in np.random.default_rng(_SEED).permutation(len(stems)):
        more = judging.union(film_of.get(stems[i], (stems[i],)))
        if len(more) <= _JUDGES * len(stems):
            judging = more
    return judging


def _halves(image: Image) -> tuple[tuple[Image], tuple[Image]]:
    """Part an image at three fifths; objects on the cut are cut."""
    width = image.truth.shape[-1]
    cut = round(0.6 * width)
    return (
        (_part(image, slice(0, cut - _GAP)),),
        (_part(image, slice(cut + _GAP, width)),),
    )


def _part(image: Image, columns: slice) -> Image:
    name = f"{image.name}, columns {columns.start} to {columns.stop}"
    pixels, truth = image.pixels[..., columns], image.truth[..., columns]
    return Image(name, pixels, truth, image.apart)


BAR_KINDS: Sequence[str] = (
    "cells_phase",
    "axons_sem",
    "plant_membranes",
    "bacteria_two_channel",
    "nanoparticles_em",
)
"""Five kinds on which what was learned is compared with full supervision."""
