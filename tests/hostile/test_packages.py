"""`models import` of packages: one sentence, nothing runs, nothing is half written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_unet.weights.folder import load_model
from tests.exchange.packages import described, files_of, scripted, traced, write_zip

WRITES = """
def forward(self, x):
    return x + torch.from_file({canary!r}, True, 16).sum()
"""


def bad(weights: Any = None, version: str = "0.5.0") -> dict[str, Any]:
    weights = weights or {"torchscript": {"source": "net.pt"}}
    return described(weights=weights, format_version=version)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "newer": (bad(version="0.7.0"), "a newer format of BioImage.IO"),
    "python": (bad({"pytorch_state_dict": {"source": "net.pt"}}), "as Python, which"),
    "other": (
        bad({"tensorflow_js": {"source": "net.pt"}}),
        "of the kind tensorflow_js",
    ),
    "missing": (bad({"torchscript": {"source": "else.pt"}}), "has no 'else.pt'"),
    "outside": (bad({"torchscript": {"source": "../net.pt"}}), "has no '../net.pt'"),
    "fetched": (bad({"torchscript": {"source": "https://a/b"}}), "nothing is fetched"),
    "hash": (
        bad({"torchscript": {"source": "net.pt", "sha256": "ab" * 32}}),
        "the hash differs",
    ),
}


@pytest.fixture(scope="module")
def program() -> bytes:
    return traced(lambda x: x * 2)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_package(run, tmp_path: Path, program: bytes, name: str) -> None:
    words, phrase = BAD[name]
    path = write_zip(tmp_path / "stranger.zip", files_of(words, program))
    before = sorted(tmp_path.rglob("*"))
    result = run("models", "import", path, "--out", tmp_path / "out")
    result.refused(phrase)
    assert len(result.err.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_program_that_would_write_a_file(run, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    program = scripted(WRITES.format(canary=str(canary)))
    path = write_zip(tmp_path / "stranger.zip", files_of(bad(), program))
    run("models", "import", path, "--out", tmp_path / "out").refused("aten::from_file")
    assert not canary.exists()
    assert not (tmp_path / "out").exists()


def test_a_good_package_predicts(run, tmp_path: Path, program: bytes) -> None:
    path = write_zip(tmp_path / "a.zip", files_of(bad(), program))
    result = run("models", "import", path, "--out", tmp_path / "mine", "--json")
    assert result.code == 0, result
    assert "Predicts background, foreground" in result.out or "notes" in result.out
    assert load_model(tmp_path / "mine").spec.names == ("background", "foreground")
    shown = run("models", "show", tmp_path / "mine")
    assert "torchscript" in shown.out
    result = run("models", "import", path, "--out", tmp_path / "mine")
    result.refused("exists and nothing was done")


def test_a_program_of_others_is_looked_at_whenever_it_is_loaded(
    run, tmp_path: Path, program: bytes
) -> None:
    """A model folder may come from anywhere, too."""
    import safetensors.torch
    import torch

    path = write_zip(tmp_path / "a.zip", files_of(bad(), program))
    folder, canary = tmp_path / "mine", tmp_path / "canary"
    run("models", "import", path, "--out", folder)
    evil = scripted(WRITES.format(canary=str(canary)))
    spec = (folder / "model.json").read_text()
    spec = spec.replace(
        f'"program_bytes": {len(program)}', f'"program_bytes": {len(evil)}'
    )
    lines = [line for line in spec.splitlines() if '"checksum"' not in line]
    text = "\n".join(lines).rstrip().removesuffix("}").rstrip().removesuffix(",") + "}"
    (folder / "model.json").write_text(text)
    state = {"program": torch.frombuffer(bytearray(evil), dtype=torch.uint8)}
    safetensors.torch.save_file(state, folder / "weights.safetensors")
    import numpy as np
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", np.random.default_rng(0).random((32, 32)))
    out = tmp_path / "out"
    result = run("predict", tmp_path / "a.tif", "--model", folder, "--out", out)
    assert result.code == 2
    assert "aten::from_file" in result.err
    assert not canary.exists()
