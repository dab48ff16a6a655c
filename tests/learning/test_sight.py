"""A start is judged as a person saw it, who had not told how large objects are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_unet.core.jobs import drain
from napari_unet.learning import sight
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import iter_prepare
from napari_unet.learning.judging import iter_judge
from napari_unet.learning.sight import MOST_LOOKS, Sight
from napari_unet.nets.device import choose_execution
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from tests.tiny import make_disks

CPU = choose_execution(torch.device("cpu"))


def knowing(model: Model, **told: object) -> Model:
    spec = model.spec.model_copy(update={"diameters": (10.0, 20.0), **told})
    return Model(spec, model.net)


def measuring(monkeypatch, diameter: float | None) -> list[tuple[int, ...]]:
    """Let every start measure this; return the shapes of the planes it looked at."""
    seen = []

    def measured(plane, model, predictor):
        yield from ()
        seen.append(plane.shape)
        return diameter

    monkeypatch.setattr(sight, "iter_measured", measured)
    return seen


@pytest.mark.parametrize(
    ("measured", "zoom"), [(40.0, 0.5), (15.0, 1.0), (5.0, 2.0), (None, 1.0)]
)
def test_it_would_zoom_by_what_it_measures(model, monkeypatch, measured, zoom):
    seen = measuring(monkeypatch, measured)
    look = Sight(knowing(model), "cpu")
    plane = np.zeros((1, 64, 48), np.float32)
    assert drain(look.iter_zoom(plane, 1.0)) == pytest.approx(zoom)
    assert seen == [plane.shape]


def test_it_looks_at_the_plane_as_it_was(model, monkeypatch):
    seen = measuring(monkeypatch, 40.0)
    look = Sight(knowing(model), "cpu")
    assert drain(look.iter_zoom(np.zeros((1, 64, 48), np.float32), 2.0)) == 0.25
    assert seen == [(1, 32, 24)]


@pytest.mark.parametrize("told", [{"usual_diameter": 9.0}, {"diameters": None}])
def test_who_knows_how_large_objects_are_measures_nothing(model, monkeypatch, told):
    seen = measuring(monkeypatch, 40.0)
    look = Sight(knowing(model, **told), "cpu")
    assert drain(look.iter_zoom(np.zeros((1, 64, 48), np.float32), 1.0)) == 1
    assert not seen


def test_a_training_soon_begins_however_many_planes_there_are(model, monkeypatch):
    seen = measuring(monkeypatch, 40.0)
    look = Sight(knowing(model), "cpu")
    for _ in range(MOST_LOOKS + 2):
        drain(look.iter_zoom(np.zeros((1, 64, 48), np.float32), 1.0))
    assert len(seen) == MOST_LOOKS


def test_a_start_that_measures_wrongly_is_judged_for_that(model, monkeypatch):
    measuring(monkeypatch, 56.0)
    start, disks = knowing(model), make_disks()
    objective = objective_of(start.spec)
    config = FitConfig(device="cpu")
    samples = [Sample(disks.image, disks.labels)]
    data, _ = drain(iter_prepare(start, objective, samples, config, []))
    zooms = [window.zoom_of_start for window in data.windows]
    assert zooms == pytest.approx([20 / 56] * len(zooms))
    told, untold = (
        drain(iter_judge(start.net, data.windows, objective, CPU, as_start=as_start))
        for as_start in (False, True)
    )
    assert [m.shape[1:] for m in told.maps] == [m.shape[1:] for m in untold.maps]
    assert told.judgement.of_maps != untold.judgement.of_maps
    right = [replace(window, zoom_of_start=1.0) for window in data.windows]
    again = drain(iter_judge(start.net, right, objective, CPU, as_start=True))
    assert again.judgement == told.judgement
