"""`models import`: what is good comes in, and nothing else does or runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from napari_unet.weights.folder import load_model
from tests.hostile.bad_archives import BAD_TORCH, BAD_ZIPS, renamed, saved, zipped
from tests.hostile.forge import write


@pytest.fixture
def files(good_model: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(good_model.iterdir())}


@pytest.fixture
def state(good_model: Path) -> dict[str, Any]:
    return dict(load_model(good_model).net.state_dict())


def same(folder: Path, good_model: Path) -> bool:
    found, expected = (load_model(f).net.state_dict() for f in (folder, good_model))
    return all(torch.equal(found[key], value) for key, value in expected.items())


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_a_zip_file_that_lies(run, tmp_path: Path, files, name: str) -> None:
    make, phrase = BAD_ZIPS[name]
    path = write(tmp_path / "stranger.zip", make(files))
    before = sorted(tmp_path.rglob("*"))
    result = run("models", "import", path, "--out", tmp_path / "out")
    result.refused(phrase)
    assert len(result.err.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", BAD_TORCH)
def test_a_torch_file_that_lies(
    run, tmp_path: Path, good_model: Path, state, name: str
) -> None:
    make, phrase = BAD_TORCH[name]
    path = write(tmp_path / "stranger.pt", make(state, str(tmp_path / "canary")))
    before = sorted(tmp_path.rglob("*"))
    arguments = ("models", "import", path, "--out", tmp_path / "out")
    result = run(*arguments, "--like", good_model)
    result.refused(phrase)
    assert len(result.err.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("folder", ["", "nuclei/"])
def test_a_zip_of_a_model_folder(
    run, tmp_path: Path, good_model: Path, files, folder: str
) -> None:
    members = {folder + name: content for name, content in files.items()}
    litter = {"__MACOSX/._model.json": b"x", f"{folder}notes.txt": b"x"}
    path = write(tmp_path / "model.zip", zipped(members | litter))
    result = run("models", "import", path, "--out", tmp_path / "out", "--json")
    assert result.code == 0
    assert json.loads(result.out) == {"model": str(tmp_path / "out"), "notes": []}
    assert load_model(tmp_path / "out").spec == load_model(good_model).spec
    assert same(tmp_path / "out", good_model)


@pytest.mark.parametrize("nest", [None, "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "net.unet."])
def test_weights_that_torch_saved(
    run, tmp_path: Path, good_model: Path, state, nest: str | None, prefix: str
) -> None:
    content: Any = {prefix + key: value for key, value in state.items()}
    content = content if nest is None else {nest: content, "epoch": 3}
    path = write(tmp_path / "a.pt", saved(content))
    out = tmp_path / "out"
    result = run("models", "import", path, "--out", out, "--like", good_model)
    assert result.code == 0, result
    assert ("which was left out" in result.err) == bool(prefix)
    assert prefix in result.err
    assert same(out, good_model)
    spec = load_model(out).spec
    assert spec.name == "out"
    assert "imported from 'a.pt'" in spec.card.data


@pytest.mark.parametrize("prefix", ["", "module."])
def test_safetensors_like_a_description_in_a_file(
    run, tmp_path: Path, good_model: Path, files, prefix: str
) -> None:
    weights = renamed(files["weights.safetensors"], prefix)
    path = write(tmp_path / "a.safetensors", weights)
    like = write(tmp_path / "like.json", files["model.json"])
    out = tmp_path / "out"
    assert run("models", "import", path, "--out", out, "--like", like).code == 0
    assert same(out, good_model)


def test_what_was_imported_predicts(
    run, tmp_path: Path, good_model: Path, state
) -> None:
    path = write(tmp_path / "a.pth", saved(state))
    run("models", "import", path, "--out", tmp_path / "m", "--like", good_model)
    image = np.random.default_rng(0).integers(0, 255, (32, 32), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image)
    out = tmp_path / "labels"
    result = run("predict", tmp_path / "a.tif", "--model", tmp_path / "m", "--out", out)
    assert result.code == 0


@pytest.mark.parametrize("version", ["2.9.1", "2.5.1+cpu", "1.13", "nonsense"])
def test_an_old_torch_reads_no_file_of_torch_s(
    run, tmp_path: Path, good_model: Path, state, version: str, monkeypatch
) -> None:
    monkeypatch.setattr(torch, "__version__", version)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("was loaded"))
    path = write(tmp_path / "a.pt", saved(state))
    out = tmp_path / "out"
    result = run("models", "import", path, "--out", out, "--like", good_model)
    result.refused("from torch 2.10 on")
    assert version in result.err


@pytest.mark.parametrize(
    ("name", "like", "phrase"),
    [
        ("a.pt", None, "with --like"),
        ("a.safetensors", None, "with --like"),
        ("a.pkl", "good", "Expected weights in a file of the kind"),
        ("a.onnx", "good", "Expected weights in a file of the kind"),
        ("a.onnx", None, "Expected weights in a file of the kind"),
        ("a.zip", "good", "leave --like away"),
        ("nowhere.zip", None, "There is no file"),
        ("folder", None, "needs no import"),
        ("a.pt", "nonsense", "There is no model 'nonsense'"),
        ("a.pt", "a.pt", "is not valid JSON"),
    ],
)
def test_what_cannot_be_imported(
    run, tmp_path: Path, good_model: Path, files, state, name: str, like, phrase: str
) -> None:
    for given in ("a.pt", "a.safetensors", "a.pkl", "a.onnx", "a.zip"):
        write(tmp_path / given, zipped(files) if given == "a.zip" else saved(state))
    (tmp_path / "folder").mkdir()
    places = {"good": good_model, "a.pt": tmp_path / "a.pt"}
    more = () if like is None else ("--like", places.get(like, like))
    out = tmp_path / "out"
    run("models", "import", tmp_path / name, "--out", out, *more).refused(phrase)
    assert not out.exists()


def test_an_existing_model_stays(run, tmp_path: Path, good_model: Path, files) -> None:
    path = write(tmp_path / "model.zip", zipped(files))
    out = tmp_path / "out"
    assert run("models", "import", path, "--out", out).code == 0
    run("models", "import", path, "--out", out).refused("exists and nothing was done")
    assert run("models", "import", path, "--out", out, "--overwrite").code == 0
    run("models", "import", path, "--out", path, "--overwrite").refused("replace")


def test_a_description_cannot_steer_the_terminal(run, make_model, tmp_path) -> None:
    folder = make_model("stranger")
    path = folder / "model.json"
    content = json.loads(path.read_text()) | {"description": "\x1b]0;owned\x07\nok"}
    path.write_text(json.dumps(content))
    result = run("models", "show", folder)
    assert result.code == 0
    assert "\x1b" not in result.out
    assert r"\x1b]0;owned\x07\nok" in result.out
