"""From the maps of an exported network to what a person wants."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.objectives.objective import Values
from napari_unet.weights.model import Model, check_model


def decode(maps: npt.NDArray[np.floating], model: Model) -> Values:
    """Return what maps mean that an exported network gave, in whatever program.

    Parameters
    ----------
    maps : ndarray, shape (K, Y, X) or (K, Z, Y, X)
        Of one image: probabilities, or values in their units.
    model : Model
        What was exported: its thresholds are used.

    Returns
    -------
    ndarray
        Ids of objects, int32; class numbers, uint8; or the values themselves, float32.

    Raises
    ------
    InputError
        If the model has other maps.
    """
    check_model(model)
    wanted, dims = model.spec.out_channels, model.net.dims
    if maps.ndim != dims + 1 or len(maps) != wanted:
        raise InputError(
            f"Expected {wanted} maps of {dims} dimensions for {model.name!r}, found an "
            f"array of the shape {maps.shape}; give maps of one image, maps first."
        )
    maps = np.ascontiguousarray(maps, np.float32)
    if model.spec.variables:
        return maps  # an exported network has put them into their units
    return drain(objective_of(model.spec).iter_decode(maps))
