"""Which scenes there are, how many images of each, and their seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from training.synthetic.membranes import draw_membranes
from training.synthetic.nuclei import draw_nuclei
from training.synthetic.phase import draw_phase
from training.synthetic.scene import Picture
from training.synthetic.timelapse import draw_timelapse
from training.synthetic.two_channels import draw_two_channels
from training.synthetic.volume import draw_volume


@dataclass(frozen=True, slots=True)
class Scene:
    """One kind of sample image.

    Parameters
    ----------
    name : str
        Folder and start of the file names.
    title : str
        What a person reads in a menu.
    axes : str
        Axes of the image, such as "YX" or "ZYX".
    count : int
        How many images are kept in the repository.
    seed : int
        Image `i` is drawn from the seed sequence (seed, i).
    draw : callable
        Draws one image with its labels.
    """

    name: str
    title: str
    axes: str
    count: int
    seed: int
    draw: Callable[[Generator], Picture]

    def picture(self, index: int) -> Picture:
        """Draw image number `index`, counted from 1."""
        return self.draw(np.random.default_rng([self.seed, index]))


SCENES = (
    Scene(
        "nuclei",
        "Touching nuclei, fluorescence (synthetic)",
        "YX",
        2,
        2015,
        draw_nuclei,
    ),
    Scene(
        "phase", "Adherent cells, phase contrast (synthetic)", "YX", 8, 2016, draw_phase
    ),
    Scene(
        "membranes",
        "Tissue, electron microscopy (synthetic)",
        "YX",
        2,
        2017,
        draw_membranes,
    ),
    Scene("zstack", "Nuclei, z-stack (synthetic)", "ZYX", 1, 2018, draw_volume),
    Scene(
        "timelapse",
        "Dividing nuclei, time-lapse (synthetic)",
        "TYX",
        1,
        2019,
        draw_timelapse,
    ),
    Scene(
        "two_channels",
        "Nuclei and cytoplasm, two channels (synthetic)",
        "CYX",
        1,
        2020,
        draw_two_channels,
    ),
)
