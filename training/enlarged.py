"""Enlarge real nuclei, and see for how large a model takes them.

    python -m training.enlarged --data DIR

Ten pictures are enlarged until their typical nucleus has some diameters, in pixels,
with the noise of a camera on top. Prints what was measured, a line a picture.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from skimage.transform import resize

from napari_unet.inference.events import Sized
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.predict import iter_predict
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model
from training.pictures import Picture, read_pictures

DIAMETERS = (120, 200, 300)
_PICTURES = 10
_CORNER = 256
_LARGEST = 2600


def enlarged(picture: Picture, diameter: float) -> npt.NDArray[np.uint16]:
    """Return a corner of a picture in which nuclei have this typical diameter."""
    corner = (slice(_CORNER), slice(_CORNER))
    true = typical_diameter(picture.values[corner])
    if true is None:
        raise ValueError(f"{picture.stem} shows no nucleus in its corner.")
    zoom = diameter / true
    grey = np.asarray(picture.raw[corner], float)
    side = min(_CORNER, int(_LARGEST / zoom))
    part = grey[:side, :side]
    shape = tuple(round(n * zoom) for n in part.shape)
    smooth = resize(part, shape, order=3, preserve_range=True).clip(0)
    return np.asarray(np.random.default_rng(0).poisson(2 * smooth), np.uint16)


def measured(model: Model, image: npt.NDArray[np.uint16]) -> float | None:
    """Return the diameter that a prediction begins with, in pixels."""
    events = iter_predict(image, model, device="cpu", full_precision=True)
    sized = next(event for event in events if isinstance(event, Sized))
    return sized.diameter


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    args = parser.parse_args()
    model = load_model("nuclei")
    pictures = read_pictures(args.data / "nuclei_fluorescence")
    for picture in pictures[:: len(pictures) // _PICTURES][:_PICTURES]:
        found = {d: measured(model, enlarged(picture, d)) for d in DIAMETERS}
        said = {d: each and round(each) for d, each in found.items()}
        print(json.dumps({"picture": picture.stem, **said}), flush=True)


if __name__ == "__main__":
    main()
