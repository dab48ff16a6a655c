"""A network that sees volumes learns from single planes, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from napari_unet.core.jobs import drain
from napari_unet.instances.reach import OUTSIDE, Rays, known_along_z
from napari_unet.learning.config import Augmentation, FitConfig
from napari_unet.learning.fit import fit
from napari_unet.learning.sampling import Batch, draw_batch
from napari_unet.learning.validation import Section, iter_hold_out
from napari_unet.models.architectures.subpixel import SubpixelConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model
from tests.tiny import make_training_plane

PLAIN = Augmentation(rotate=False, zoom=0, elastic=0, gamma=0, contrast=0, noise=0)
DEEP = InstancesObjective(dims=3)


def deep_model() -> Model:
    torch.manual_seed(0)
    architecture = SubpixelConfig(depth=1, base_channels=4, dims=3)
    return new_model(ModelSpec(name="deep", architecture=architecture))


def balls(shape: tuple[int, int, int] = (24, 48, 48)) -> Sample:
    """Return eight bright balls, each a few planes high."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    labels = np.zeros(shape, np.int32)
    centres = [(a, b, c) for a in (6, 17) for b in (12, 35) for c in (12, 35)]
    for id_, (a, b, c) in enumerate(centres, start=1):
        labels[(z - a) ** 2 * 4 + (y - b) ** 2 + (x - c) ** 2 <= 81] = id_
    noise = np.random.default_rng(0).normal(20, 8, shape)
    return Sample((100.0 * (labels > 0) + noise).astype(np.float32), labels, axes="ZYX")


def test_reach_into_other_planes_is_known_where_all_of_the_way_is_verified() -> None:
    column = np.array([0, 1, 1, 1, 2, 0, 0], np.int32).reshape(-1, 1, 1)
    verified = np.array([0, 1, 1, 0, 1, 1, 1], bool).reshape(-1, 1, 1)
    back, ahead = known_along_z(column, verified, farthest=4)[1:3, :, 0, 0]
    assert back.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert ahead.tolist() == [0, 0, 0, 0, 1, 1, 1]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_known_is_true_whatever_the_other_planes_hold(data) -> None:
    numbers = st.lists(st.integers(0, 2), min_size=9, max_size=9)
    truth, guess = (np.array(data.draw(numbers), np.int32) for _ in range(2))
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=9, max_size=9)))
    painted = np.where(seen, truth, guess).reshape(-1, 1, 1)
    verified, farthest = seen.reshape(-1, 1, 1), data.draw(st.integers(1, 5))
    known = known_along_z(painted, verified, farthest)[1:3] > 0
    true = Rays(truth.reshape(-1, 1, 1), farthest).maps()[1:3]
    drawn = Rays(painted, farthest).maps()[1:3]
    assert np.array_equal(true[known], drawn[known])


def test_beyond_the_volume_nothing_has_to_be_verified() -> None:
    column = np.array([OUTSIDE, 1, 1], np.int32).reshape(-1, 1, 1)
    verified = np.array([0, 1, 1], bool).reshape(-1, 1, 1)
    assert known_along_z(column, verified, 3)[1:3, 1:].all()


def painted(planes: list[int]) -> tuple[Sample, np.ndarray]:
    """Return balls of which some planes are verified; in all others is a bad guess."""
    sample = balls()
    verified = np.zeros(sample.labels.shape, bool)
    verified[planes] = True
    guess = np.where(verified, sample.labels, np.roll(sample.labels, 9, axis=2))
    return Sample(sample.image, guess, verified, "ZYX"), verified


def drawn(planes: list[int]) -> Batch:
    sample, verified = painted(planes)
    image = np.asarray(sample.image, np.float32)[None] / 100
    plane = make_training_plane(image, sample.labels, verified, DEEP)
    rng = np.random.default_rng(1)
    return draw_batch([plane], np.ones(1), (16, 32, 32), 6, PLAIN, rng)


def test_planes_that_nobody_verified_give_no_gradient() -> None:
    batch = drawn([6])
    net = deep_model().net
    logits = net(batch.images).detach().requires_grad_()
    DEEP.loss(logits, batch.targets, batch.weight, 0.0).backward()
    assert logits.grad is not None
    for crop, weight in zip(logits.grad, batch.weight, strict=True):
        planes = weight.amax((0, 2, 3)) > 0
        assert planes.sum() == 1
        assert crop[:, planes].abs().max() > 0
        assert crop[:, ~planes].abs().max() == 0
    # Of the reach along Z one plane says nothing where there is an object.
    objects = (batch.targets[:, 0] > 0) & (batch.weight[:, 0] > 0)
    assert objects.any()
    for along_z in (1, 2):
        assert not batch.weight[:, along_z][objects].any()
    assert batch.weight[:, 3][objects].any()


def test_crops_have_planes_on_both_sides_of_what_is_verified() -> None:
    for weight in drawn([12]).weight:
        (place,) = torch.nonzero(weight.amax((0, 2, 3)) > 0)
        assert 3 < int(place) < 12


def test_one_painted_plane_changes_what_is_predicted_near_it() -> None:
    sample, verified = painted([5, 6, 7])
    model = deep_model()
    config = FitConfig(
        steps=50,
        crop=96,
        batch_size=2,
        learning_rate=1e-2,
        average=0.6,
        blend=1,
        pull=0,
        freeze_norm=False,
        fit_thresholds=False,
        augmentation=PLAIN,
        device="cpu",
    )
    better = fit(model, [sample], config)

    def foreground(of: Model) -> np.ndarray:
        limits = of.spec.normalization.apply(np.asarray(sample.image)[None])
        with torch.inference_mode():
            maps = of.net.eval()(torch.from_numpy(limits)[None])
        return maps[0, 0].sigmoid().numpy()

    truth = balls().labels > 0
    near = ndi.binary_dilation(verified, iterations=2)[:, :1, :1] & np.ones_like(truth)
    before, after = (abs(foreground(m) - truth)[near].mean() for m in (model, better))
    assert after < 0.7 * before


def test_volumes_of_single_planes_hold_planes_out_with_a_gap() -> None:
    sample = balls()
    verified = np.zeros(sample.labels.shape, bool)
    planes = [3, 6, 9, 15, 18, 20]
    verified[planes] = True
    (part,) = drain(iter_hold_out([sample.labels], [verified], gap=8, seed=0))
    held, train = (
        {int(z) for z in np.flatnonzero(m.any(axis=(1, 2)))}
        for m in (part.held, part.train)
    )
    assert held
    assert train
    assert held | train <= {*planes}
    assert min(abs(a - b) for a in held for b in train) > 2


@pytest.mark.parametrize("beside", [True, False])
def test_planes_beside_one_that_is_held_out_do_not_train(beside: bool) -> None:
    labels = [np.kron(np.arange(4).reshape(2, 2), np.ones((8, 8), int))] * 6
    verified = [np.ones((16, 16), bool)] * 6
    places = range(6) if beside else range(0, 60, 10)
    sections = [Section((0, 0), place) for place in places]
    split = drain(iter_hold_out(labels, verified, gap=2, seed=0, sections=sections))
    assert [bool(part.held.any()) for part in split] == [
        number == 2 for number in range(6)
    ]
    trains = [bool(part.train.any()) for part in split]
    idle = [False] * 3 if beside else [True, False, True]
    assert trains == [True, *idle, True, True]
