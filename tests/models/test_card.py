"""The README of a model folder, and how a model was trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_unet.errors import StorageError
from napari_unet.models.card import card_text, is_card
from napari_unet.models.record import made_by, new_record, run_record
from napari_unet.models.training import TrainingNotes, read_training
from napari_unet.weights.folder import save_model
from tests.tiny import make_model

MODEL = make_model()
START = new_record()
RECORD = made_by(run_record(START), 40, 0.8125, 0.75).model_copy(
    update={"seconds": 61.0, "objects": 1234, "pixels": 5678}
)
NOTES = TrainingNotes(
    program="9.9",
    start="nuclei",
    data="2 images of 'plate'",
    images=("a|b.tif", "<script>.tif", "c\nd.tif"),
    image_count=5,
    replayed="nuclei",
    settings={"learning_rate": 0.003, "steps": None, "seed": 7},
)


def test_it_says_where_a_model_comes_from() -> None:
    text = card_text(MODEL.spec, RECORD, NOTES)
    for words in (
        "# tiny",
        "| finds | objects |",
        "| started from | nuclei |",
        f"| parent | {START.uuid} |",
        "1,234 verified objects, 5,678 verified pixels",
        "| training | 40 steps, 61 s |",
        "| 0.812, its start 0.750 |",
        "learning rate 0.003, seed 7",
        "sample images of nuclei",
        "napari-unet predict images --model MODEL --out labels",
        "`training.json`",
    ):
        assert words in text
    assert "a\\|b.tif, \\<script\\>.tif, c d.tif and 2 more" in text
    assert f"{RECORD.created:%Y-%m-%d}" in text


def test_what_is_not_known_is_not_said() -> None:
    text = card_text(MODEL.spec, new_record())
    for words in ("None", "parent", "training", "agreement", "made"):
        assert f"| {words}" not in text
    assert "training.json" not in text


def test_a_card_of_the_start_is_called_so() -> None:
    card = MODEL.spec.card.model_copy(update={"data": "BBBC", "score": {"AP50": 0.8}})
    spec = MODEL.spec.model_copy(update={"card": card})
    told = card_text(spec, RECORD)
    assert "| data of its start | BBBC |" in told
    assert "| scores of its start | AP50 0.8 |" in told
    assert "| data | BBBC |" in card_text(spec, new_record())
    told = card_text(spec, RECORD, NOTES)
    assert "| data | 2 images of 'plate' |" in told
    assert "| data of its start | BBBC |" in told
    own = card.model_copy(update={"data": f"{NOTES.data}, starting from 'nuclei'"})
    told = card_text(spec.model_copy(update={"card": own}), RECORD, NOTES)
    assert "| data | 2 images of 'plate', starting from 'nuclei' |" in told
    assert "of its start" not in told


def test_a_folder_has_both_and_is_replaced_with_both(tmp_path: Path) -> None:
    place = tmp_path / "m"
    save_model(MODEL, place, record=RECORD, training=NOTES)
    assert read_training(place) == NOTES
    assert is_card(place / "README.md")
    save_model(MODEL, place, overwrite=True)
    assert read_training(place) is None
    assert {path.name for path in place.iterdir()} == {
        "README.md",
        "model.json",
        "record.json",
        "weights.safetensors",
    }
    (place / "training.json").write_text(json.dumps({"surprise": 1}))
    assert read_training(place) is None


def test_a_readme_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    place = tmp_path / "m"
    save_model(MODEL, place)
    (place / "README.md").write_text("My own words.")
    with pytest.raises(StorageError, match=r"also holds 'README\.md'"):
        save_model(MODEL, place, overwrite=True)
    assert (place / "README.md").read_text() == "My own words."
