"""Images with ground truth, read and normalised as the program would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage import io
from skimage.measure import label

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.images.normalize import PercentileNormalization
from training.known import PARTLY_LABELLED, without_specks
from training.synthetic.elongated import elongated_names, elongated_picture
from training.synthetic.scene import Picture as Drawn
from training.synthetic.thick import thick_names, thick_volume
from training.synthetic.volume import drawn_stack, stack_names
from training.threads import side_by_side

CLASSES_OF_OBJECTS = {"axons_sem": (2, 1)}
"""Data sets of classes, and the classes that become objects.

Connected pieces of the first are objects. What is of the second is an object around the
nearest of them, as myelin is around an axon.
"""

CHANNEL = "@"
"""Stands between the stem of a file of several channels and the number of one."""

GENERATED = "generated_shapes"
GENERATED_VOLUMES = "generated_nuclei_3d"
DRAWN_STACKS = "drawn_stacks"
"""Names of the data sets that are drawn, and have no folder."""

_DRAWN: dict[str, tuple[Callable[[], list[str]], Callable[[str], Drawn]]] = {
    GENERATED: (elongated_names, elongated_picture),
    GENERATED_VOLUMES: (thick_names, thick_volume),
    DRAWN_STACKS: (stack_names, drawn_stack),
}

_LEAST_PIECE = 16


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One image and what is known of it.

    Parameters
    ----------
    stem : str
        Name of its files; of one channel of several, with its number, as in "a@1".
    raw : ndarray, shape (Y, X), (Y, X, 3) or (Z, Y, X)
        As it was read.
    image : ndarray of float32, shape (C, Y, X) or (C, Z, Y, X)
        Normalised.
    values : ndarray of int32, shape (Y, X) or (Z, Y, X)
        Object ids or classes.
    verified : ndarray of bool, shape (Y, X), optional
        Where `values` can be trusted; None if everywhere.
    """

    stem: str
    raw: npt.NDArray[np.generic]
    image: npt.NDArray[np.float32]
    values: LabelMap
    verified: Mask | None = None

    @property
    def axes(self) -> str | None:
        """Of `raw`, where its shape does not say it."""
        return "ZYX" if self.values.ndim == 3 else None

    def thinned(self, step: int) -> Picture:
        """Return a volume as if its planes lay further apart, with some of them."""
        if step == 1:
            return self
        known = None if self.verified is None else self.verified[::step]
        image, values = self.image[:, ::step], self.values[::step]
        return replace(
            self, raw=self.raw[::step], image=image, values=values, verified=known
        )


def read_pictures(
    folder: Path,
    stems: Sequence[str] | None = None,
    *,
    grey: bool = False,
    objects: bool = False,
) -> list[Picture]:
    """Read `images/*` and `labels/*.tif` with equal stems, sorted by stem.

    Channels that are not colours become pictures of their own. The folder
    `GENERATED` need not be there.

    Parameters
    ----------
    stems : sequence of str, optional
        Those to read; others of the folder, and stems that it has not, are left out.
    grey : bool
        Whether colours become their mean.
    objects : bool
        Whether classes become objects, see `CLASSES_OF_OBJECTS`.
    """
    if folder.name in _DRAWN:
        listed, draw = _DRAWN[folder.name]
        names = [each for each in listed() if stems is None or each in stems]
        return side_by_side(partial(_generated, draw, folder.name), names)
    wanted = None if stems is None else {each.partition(CHANNEL)[0] for each in stems}
    paths = [
        path
        for path in sorted((folder / "images").iterdir())
        if wanted is None or path.stem in wanted
    ]
    read = partial(_read, grey=grey, objects=objects)
    found = [picture for of in side_by_side(read, paths) for picture in of]
    exact = None if stems is None else {*stems}
    return [each for each in found if exact is None or each.stem in exact]


def _generated(draw: Callable[[str], Drawn], folder: str, name: str) -> Picture:
    drawn = draw(name)
    return picture_of(name, drawn.image, drawn.labels, folder)


def _read(path: Path, *, grey: bool, objects: bool) -> list[Picture]:
    folder = path.parent.parent
    raw = io.imread(path)
    values = io.imread(folder / "labels" / f"{path.stem}.tif").astype(np.int32)
    if folder.name not in CLASSES_OF_OBJECTS:
        values = without_specks(values)
    elif objects:
        values = objects_of(values, *CLASSES_OF_OBJECTS[folder.name])
    if raw.shape == values.shape:
        named = {path.stem: raw}
    elif raw.shape[:2] != values.shape:
        named = {f"{path.stem}{CHANNEL}{n}": each for n, each in enumerate(raw)}
    else:
        colours = raw[..., :3]
        grown = colours.mean(axis=-1, dtype=np.float32) if grey else colours
        named = {path.stem: grown}
    return [picture_of(stem, each, values, folder.name) for stem, each in named.items()]


def picture_of(
    stem: str, raw: npt.NDArray[np.generic], values: LabelMap, name: str = ""
) -> Picture:
    """Return a picture, normalised, with what is known of those of its data set."""
    channels = np.moveaxis(raw, -1, 0) if raw.shape != values.shape else raw[None]
    image = PercentileNormalization().apply(channels)
    known = PARTLY_LABELLED.get(name)
    return Picture(stem, raw, image, values, known and known(image, values))


def objects_of(classes: LabelMap, inner: int, outer: int) -> LabelMap:
    """Return the pieces of a class as objects, and what is around each as another."""
    objects, count = ndi.label(classes == inner)
    nearest = ndi.distance_transform_edt(
        objects == 0, return_distances=False, return_indices=True
    )
    around = count + objects[tuple(nearest)] if count else 1
    found = label(np.where(classes == outer, around, objects), connectivity=1)
    sizes = np.bincount(found.ravel())
    sizes[0] = 0
    kept = np.cumsum(sizes >= _LEAST_PIECE) * (sizes >= _LEAST_PIECE)
    return np.asarray(kept[found], dtype=np.int32)
