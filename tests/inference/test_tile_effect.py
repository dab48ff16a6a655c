"""Networks that see beyond a tile: always the same tile, and an honest figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from napari_unet.inference.forward import PlanePredictor, with_tiling
from napari_unet.inference.predict import predict
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import Model
from tests.tiny import make_model

CPU = choose_execution(resolve_device("cpu"))


def image(size: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, size, size), np.float32)


def test_an_exact_network_has_no_fixed_tile(model: Model) -> None:
    assert with_tiling(model, image(64), CPU) is model


def test_an_inexact_one_learns_what_its_tiles_change(tmp_path) -> None:
    with torch.random.fork_rng():
        measured = with_tiling(make_model(norm="group"), image(640), CPU)
    tiling = measured.spec.tiling
    assert tiling is not None
    assert 0 < tiling.difference < 1
    save_model(measured, tmp_path / "m")
    assert load_model(tmp_path / "m").spec.tiling == tiling


def test_the_result_does_not_depend_on_the_machine() -> None:
    model = with_tiling(make_model(norm="group"), image(640), CPU)
    plane = image(640)
    results = []
    for window in (256, 2048):
        predictor = PlanePredictor(model, replace(CPU, window=window))
        assert predictor.count_windows((640, 640)) == 4
        events = predictor.iter_maps(plane)
        try:
            while True:
                next(events)
        except StopIteration as finished:
            results.append(finished.value)
    np.testing.assert_array_equal(*results)
    assert predict(plane[0], model, device="cpu").shape == (640, 640)
