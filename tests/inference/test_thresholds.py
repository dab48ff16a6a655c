"""Thresholds of a prediction from Python: those of the dock, by the same names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import napari_unet as nu
from napari_unet.errors import InputError
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.outputs import PixelClass
from napari_unet.weights.model import new_model
from tests.tiny import make_disks, make_model

IMAGE = make_disks().image
MODEL = make_model()


def test_they_are_those_of_a_model_that_has_them() -> None:
    found = nu.predict(IMAGE, MODEL, threshold=0.4, keep_together=0.3, smallest=30)
    moved = MODEL.with_decoding(MODEL.spec.decoding.moved(0.4, 0.3, 30))
    np.testing.assert_array_equal(found, nu.predict(IMAGE, moved))
    areas = np.bincount(found.ravel())[1:]
    assert areas[areas > 0].min() >= 30
    assert np.count_nonzero(nu.predict(IMAGE, MODEL, threshold=0.9)) < (
        np.count_nonzero(nu.predict(IMAGE, MODEL, threshold=0.1))
    )
    assert MODEL.with_thresholds() is MODEL


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"threshold": 1.5}, "from 0.001 to 0.999 for threshold, found 1.5"),
        ({"threshold": float("nan")}, "found nan"),
        ({"keep_together": 0.0}, "from 0.1 to 0.8 for keep-together, found 0"),
        ({"smallest": 0}, "for smallest, found 0"),
        ({"smallest": True}, "for smallest, found True"),
        ({"threshold": "0.4"}, "for threshold, found '0.4'"),
        ({"keep_together": [0.2]}, r"for keep-together, found \[0.2\]"),
        ({"pixel_size": 0}, "from 1e-06 to 1e\\+06 for pixel_size, found 0"),
        ({"pixel_size": "0.65"}, "for pixel_size, found '0.65'"),
    ],
)
def test_others_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        nu.predict(IMAGE, MODEL, **given)


def test_they_are_for_objects() -> None:
    classes = (PixelClass(name="a"), PixelClass(name="b"))
    network = MODEL.spec.architecture
    spec = ModelSpec(name="c", task="classes", classes=classes, architecture=network)
    with pytest.raises(InputError, match="thresholds are for objects"):
        nu.predict(IMAGE, new_model(spec), threshold=0.5)
