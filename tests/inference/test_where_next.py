"""Views of images are ordered by what they would tell a model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.where_next import (
    Picture,
    ViewRated,
    iter_rank_views,
)
from napari_unet.nets.device import choose_execution
from napari_unet.tasks.objectives import objective_of
from napari_unet.weights.folder import load_model
from tests.session.brightness import brightness_model, classes_model, values_model
from tests.tiny import make_disks, make_model


def ranked(pictures, model, **options):
    return drain(iter_rank_views(pictures, model, device="cpu", **options))


@pytest.fixture
def lopsided():
    """Return a model that sees the same object in another way when it is turned."""
    model = brightness_model()
    with torch.no_grad():
        model.net.head.weight[:, 0] = 20
        for block in model.net.modules():
            if isinstance(block, torch.nn.Conv2d) and block.kernel_size == (3, 3):
                block.weight[..., 0, :] = block.weight[..., 1, :]
                break
    return model


def test_where_a_model_contradicts_itself_comes_first(lopsided):
    image = np.full((64, 256), 20.0, np.float32)
    for left in (140, 160):  # only here is anything that could be taken in two ways
        image[20:40, left : left + 3] = 100
    views = ranked([Picture(image)], lopsided, extent=64)
    assert views[0].box == Box((0, 128), (64, 192))
    assert views[0].doubt > views[-1].doubt == 0
    assert views[0].corrections >= views[-1].corrections == 0


def test_a_model_that_is_sure_has_no_doubt():
    views = ranked([Picture(make_disks().image)], brightness_model(), extent=48)
    assert len(views) == 4
    assert all(view.corrections == 0 and view.doubt < 1e-4 for view in views)


def test_what_was_verified_comes_last():
    sample = make_disks(192)
    verified = np.zeros(sample.labels.shape, bool)
    verified[96:, :96] = True
    for mask in (verified, verified[::5, ::5]):
        picture = Picture(sample.image, verified=mask)
        views = ranked([picture], make_model(), extent=96)
        assert [view.seen > 0.9 for view in views] == [False, False, False, True]


def test_all_open_images_share_a_queue_and_each_has_its_part():
    small, large = make_disks(64).image, make_disks(256).image
    pictures = [Picture(large), Picture(small)]
    views = ranked(pictures, make_model(), extent=64, most=4)
    assert sorted(view.image for view in views) == [0, 0, 0, 1]
    events = list(iter_rank_views(pictures, make_model(), extent=64, most=4))
    told = [event for event in events if isinstance(event, ViewRated)]
    assert [(event.done, event.total) for event in told] == [
        (n, 4) for n in range(1, 5)
    ]


@pytest.mark.parametrize("order", ["telling", "random"])
def test_the_same_comes_of_the_same(order):
    pictures = [Picture(make_disks(128).image), Picture(make_disks(96).image)]
    one, other = (
        ranked(pictures, make_model(), extent=48, most=8, order=order, seed=5)
        for _ in range(2)
    )
    assert one == other


def test_chance_asks_no_network(monkeypatch):
    monkeypatch.setattr(PlanePredictor, "iter_maps", None)
    views = ranked(
        [Picture(make_disks().image)], make_model(), extent=48, order="random"
    )
    assert len(views) == 4


def test_what_a_model_cannot_take_is_left_out():
    pictures = [Picture(np.zeros((5, 40, 40)), axes="CYX"), Picture(make_disks().image)]
    told = []
    views = drain(iter_rank_views(pictures, make_model(), device="cpu"), told.append)
    assert [view.image for view in views] == [1]
    assert [type(event) for event in told].count(Notice) == 1
    assert ranked([], make_model()) == ()


@pytest.mark.parametrize("make", [classes_model, values_model, make_model])
def test_every_task_has_views(make):
    views = ranked([Picture(make_disks().image)], make(), extent=48)
    assert len(views) == 4
    assert all(np.isfinite([v.corrections, v.doubt, *v.looks]).all() for v in views)


def test_a_real_model_zooms_views_as_it_zooms_images():
    image = np.kron(make_disks(96).image, np.ones((6, 6), np.float32))
    views = ranked([Picture(image, diameter=90.0)], load_model("nuclei"), extent=288)
    assert len(views) == 4
    assert all(0 <= view.doubt < 1 for view in views)


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("shape", [(48, 48), (33, 50)])
def test_turned_planes_are_turned_back(turns, shape):
    model = load_model("nuclei")
    cpu = choose_execution(torch.device("cpu"), full_precision=True)
    predictor = PlanePredictor(model, cpu)
    plane = np.random.default_rng(0).random((1, *shape)).astype(np.float32)
    turned = np.ascontiguousarray(np.rot90(plane, turns, (1, 2)))
    maps = drain(predictor.iter_maps(turned))
    back = objective_of(model.spec).turned_back(torch.from_numpy(maps)[None], turns)[0]
    np.testing.assert_array_equal(drain(predictor.iter_maps(plane, turns)), back)
