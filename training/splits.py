"""Which images train and which are held out, written down."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from skimage import io

SEED = 2018


@dataclass(frozen=True)
class Split:
    """Stems of the training images and of the held-out ones."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the split as it is written beside the weights."""
        return {"name": self.name, "train": list(self.train), "test": list(self.test)}


def stems(data: Path) -> list[str]:
    """Return the stems of all images, sorted."""
    return sorted(path.stem for path in (data / "images").glob("*.png"))


def split_random(data: Path) -> Split:
    """Hold out a random tenth, by image."""
    every = stems(data)
    order = np.random.default_rng(SEED).permutation(len(every))
    test = {every[i] for i in order[: len(every) // 10]}
    train = tuple(s for s in every if s not in test)
    return Split("random", train, tuple(sorted(test)))


def acquisition_groups(data: Path) -> dict[str, list[str]]:
    """Group images by shape and, for the common 256x256, by level of background.

    Images of one size and darkness in this collection come from one microscope or
    laboratory; the collection itself does not say which.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for stem in stems(data):
        image = io.imread(data / "images" / f"{stem}.png")
        level = int(np.digitize(np.median(image), [4, 8, 16, 32]))
        suffix = f"-{level}" if image.shape == (256, 256) else ""
        groups[f"{image.shape[0]}x{image.shape[1]}{suffix}"].append(stem)
    return dict(groups)


def split_groups(data: Path) -> Split:
    """Hold out whole groups, drawn until a tenth of the images is reached."""
    groups = acquisition_groups(data)
    total = sum(map(len, groups.values()))
    test: list[str] = []
    for i in np.random.default_rng(SEED).permutation(len(groups)):
        members = groups[sorted(groups)[i]]
        if len(test) + len(members) <= total // 8:
            test += members
    train = tuple(s for s in stems(data) if s not in set(test))
    return Split("groups", train, tuple(sorted(test)))
