"""Heads that are compared with the shipped one learn and decode what they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.core.instances import Decoding
from napari_unet.core.metrics import evaluate
from napari_unet.core.targets import instance_targets
from napari_unet.engine.augment import Augmentation, Crop, resample
from napari_unet.nets.unet import UNet
from training.heads import HEADS, Flows, flow_in_crop, segment
from training.pictures import Picture
from training.recipe import RECIPES, changed


def discs(seed: int) -> np.ndarray:
    """Return discs of which many touch, each with its own id."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((96, 96))
    labels = np.zeros((96, 96), np.int32)
    for row in range(4):
        for column in range(4):
            centre = 12 + 24 * np.array([row, column]) + rng.integers(-1, 2, 2)
            near = np.hypot(y - centre[0], x - centre[1]) < rng.uniform(8, 13)
            labels[near & (labels == 0)] = 1 + 4 * row + column
    return labels


def said(head: str, labels: np.ndarray) -> np.ndarray:
    """Return maps of a network that has learned all that its targets say."""
    objective = HEADS[head](Decoding())
    maps = objective.targets(labels, np.ones(labels.shape, bool)).maps
    if head != "flows":
        return maps
    flow = flow_in_crop(torch.from_numpy(maps)[None])[0].numpy()
    return np.concatenate([maps[:1], flow])


@pytest.mark.parametrize("head", ["centre", "border", "flows"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10)
def test_what_is_learned_gives_the_objects_back(head, seed):
    labels = discs(seed)
    maps = said(head, labels)
    assert len(maps) == HEADS[head](Decoding()).channels
    found = HEADS[head](Decoding()).decode(maps)
    assert evaluate(labels, found).ap["0.75"] == 1


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_flows_lead_to_the_centre_however_a_crop_is_turned(seed):
    labels = np.zeros((96, 96), np.int32)
    y, x = np.indices(labels.shape)
    labels[np.hypot(y - 40, x - 52) < 16] = 1
    maps = torch.from_numpy(Flows().targets(labels, labels >= 0).maps)
    crop = Crop((46.0, 47.0), 1.5)
    bent = Augmentation(elastic=0.5)
    turned = resample(maps, crop, 64, bent, np.random.default_rng(seed))
    closeness = resample(
        torch.from_numpy(instance_targets(labels)),
        crop,
        64,
        bent,
        np.random.default_rng(seed),
    )[1]
    centre = np.unravel_index(int(closeness.argmax()), closeness.shape)
    flow = flow_in_crop(turned[None])[0].numpy()
    inside = turned[0].numpy() > 0.99
    way = np.stack(
        [
            centre[0] - np.indices(inside.shape)[0],
            centre[1] - np.indices(inside.shape)[1],
        ]
    )
    length = np.hypot(*way)
    far = inside & (length > 5)
    cosine = (flow * way).sum(0)[far] / length[far]
    assert cosine.min() > 0.8
    assert cosine.mean() > 0.97


def test_a_plane_without_objects_has_targets():
    empty = np.zeros((40, 40), np.int32)
    maps = Flows().targets(empty, empty == 0).maps
    assert not maps[:3].any()
    assert flow_in_crop(torch.from_numpy(maps)[None]).isfinite().all()


@pytest.mark.parametrize("head", HEADS)
def test_every_head_has_a_network_and_a_falling_loss(head):
    torch.manual_seed(0)
    settings = (f"head={head}", "architecture.depth=1", "architecture.base_channels=4")
    recipe = changed(RECIPES["nuclei"], settings)
    objective, net = recipe.objective(), recipe.network()
    assert isinstance(net, UNet)
    labels = discs(0)
    image = torch.from_numpy(labels > 0).float()[None, None]
    target = torch.from_numpy(objective.targets(labels, labels >= 0).maps)[None]
    weight = torch.ones_like(image)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(25):
        loss = objective.loss(net(image), target, weight, 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    picture = Picture("a", labels, image[0].numpy()[:, :90], labels[:90])
    found = segment(picture, net.eval(), objective, "cpu")
    assert found.shape == (90, 96)
