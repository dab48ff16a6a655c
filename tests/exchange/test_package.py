"""Packages of BioImage.IO, read and run by the library of that format."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import napari_unet as nu
from napari_unet.errors import InputError
from napari_unet.exchange import Credits, iter_export_model
from napari_unet.exchange.formats import PACKAGE
from napari_unet.exchange.graph import sizes_of
from napari_unet.images.normalize import Moments
from napari_unet.io.archive import read_zip
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.weights.folder import unpack_model
from napari_unet.weights.model import Model
from tests.exchange.conftest import TASKS, make


@pytest.fixture(scope="module", params=TASKS)
def exported(request, tmp_path_factory) -> tuple[Model, Path]:
    model = make(request.param)
    path = tmp_path_factory.mktemp("packages") / "a.zip"
    return model, nu.export_model(model, path)


def members(path: Path) -> dict[str, bytes]:
    return read_zip(path, members=64, member_bytes=2**31, total_bytes=2**31)


# The library leaves files open.
LEFT_OPEN = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


@LEFT_OPEN
def test_the_library_of_the_format_tests_it(core: Any, tmp_path: Path) -> None:
    path = nu.export_model(make("instances"), tmp_path / "a.zip")
    summary = core.test_model(path)
    errors = [each for detail in summary.details for each in detail.errors]
    assert summary.status == "passed", errors
    tried = " ".join(detail.name for detail in summary.details)
    assert "(onnx)" in tried
    assert "(torchscript)" in tried


@LEFT_OPEN
@pytest.mark.parametrize("weights", ["torchscript", "onnx"])
def test_a_raw_image_gives_what_it_gives_here(
    core: Any, exported, weights: str
) -> None:
    from bioimageio.core.digest_spec import create_sample_for_model

    model, path = exported
    image = np.random.default_rng(3).gamma(2, 300, (64, 96)).astype(np.float32)
    ours = nu.predict(
        image, model, device="cpu", full_precision=True, probabilities=True
    )
    expected = ours * 0.5 + 7 if model.spec.variables else ours
    described = core.load_description(path)

    def sample() -> Any:
        return create_sample_for_model(described, inputs={"input": image[None, None]})

    with core.create_prediction_pipeline(described, weight_format=weights) as pipeline:
        at_once = pipeline.predict_sample_without_blocking(
            sample(), skip_input_padding=True, skip_output_cropping=True
        )
        in_tiles = pipeline.predict_sample_with_blocking(sample())
    maps = at_once.members["output"].data.values[0]
    assert np.abs(maps - expected).max() < 1e-4
    tiled = in_tiles.members["output"].data.values[0]
    # Beyond the border of the image the library sees its mirror image.
    halo = sizes_of(model).halo
    inner = np.s_[:, halo:-halo, halo:-halo]
    assert np.abs(tiled[inner] - expected[inner]).max() < 1e-4
    found = nu.predict(image, model, device="cpu", full_precision=True)
    assert np.mean(np.isclose(nu.decode(maps, model), found, atol=1e-4)) > 0.999


def test_it_comes_back_as_the_identical_model(exported) -> None:
    model, path = exported
    back = unpack_model(members(path), "a.zip")
    assert back.spec == model.spec
    for key, value in model.net.state_dict().items():
        assert torch.equal(back.net.state_dict()[key], value)


def test_it_tells_people_what_it_is(exported) -> None:
    model, path = exported
    found = members(path)
    words = json.loads(found["rdf.yaml"])
    assert words["license"] == "BSD-3-Clause"
    assert words["cite"][0]["doi"] == "10.1007/978-3-319-24574-4_28"
    card = found["README.md"].decode()
    assert "# Validation" in card
    for name in model.spec.map_names:
        assert name in card
    with zipfile.ZipFile(path) as archive, archive.open("cover.png") as file:
        width, height = Image.open(file).size
    assert width == height


def test_colours_and_volumes_leave_too(tmp_path: Path) -> None:
    colours = make("instances", in_channels=3)
    deep = make("classes", architecture=UNetConfig(depth=1, base_channels=2, dims=3))
    for model in (colours, deep):
        path = nu.export_model(model, tmp_path / f"{model.spec.in_channels}.zip")
        words = json.loads(members(path)["rdf.yaml"])
        axes = [axis.get("id", axis["type"]) for axis in words["inputs"][0]["axes"]]
        assert len(axes) == 2 + model.net.dims


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"path": "a.onnx", "format": "bioimageio"}, r"ends with \.zip for bioimageio"),
        ({"format": "keras"}, "There is no format 'keras'"),
        ({"license": "mine"}, "a licence by its short name, found 'mine'"),
    ],
)
def test_what_is_refused(options, phrase: str, tmp_path: Path) -> None:
    path = tmp_path / options.pop("path", "a.zip")
    with pytest.raises(InputError, match=phrase):
        nu.export_model(make("classes"), path, **options)
    assert not list(tmp_path.iterdir())


def test_scaling_without_words_leaves_as_onnx_alone(tmp_path: Path) -> None:
    model = make("classes", normalization=Moments())
    with pytest.raises(InputError, match="has no words for how"):
        nu.export_model(model, tmp_path / "a.zip")
    assert nu.export_model(model, tmp_path / "a.onnx").is_file()


def test_a_file_is_replaced_only_where_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists and was left as it is"):
        nu.export_model(make("classes"), path, "onnx")
    assert path.read_text() == "mine"
    nu.export_model(make("classes"), path, "onnx", overwrite=True)
    assert path.stat().st_size > 100


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    steps = iter_export_model(make("classes"), tmp_path / "a.zip", PACKAGE, Credits())
    assert [next(steps), next(steps)] == [0.0, 0.1]
    steps.close()
    assert not list(tmp_path.iterdir())


def test_what_is_missing_of_onnx_is_told(tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr("napari_unet.exchange.package.why_no_onnx", lambda: "pip it.")
    path = nu.export_model(make("classes"), tmp_path / "a.zip")
    assert "TorchScript and no ONNX: pip it." in caplog.text
    assert "weights.onnx" not in members(path)
    assert [*json.loads(members(path)["rdf.yaml"])["weights"]] == ["torchscript"]
