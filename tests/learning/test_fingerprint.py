"""Whether a training learns from the same: from what is verified, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.core.jobs import drain
from napari_unet.learning.checkpoint import Fingerprint
from napari_unet.learning.checkpointing import differences, iter_fingerprint
from napari_unet.learning.config import FitConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.outputs import PixelClass, Variable
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model

SHAPE = (6, 5)
CONFIG = FitConfig(steps=1)
IDS = hnp.arrays(np.int32, SHAPE, elements=st.sampled_from([0, 1, 2, 9, 70000]))
MASKS = hnp.arrays(bool, SHAPE)


def tiny(dims: int = 2, **options: Any) -> Model:
    architecture = UNetConfig(depth=1, base_channels=2, dims=dims)
    return new_model(ModelSpec(name="tiny", architecture=architecture, **options))


OBJECTS = tiny()
CLASSES = tiny(task="classes", classes=tuple(PixelClass(name=n) for n in "abc"))
VALUES = tiny(
    task="regression",
    variables=tuple(Variable(name=n, mean=0.0, scale=1.0) for n in "ab"),
)


def sample_of(labels: npt.NDArray[Any], verified: Any = None) -> Sample:
    return Sample(np.zeros(SHAPE, np.float32), labels, verified, "YX")


def taken(sample: Sample, model: Model = OBJECTS) -> Fingerprint:
    return drain(iter_fingerprint(model, [sample]))


def changed(one: Sample, other: Sample, model: Model = OBJECTS) -> list[str]:
    return differences(taken(one, model), taken(other, model), CONFIG, CONFIG)


@given(IDS, IDS, MASKS, st.permutations([1, 2, 9, 70000]))
def test_new_predictions_and_other_ids_are_no_other_work(
    labels, predicted, verified, ids
):
    new = dict(zip([0, 1, 2, 9, 70000], [0, *ids], strict=True))
    same = np.vectorize(new.get, otypes=[np.int32])(labels)
    there = sample_of(np.where(verified, same, predicted), verified)
    assert not changed(sample_of(labels, verified), there)


@given(IDS, MASKS, st.data())
def test_any_correction_is_other_work(labels, verified, data):
    assume(verified.any())
    known = [tuple(at) for at in np.argwhere(verified)]
    at = data.draw(st.sampled_from(known))
    corrected = labels.copy()
    corrected[at] = data.draw(st.sampled_from([0, 5]))
    # One object of one pixel is the same with another id.
    others = verified & (labels == labels[at])
    assume(corrected[at] == 0 or others.sum() > 1 or labels[at] == 0)
    assume(corrected[at] != labels[at])
    one, other = sample_of(labels, verified), sample_of(corrected, verified)
    assert changed(one, other) == ["other labels"]
    less = verified.copy()
    less[at] = False
    assert "other verified pixels" in changed(one, sample_of(labels, less))


@pytest.mark.parametrize("everywhere", [None, np.ones(SHAPE, bool)])
def test_where_everything_is_told_everything_counts(everywhere):
    labels = np.zeros(SHAPE, np.int32)
    other = labels.copy()
    other[0, 0] = 1
    one = sample_of(labels, everywhere)
    assert changed(one, sample_of(other, everywhere)) == ["other labels"]


@given(MASKS)
def test_numbers_of_classes_have_a_meaning(verified):
    labels = np.ones(SHAPE, np.int32)
    one = sample_of(labels, verified)
    assert not changed(one, sample_of(np.where(verified, 1, 2), verified), CLASSES)
    expected = ["other labels"] * bool(verified.any())
    assert changed(one, sample_of(labels + 1, verified), CLASSES) == expected


@given(MASKS)
def test_values_count_where_they_are_verified(verified):
    values = np.ones((2, *SHAPE), np.float32)
    values[1, 0] = np.nan
    one = sample_of(values, verified)
    predicted = np.where(verified, values, np.float32(3))
    assert not changed(one, sample_of(predicted, verified), VALUES)
    corrected = values.copy()
    corrected[0] += 1
    expected = ["other labels"] * bool(verified.any())
    assert changed(one, sample_of(corrected, verified), VALUES) == expected


def test_how_far_apart_sections_are_counts_where_volumes_are_seen():
    sizes = ({}, {"Z": 1.0, "X": 0.5}, {"Z": 2.0, "X": 1.0}, {"Z": 2.0, "X": 0.5})
    volume = np.zeros((3, *SHAPE), np.float32)
    made = [
        Sample(volume, volume.astype(np.int32), None, "ZYX", size) for size in sizes
    ]
    said = ["other distances between sections"]
    found = [changed(made[1], each, tiny(dims=3)) for each in made]
    assert found == [said, [], [], said]
    assert not changed(made[1], made[3])


def test_in_older_checkpoints_all_labels_have_to_be_the_same():
    labels, verified = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, bool)
    verified[2:] = True
    now = taken(sample_of(labels, verified))
    older = now.model_copy(update={"learned": None, "stretches": None})
    assert not differences(older, now, CONFIG, CONFIG)
    predicted = labels.copy()
    predicted[0] = 1
    later = taken(replace(sample_of(labels, verified), labels=predicted))
    assert not differences(now, later, CONFIG, CONFIG)
    assert differences(older, later, CONFIG, CONFIG) == ["other labels"]
