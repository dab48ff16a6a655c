import json

import numpy as np
import pytest

from benchmarks import monai_pipeline
from benchmarks.__main__ import main
from napari_unet.instances.kinds import all_kinds
from napari_unet.scores.metrics import evaluate


@pytest.fixture(autouse=True)
def _no_monai(monkeypatch):
    monkeypatch.setattr(monai_pipeline, "is_installed", lambda: False)


def measure(capsys, *arguments):
    code = main([*map(str, arguments), "--rounds", "1", "--device", "cpu", "--json"])
    return code, capsys.readouterr()


def test_prediction_is_compared_with_the_bare_forward_pass(tiny_model, capsys):
    code, output = measure(capsys, "predict", "--model", tiny_model, "--size", 64)
    (report,) = json.loads(output.out)
    assert code == 0
    names = [row["what"] for row in report["rows"]]
    assert names == ["bare forward pass", "bare, windows of 512 px", "whole prediction"]
    assert report["rows"][0]["ratio"] == 1
    assert monai_pipeline.MISSING in report["notes"]


def test_stages_and_training_steps_are_measured(tiny_model, capsys):
    code, output = measure(
        capsys, "stages", "train", "--model", tiny_model, "--size", 64
    )
    stages, tuning, scratch = json.loads(output.out)
    assert code == 0
    assert len(stages["rows"]) == 7
    assert tuning["rows"][1]["what"] == "engine's step"
    assert scratch["title"].startswith("Step from scratch: 8 crops")


def test_the_journal_is_measured(tiny_model, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.journal.STROKES", 30)
    code, output = measure(capsys, "journal", "--model", tiny_model, "--size", 256)
    (report,) = json.loads(output.out)
    assert code == 0
    assert len(report["rows"]) == 4
    assert "0 unwritten" in report["notes"][0]


def test_an_unknown_model_is_one_sentence(capsys):
    code, output = measure(capsys, "predict", "--model", "no-such-model")
    assert code == 2
    assert "no-such-model" in output.err
    assert output.out == ""


@pytest.mark.parametrize("decoding", [kind() for kind in all_kinds()])
def test_scikit_image_separates_what_the_engine_separates(decoding):
    y, x = np.mgrid[:40, :70]
    labels = np.zeros((40, 70), np.int32)
    labels[(y - 20) ** 2 + (x - 22) ** 2 < 196] = 1
    labels[((y - 20) ** 2 + (x - 47) ** 2 < 196) & (labels == 0)] = 2
    maps = decoding.draw(labels)
    found = monai_pipeline.decode(maps, decoding)
    assert set(np.unique(found)) == {0, 1, 2}
    assert evaluate(decoding.decode(maps), found).ap["0.90"] == 1
