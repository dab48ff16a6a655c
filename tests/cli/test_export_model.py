"""`models export`: what it writes, says and refuses."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from napari_unet.weights.folder import load_model, save_model
from tests.exchange.conftest import make


def test_both_formats_and_back(run, tmp_path: Path) -> None:
    model = make("classes")
    save_model(model, tmp_path / "m")
    package, onnx = tmp_path / "new" / "m.zip", tmp_path / "m.onnx"
    options = ("--author", "A. Person", "--author", "B. Person", "--license", "MIT")
    command = ("models", "export", tmp_path / "m", "--out")
    result = run(*command, package, "--format", "bioimageio", *options, "--json")
    assert result.code == 0, result
    found = json.loads(result.out)
    assert found["model"] == str(package)
    assert found["format"] == "bioimageio"
    assert found["notes"] == []
    with zipfile.ZipFile(package) as archive:
        words = json.loads(archive.read("rdf.yaml"))
    assert [each["name"] for each in words["authors"]] == ["A. Person", "B. Person"]
    assert words["license"] == "MIT"
    # The name tells the format, too.
    assert run(*command, onnx).code == 0
    assert onnx.stat().st_size > 1000
    back = tmp_path / "back"
    assert run("models", "import", package, "--out", back).code == 0
    assert load_model(back).spec == model.spec


def test_what_is_refused(run, tmp_path: Path) -> None:
    save_model(make("classes"), tmp_path / "m")
    before = sorted(tmp_path.rglob("*"))
    command = ("models", "export", tmp_path / "m", "--out", tmp_path / "a.zip")
    run(*command, "--format", "keras").refused("There is no format 'keras' of models")
    run(*command, "--format", "onnx").refused("ends with .onnx for onnx")
    for name in ("a", "a.pt"):
        nameless = run("models", "export", tmp_path / "m", "--out", tmp_path / name)
        nameless.refused("let it end with .zip (bioimageio) or .onnx (onnx)")
    known = run(*command, "--format", "bioimageio", "--license", "mine")
    known.refused("a licence by its short name")
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "a.zip").write_text("mine")
    run(*command, "--format", "bioimageio").refused("exists and nothing was done")
    assert (tmp_path / "a.zip").read_text() == "mine"
