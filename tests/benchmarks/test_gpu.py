import json
import subprocess
import sys

import pytest
import torch

from benchmarks.gpu import main
from benchmarks.gpu_checks import Check


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so(tiny_model, capsys):
    assert main(["--model", str(tiny_model), "--size", "64"]) == 2
    output = capsys.readouterr()
    assert "CUDA" in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_the_cpu_agrees_with_itself(tiny_model, capsys):
    options = ["--device", "cpu", "--size", "64", "--rounds", "1", "--json"]
    assert main(["--model", str(tiny_model), *options]) == 0
    checks, prediction, *training = json.loads(capsys.readouterr().out)
    assert {row["result"] for row in checks["rows"]} == {"passed"}
    assert prediction["rows"][1]["what"] == "whole prediction"
    assert len(training) == 2


def test_nan_never_passes():
    assert not Check("logits", float("nan"), 1e-4).passed


def test_it_needs_neither_napari_nor_qt_nor_monai():
    program = (
        "import sys, benchmarks.gpu; "
        "print({m.split('.')[0] for m in sys.modules} "
        "& {'napari', 'qtpy', 'PyQt5', 'PyQt6', 'monai', 'magicgui', 'typer'})"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "set()"
