"""How much it matters where a network is tiled that sees more than a tile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_unet.inference.forward import PlanePredictor
from napari_unet.instances.targets import Maps
from napari_unet.models.spec import Tiling
from napari_unet.nets.device import Execution
from napari_unet.weights.model import Model

WINDOW = 512


def with_tiling(
    model: Model, plane: npt.NDArray[np.float32], execution: Execution
) -> Model:
    """Return a model that knows its tile, and what tiles of that size change.

    Parameters
    ----------
    model : Model
        Returned as it is where its network can be tiled exactly.
    plane : ndarray of float32, shape (C, Y, X) or (C, Z, Y, X)
        A normalised image of the kind that the model was trained on.
    execution : Execution
        Where to compute.
    """
    if model.net.exact_tiling:
        return model
    halo = model.net.receptive_radius
    tiled = _with(model, Tiling(window=WINDOW, halo=halo, difference=0))
    apart = _maps(tiled, plane, execution)
    whole = _maps(_with(model, None), plane, replace(execution, window=2**20))
    spread = max(float(whole.std()), 1e-6)
    difference = float(np.abs(apart - whole).mean()) / spread
    return _with(model, Tiling(window=WINDOW, halo=halo, difference=difference))


def _with(model: Model, tiling: Tiling | None) -> Model:
    return Model(model.spec.model_copy(update={"tiling": tiling}), model.net)


def _maps(model: Model, plane: npt.NDArray[np.float32], execution: Execution) -> Maps:
    events = PlanePredictor(model, execution).iter_maps(plane)
    while True:
        try:
            next(events)
        except StopIteration as finished:
            maps: Maps = finished.value
            return maps
