"""Pictures, made ready to draw crops in which objects have the usual size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import Mask
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.model_input import resize, sample_labels, zoomed_shape
from napari_unet.learning.sampling import Plane, make_plane
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.objectives.objective import Values
from training.pictures import Picture
from training.recipe import Recipe
from training.splits import Split

_SHRUNK_BELOW = 0.75
"""Zoomed out further than this, a crop of the full picture would alias."""

_NOTHING = 24.0
"""Diameter, in pixels, that stands for that of no objects."""


def ready(picture: Picture, recipe: Recipe) -> Plane:
    """Return a picture as a plane that knows by how much it is zoomed."""
    image, values, verified = picture.image, picture.values, picture.verified
    objective = recipe.objective()
    if recipe.classes:
        return _plane(image, values, verified, objective)
    diameter = typical_diameter(picture.values) or recipe.diameter or _NOTHING
    zoom = _wanted_diameter(diameter, recipe) / diameter
    limits = (recipe.least / diameter, recipe.most / diameter)
    shrink = zoom if zoom < _SHRUNK_BELOW else 1.0
    if shrink < 1:
        shape = zoomed_shape(values.shape, shrink)
        image, values = resize(image, shape), sample_labels(values, shape)
        verified = None if verified is None else sample_labels(verified, shape)
    return _plane(
        image,
        values,
        verified,
        objective,
        zoom=zoom / shrink,
        zoom_limits=(
            min(limits[0], zoom) / shrink,
            max(limits[1], zoom) / shrink,
        ),
    )


def _wanted_diameter(diameter: float, recipe: Recipe) -> float:
    """Return to which diameter, in pixels, typical objects are brought."""
    if recipe.diameter:
        return recipe.diameter
    return float(np.clip(diameter, *recipe.usual)) if recipe.usual else diameter


def _plane(
    image: npt.NDArray[np.float32],
    values: Values,
    verified: Mask | None,
    objective: Objective,
    **zoom: Any,
) -> Plane:
    """Return what is learned of a picture; all of it is verified where no mask is."""
    if verified is None:
        verified = np.ones(values.shape, bool)
    targets = objective.targets(values, verified)
    return make_plane(
        image, targets, objective.sampling_strata(values, verified), **zoom
    )


def probabilities(
    pictures: Sequence[Picture],
    planes: Sequence[Plane],
    split: Split,
    balance: float,
    *,
    alike: bool = False,
) -> npt.NDArray[np.float64]:
    """Return how often each picture gives a crop.

    Larger pictures more often, as the root of what there is to see in them; pictures of
    large groups less often.

    Parameters
    ----------
    alike : bool
        Whether all data sets give equally many crops.
    """
    seen = [p.stack[0].numel() * p.zoom**2 for p in planes]
    groups = [split.group_of(each.stem) for each in pictures]
    sizes = np.bincount(groups)[groups]
    weights = np.sqrt(seen) * sizes**-balance
    if alike:
        sets = [split.set_of(each.stem) for each in pictures]
        kinds = np.unique(sets, return_inverse=True)[1]
        weights /= np.bincount(kinds, weights)[kinds]
    return np.asarray(weights / weights.sum())
