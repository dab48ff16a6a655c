from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from napari_unet.errors import InputError, ModelError
from napari_unet.models.folder import list_models, model_folder, model_size
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import Model


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "m")
    return tmp_path / "m"


def test_save_and_load_bit_for_bit(model: Model, folder: Path) -> None:
    loaded = load_model(folder)
    assert loaded.spec == model.spec
    for key, value in model.net.state_dict().items():
        assert torch.equal(loaded.net.state_dict()[key], value), key
    assert not loaded.net.training


def test_half_precision_weights_become_float32(model: Model, tmp_path: Path) -> None:
    save_model(Model(model.spec, model.copy_net().half()), tmp_path / "half")
    assert {p.dtype for p in load_model(tmp_path / "half").net.parameters()} == {
        torch.float32
    }


def test_an_existing_folder_is_not_overwritten(model: Model, folder: Path) -> None:
    (folder / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="exists already"):
        save_model(model, folder)
    assert (folder / "mine.txt").read_text() == "keep"


def edit(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(content | changes))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "model.json").unlink(), "not a model folder"),
        (lambda f: (f / "weights.safetensors").unlink(), "has no weights.safetensors"),
        (lambda f: (f / "model.json").write_text("{"), "not valid JSON"),
        (lambda f: (f / "model.json").write_text("[" * 100_000), "not valid JSON"),
        (lambda f: (f / "model.json").write_bytes(b"\xff\xfe"), "not valid JSON"),
        (lambda f: (f / "model.json").write_text("[]"), "does not describe a model"),
        (lambda f: (f / "model.json").write_text(" " * 2_000_000), "too large"),
        (lambda f: edit(f, task="dreams"), "task"),
        (lambda f: edit(f, surprise=1), "surprise"),
        (lambda f: edit(f, format_version=99), "newer napari-unet"),
        (lambda f: edit(f, in_channels=3), "do not fit"),
        (lambda f: (f / "weights.safetensors").write_bytes(b"junk"), "broken"),
    ],
)
def test_a_damaged_folder_is_refused_in_words(damage, words: str, folder: Path) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=words):
        load_model(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="broken"):
        load_model(folder)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ModelError, match="neither a built-in model"):
        load_model("no-such-model")


@pytest.mark.parametrize("name", ["", " "])
def test_no_name_is_no_model(name: str) -> None:
    with pytest.raises(ModelError, match="Expected the name of a model or its folder"):
        load_model(name)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/model", "a" * 300, "a\0b"])
def test_a_name_that_is_no_path_is_unknown(name: str) -> None:
    with pytest.raises(ModelError, match="There is no model"):
        load_model(name)


def test_built_in_models_load_and_say_what_they_are() -> None:
    specs = list_models()
    names = [spec.name for spec in specs]
    assert names == [
        "axons",
        "cells",
        "cells-phase",
        "nuclei",
        "nuclei-3d",
        "nuclei-he",
        "nuclei-small",
    ]
    assert sum(model_size(s.name) for s in specs) < 40
    for spec in specs:
        loaded = load_model(spec.name).spec
        assert loaded == spec.model_copy(update={"checksum": None})
        assert spec.checksum
        assert (model_folder(spec.name) / "README.md").exists()
        assert spec.description
        assert "Not for" in spec.card.notes
        assert spec.card.data
        assert spec.card.license
        assert spec.card.score
