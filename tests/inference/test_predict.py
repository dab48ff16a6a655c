from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Never

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_unet.core.events import Notice, TilesDone
from napari_unet.errors import DeviceError, InputError, ModelError
from napari_unet.geometry.box import Box
from napari_unet.inference import forward as inference
from napari_unet.inference.events import ViewPredicted
from napari_unet.inference.forward import PlanePredictor, fold_norms
from napari_unet.inference.model_input import check_image
from napari_unet.inference.predict import iter_predict, predict
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.learning.data import annotated_planes
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets import strips
from napari_unet.nets.device import choose_execution
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model, new_model
from tests.tiny import make_disks, make_model

CPU = replace(choose_execution(torch.device("cpu")), autocast=None)


def maps(predictor: PlanePredictor, plane: np.ndarray) -> np.ndarray:
    return run(predictor.iter_maps(plane))[1]


def run(events) -> tuple[list, np.ndarray]:
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as finished:
            return seen, finished.value


@settings(max_examples=15)
@given(
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.integers(60, 160),
    st.integers(1, 3),
)
def test_tiled_equals_untiled(shape: tuple[int, int], window: int, batch: int) -> None:
    model = make_model()
    plane = np.random.default_rng(0).random((1, *shape), np.float32)
    whole = maps(PlanePredictor(model, CPU), plane)
    tiled = maps(PlanePredictor(model, replace(CPU, window=window, batch=batch)), plane)
    assert np.abs(tiled - whole).max() < 1e-5


def test_a_halo_that_is_too_small_would_be_noticed(monkeypatch) -> None:
    model = make_model()
    plane = np.random.default_rng(0).random((1, 128, 128), np.float32)
    whole = maps(PlanePredictor(model, CPU), plane)
    monkeypatch.setattr(model.net, "receptive_radius", 4)
    tiled = maps(PlanePredictor(model, replace(CPU, window=32)), plane)
    assert np.abs(tiled - whole).max() > 1e-4


def test_labels_do_not_depend_on_the_window(model: Model, monkeypatch) -> None:
    image = np.random.default_rng(0).random((150, 130), np.float32)
    whole = predict(image, model, device="cpu")
    monkeypatch.setattr(
        "napari_unet.inference.predict.choose_execution",
        lambda device, **how: replace(choose_execution(device, **how), window=64),
    )
    np.testing.assert_array_equal(predict(image, model, device="cpu"), whole)


def test_full_precision_is_the_same_on_every_processor(
    model: Model, monkeypatch
) -> None:
    image = np.random.default_rng(0).random((40, 40), np.float32)
    maps = partial(predict, image, model, device="cpu", probabilities=True)
    likes = "napari_unet.nets.device._cpu_likes_bfloat16"
    monkeypatch.setattr(likes, lambda: False)
    plain = maps()
    monkeypatch.setattr(likes, lambda: True)
    np.testing.assert_array_equal(maps(full_precision=True), plain)
    assert np.abs(maps() - plain).max() > 1e-4


def test_folding_the_norms_changes_nothing(model: Model) -> None:
    image = torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(
            fold_norms(model.net)(image), model.net(image), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("shape", "axes"), [((40, 36), "YX"), ((3, 40, 36), "ZYX"), ((40, 2, 36), "YTX")]
)
def test_the_result_has_the_axes_of_the_image(
    shape: tuple[int, ...], axes: str, model: Model
) -> None:
    labels = predict(np.random.default_rng(0).random(shape), model, axes=axes)
    assert labels.shape == shape
    assert labels.dtype == np.int32


def test_channels_are_taken_from_their_axis() -> None:
    image = np.random.default_rng(0).random((2, 40, 36))
    model = make_model(in_channels=2)
    first = predict(image, model, axes="CYX")
    second = predict(np.moveaxis(image, 0, -1), model, axes="YXC")
    np.testing.assert_array_equal(first, second)
    assert first.shape == (40, 36)


def test_frames_of_a_time_lapse_share_no_id(model: Model) -> None:
    with torch.no_grad():
        model.net.head.bias.fill_(3.0)
    frame = np.random.default_rng(0).random((64, 64))
    labels = predict(np.stack([frame, frame]), model, axes="TYX")
    ids = [set(np.unique(plane)) - {0} for plane in labels]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_constant_image_is_empty_with_a_notice(model: Model) -> None:
    events, labels = run(iter_predict(np.full((32, 32), 5), model))
    assert not labels.any()
    assert any(isinstance(e, Notice) and "constant" in e.message for e in events)


def test_the_view_comes_first_and_agrees_with_the_rest(model: Model) -> None:
    image = np.stack([make_disks(160).image] * 2)
    view = Box((1, 30, 40), (2, 90, 80))
    events, labels = run(iter_predict(image, model, axes="TYX", view=view))
    kinds = [type(e) for e in events]
    preview = next(e for e in events if isinstance(e, ViewPredicted))
    assert kinds.index(ViewPredicted) < len(kinds) - 1 - kinds[::-1].index(TilesDone)
    assert preview.box == view
    # Away from the cut, the same pixels belong to objects.
    inner = (0, slice(20, -20), slice(10, -10))
    np.testing.assert_array_equal(
        preview.labels[inner] > 0, (labels[view.slices] > 0)[inner]
    )


def test_progress_reaches_its_end(model: Model) -> None:
    events, _ = run(iter_predict(np.random.default_rng(0).random((3, 64, 64)), model))
    last = [e for e in events if isinstance(e, TilesDone)][-1]
    assert last.done == last.total


def test_progress_is_told_within_a_window(model: Model, monkeypatch) -> None:
    monkeypatch.setattr(strips, "_STRIP_VALUES", 1)
    image = make_disks(144).image
    events, _ = run(iter_predict(image, model, device="cpu"))
    told = [e.done for e in events if isinstance(e, TilesDone)]
    assert told == sorted(told)
    assert len(set(told)) > 10


@pytest.mark.parametrize(
    ("image", "axes", "words"),
    [
        (np.zeros((8, 8), complex), None, "real numbers"),
        (np.zeros((0, 8)), None, "empty"),
        (np.zeros(8), None, "2 to 5 axes"),
        (np.zeros((2,) * 6), None, "2 to 5 axes"),
        (np.full((8, 8), np.nan), None, "no finite pixel"),
        (np.eye(48, dtype=np.uint8).reshape(16, 48, 3), None, "convert it to grey"),
        (np.zeros((8, 8)), "ZYX", "one letter per axis"),
    ],
)
def test_bad_images_are_refused_in_words(image, axes, words: str, model: Model) -> None:
    with pytest.raises(InputError, match=words):
        predict(image, model, axes=axes)


def test_a_grey_image_for_a_colour_model_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="expects 3 channels"):
        check_image(np.zeros((8, 8)), None, make_model(in_channels=3))


def test_unknown_and_absent_devices_are_refused_in_words(model: Model) -> None:
    with pytest.raises(DeviceError, match="choose one of"):
        predict(np.eye(16), model, device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="CUDA was asked for"):
            predict(np.eye(16), model, device="cuda")


class OutOfMemory:
    """A forward pass that fails until little enough is asked for."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, windows: np.ndarray) -> Generator[Never, None, np.ndarray]:
        yield from ()
        if windows.size > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return np.zeros((len(windows), 5, *windows.shape[2:]), np.float32)


def test_memory_running_out_shrinks_batch_then_window(
    model: Model, monkeypatch
) -> None:
    forward = OutOfMemory(most=300**2)
    monkeypatch.setattr(
        PlanePredictor,
        "_iter_forward",
        lambda self, windows, *_: forward(windows),  # noqa: ARG005
    )
    predictor = PlanePredictor(model, replace(CPU, window=256, batch=4))
    events, result = run(predictor.iter_maps(np.zeros((1, 700, 700), np.float32)))
    words = [e.message for e in events if isinstance(e, Notice)]
    assert ["2 tiles" in words[0], "1 tiles" in words[1], "256 px" in words[2]] == [
        True
    ] * 3
    assert result.shape == (5, 700, 700)


def test_hopeless_memory_ends_in_a_sentence(model: Model, monkeypatch) -> None:
    forward = OutOfMemory(most=0)
    monkeypatch.setattr(
        PlanePredictor,
        "_iter_forward",
        lambda self, windows, *_: forward(windows),  # noqa: ARG005
    )
    with pytest.raises(DeviceError, match="Memory ran out"):
        run(PlanePredictor(model, CPU).iter_maps(np.zeros((1, 64, 64), np.float32)))


def test_other_errors_are_not_taken_for_memory(model: Model, monkeypatch) -> None:
    def broken(self, *_):
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(inference.PlanePredictor, "_iter_forward", broken)
    with pytest.raises(RuntimeError, match="size mismatch"):
        run(PlanePredictor(model, CPU).iter_maps(np.zeros((1, 64, 64), np.float32)))


@pytest.mark.parametrize("smoothed", [0, 3])
def test_a_blank_field_holds_nothing_and_that_is_said(smoothed: float) -> None:
    noise = np.random.default_rng(0).normal(100, 5, (256, 256))
    image = gaussian_filter(noise, smoothed)
    events, labels = run(iter_predict(image, load_model("nuclei"), device="cpu"))
    (notice,) = [e for e in events if isinstance(e, Notice)]
    assert "nothing but noise" in notice.message
    assert labels.shape == image.shape
    assert labels.dtype == np.int32
    assert not labels.any()


def test_who_says_how_large_objects_are_sees_some() -> None:
    noise = np.random.default_rng(0).normal(100, 5, (256, 256))
    model = load_model("nuclei")
    events, _ = run(iter_predict(noise, model, device="cpu", diameter=20.0))
    assert not any("noise" in e.message for e in events if isinstance(e, Notice))


def test_one_frame_with_something_is_enough(model: Model) -> None:
    frames = np.random.default_rng(0).normal(20, 10, (12, 144, 144))
    frames[7] = make_disks(144).image
    events, _ = run(iter_predict(frames, model, axes="TYX", device="cpu"))
    assert not any("noise" in e.message for e in events if isinstance(e, Notice))


def test_channels_that_show_nothing_are_left_out_and_told(model: Model, caplog) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (40, 48), np.uint8)
    expected = predict(grey, model)
    full = np.full_like(grey, 255)
    for image in (np.stack([grey] * 3, -1), np.stack([grey, grey, grey, full], -1)):
        caplog.clear()
        np.testing.assert_array_equal(predict(image, model), expected)
        assert "taken for grey" in caplog.text
    sample = Sample(np.stack([grey] * 3, -1), expected)
    told = [plane.note for plane in annotated_planes(sample, model)]
    assert "taken for grey" in told[0]


def test_a_lone_section_keeps_its_place(model: Model) -> None:
    grey = np.random.default_rng(0).random((40, 48))
    found = predict(grey[..., None], model)
    np.testing.assert_array_equal(found[..., 0], predict(grey, model))


@pytest.mark.parametrize("dims", [2, 3])
def test_maps_of_turned_copies_are_put_back_right(dims: int, monkeypatch) -> None:
    """With a network that sees everything right, however the plane is turned."""
    decoding = ReachDecoding()
    architecture = UNetConfig(depth=1, base_channels=2, dims=dims)
    spec = ModelSpec(name="right", architecture=architecture, decoding=decoding)
    labels = np.zeros((4, 24, 32)[-dims:], np.int32)
    labels[..., 3:9, 2:21] = 1
    labels[..., 9:20, 2:7] = 2
    labels[..., 12:22, 15:29] = 3

    def see(_, batch):
        yield 1.0
        drawn = [decoding.draw(one[0].numpy().astype(np.int32)) for one in batch]
        return torch.from_numpy(np.stack(drawn))

    monkeypatch.setattr(PlanePredictor, "_iter_activated", see)
    predictor = PlanePredictor(new_model(spec), CPU, turns=4)
    seen = maps(predictor, labels[None].astype(np.float32))
    np.testing.assert_array_equal(seen, decoding.draw(labels))


def test_names_of_dimensions_decide(model: Model) -> None:
    class Named:
        dims = ("y", "channel", "x")

        def __array__(self, dtype=None, copy=None):
            return grey[:, None]

    grey = np.random.default_rng(0).random((40, 48))
    np.testing.assert_array_equal(predict(Named(), model), predict(grey, model))


def test_what_is_no_model_and_what_are_no_axes(model: Model) -> None:
    image = make_disks().image
    with pytest.raises(InputError, match="load one first"):
        predict(image, "nuclei")
    with pytest.raises(InputError, match="Expected axes as letters"):
        predict(image, model, axes=["y", "x"])
    with pytest.raises(ModelError, match="name of a model"):
        load_model(None)
