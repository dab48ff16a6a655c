"""What the dock can set can be given on the command line, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

import napari_unet as nu
from napari_unet.cli.training import Trained
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_image
from napari_unet.models.folder import read_record, read_spec
from napari_unet.models.training import read_training

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run

QUICK = ("--steps", 1, "--device", "cpu")
NETWORK = ("--set", "architecture.depth=2", "--set", "architecture.base_channels=4")


def test_thresholds_and_pixel_size_of_a_prediction(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    image, out = annotated.images / "a.tif", tmp_path / "out"
    asked = ("predict", image, "--model", model, "--out", out)
    chosen = ("--threshold", 0.6, "--keep-together", 0.4, "--smallest", 40)
    assert run(*asked, *chosen, "--pixel-size", 0.5).code == 0
    wanted = nu.predict(
        read_image(image).array,
        nu.load_model(model),
        threshold=0.6,
        keep_together=0.4,
        smallest=40,
    )
    np.testing.assert_array_equal(read_ids(out / "a.tif"), wanted)
    assert read_image(out / "a.tif").pixel_size["X"] == pytest.approx(0.5)
    run(*asked, "--overwrite", "--threshold", 2).refused("for threshold, found 2")


def test_a_training_writes_down_how_it_was(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    result = run("train", *folders, "--from", model, "--out", out, *QUICK)
    assert result.code == 0
    record, notes = read_record(out), read_training(out)
    assert record.parent == read_record(model).uuid
    assert (record.steps, record.objects, record.pixels) == (1, 18, 2 * 96 * 96)
    assert record.run is not None
    assert record.seconds is not None
    assert notes is not None
    assert (notes.start, notes.images) == (str(model), ("a.tif", "b.tif"))
    assert (notes.settings["steps"], notes.settings["seed"]) == (1, 0)
    card = (out / "README.md").read_text("utf-8")
    assert "18 verified objects" in card
    shown = run("models", "show", out)
    assert "learned from  2 images" in shown.out
    told = json.loads(run("models", "show", out, "--json").out)
    assert told["record"]["uuid"] == str(record.uuid)
    assert told["training"]["image_count"] == 2
    again = ("train", *folders, "--from", out, "--out", out, "--overwrite", *QUICK)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    run(*again).refused("would replace the model that")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    run(*folders_of(again, out / ".." / "mine")).refused("would replace")


def folders_of(command: tuple[object, ...], start: Path) -> list[object]:
    """Return a command with another start."""
    words = list(command)
    words[words.index("--from") + 1] = start
    return words


def test_names_and_colours_of_classes(
    run: Run, annotated: Annotated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_unet.cli.train.run_training",
        lambda model, *_, **__: Trained(model, 1, 0.1, {"agreement": 0.5}),
    )
    for path in annotated.labels.iterdir():
        labels = tifffile.imread(path)
        tifffile.imwrite(path, (labels > 0).astype(np.uint8))
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    asked = ("train", *folders, "--task", "classes", *NETWORK, *QUICK)
    colours = ("--names", "ground,disk", "--colours", "#000000, #ff8800")
    assert run(*asked, *colours, "--out", tmp_path / "m").code == 0
    classes = read_spec(tmp_path / "m").classes
    assert [(c.name, c.color) for c in classes] == [
        ("ground", "#000000"),
        ("disk", "#ff8800"),
    ]
    run(*asked, "--colours", "red,blue", "--out", tmp_path / "n").refused("found 'red'")
    run(*asked, "--colours", "#ff8800", "--out", tmp_path / "n").refused("1 colours")


def test_replay_needs_a_start_with_samples(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    asked = ("train", *folders, "--out", tmp_path / "m", "--replay", *QUICK)
    whys = {
        (): "it descends from no built-in model",
        ("--from", model): "it descends from no built-in model",
        ("--from", "nuclei-small"): "nuclei-small has none",
    }
    for start, why in whys.items():
        run(*asked, *start).refused(f"and {why}; leave it away")


@pytest.mark.parametrize("task", ["classes", "regression"])
def test_objects_are_no_classes_or_values_to_be_reminded_of(
    run: Run, annotated: Annotated, tmp_path: Path, task: str
) -> None:
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    asked = ("train", *folders, "--out", tmp_path / "m", "--from", "nuclei", *QUICK)
    run(*asked, "--task", task, "--replay").refused(f"which are no {task}")
    assert not (tmp_path / "m").exists()


def test_replay_is_what_the_start_descends_from(
    run: Run,
    annotated: Annotated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def run_training(*_: object, replay: list[nu.Sample], **__: object) -> None:
        seen.append(len(replay))

    monkeypatch.setattr("napari_unet.cli.train.run_training", run_training)
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    asked = ("train", *folders, "--from", "nuclei-small", "--out", tmp_path / "m")
    run(*asked)
    assert seen == [0]
    run(*asked[:-4], "--from", "nuclei", "--out", tmp_path / "m", "--replay")
    assert seen == [0, len(nu.replay_samples("nuclei"))]
    assert seen[1] > 0
