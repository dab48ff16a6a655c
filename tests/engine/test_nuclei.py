"""The shipped model finds nuclei of the sizes that its card names."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import resize

from napari_unet.core.metrics import evaluate
from napari_unet.engine.predict import predict
from napari_unet.engine.weights import load_model
from napari_unet.io.samples import load_sample


def zoomed(diameter: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the nuclei sample with this median diameter, and its truth."""
    sample = load_sample("nuclei")[0]
    assert sample.labels is not None
    areas = np.bincount(sample.labels.ravel())[1:]
    zoom = diameter / np.median(2 * np.sqrt(areas[areas > 0] / np.pi))
    shape = tuple(round(n * zoom) for n in sample.image.shape)
    image = resize(sample.image.astype(float), shape, anti_aliasing=zoom < 1)
    truth = resize(
        sample.labels, shape, order=0, preserve_range=True, anti_aliasing=False
    )
    return image[:800, :800], truth[:800, :800].astype(np.int32)


@pytest.mark.parametrize(
    ("diameter", "least"),
    [(6, 0.7), (8, 0.75), (12, 0.8), (30, 0.85), (80, 0.75), (120, 0.75)],
)
def test_small_and_large_nuclei_are_found(diameter: int, least: float) -> None:
    image, truth = zoomed(diameter)
    labels = predict(image, load_model("nuclei"), device="cpu")
    assert evaluate(truth, labels).ap["0.50"] > least
