"""The shipped model finds nuclei of the sizes that its card names."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.weights.folder import load_model
from training.sizes import of_diameter, samples, score_size


@pytest.mark.parametrize(
    ("diameter", "least"),
    [(6, 0.7), (8, 0.75), (12, 0.8), (30, 0.85), (80, 0.75), (120, 0.75)],
)
def test_small_and_large_nuclei_are_found(diameter: int, least: float) -> None:
    assert score_size(load_model("nuclei"), samples()[0], diameter) > least


@pytest.mark.parametrize("diameter", [8, 30])
def test_a_sample_gets_the_diameter_it_is_asked_for(diameter: int) -> None:
    for sample in samples():
        areas = np.unique(of_diameter(sample, diameter).labels, return_counts=True)[1]
        found = np.median(2 * np.sqrt(areas[1:] / np.pi))
        assert found == pytest.approx(diameter, rel=0.05)
