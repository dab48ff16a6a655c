"""A model that comes as one file predicts, and has a folder of its own from then on."""

from __future__ import annotations

from pathlib import Path
from shutil import make_archive

import pytest

from napari_unet.exchange import export_model
from napari_unet.models.folder import read_record
from napari_unet.models.training import TrainingNotes, read_training
from napari_unet.weights.folder import load_model, save_model
from tests.exchange.packages import described, files_of, traced, write_zip
from tests.runners import ManualRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        "platformdirs.user_data_path", lambda *_, **__: tmp_path / "data"
    )
    return tmp_path / "data" / "models"


@pytest.fixture
def stage() -> Stage:
    return Stage.make(ManualRunner())


@pytest.fixture(scope="module")
def program() -> bytes:
    return traced(lambda x: 3 * x)


def bring_in(stage: Stage, path: Path) -> None:
    stage.session.models.bring_in(path)
    stage.run()


def test_a_package_of_others_predicts_at_once_and_stays(
    stage, tmp_path, home, program
) -> None:
    path = write_zip(tmp_path / "stranger.zip", files_of(described(), program))
    stage.session.models.bring_in(path)
    assert stage.state.loading == str(path)
    stage.run()
    assert not stage.state.problems
    assert "The model stranger is ready." in stage.state.message
    assert "no sample that could be compared" in stage.state.message
    assert str(home / "stranger") in stage.state.message
    assert [each.path for each in stage.state.own_models] == [home / "stranger"]
    assert stage.state.source == str(home / "stranger")
    stage.open(disks())
    stage.session.predict()
    stage.run()
    assert stage.annotation.labels.max() == 1
    bring_in(stage, path)
    assert [each.name for each in home.iterdir()] == ["stranger"]
    other = tmp_path / "other" / "stranger.zip"
    other.parent.mkdir()
    bring_in(stage, write_zip(other, files_of(described(name="else"), program)))
    assert sorted(each.name for each in home.iterdir()) == ["stranger", "stranger 2"]


def test_one_of_ours_is_the_model_itself(stage, tmp_path, home, bright) -> None:
    export_model(load_model(bright), tmp_path / "ours.zip")
    bring_in(stage, tmp_path / "ours.zip")
    assert not stage.state.problems
    spec = load_model(home / "ours").spec
    assert spec.decoding == load_model(bright).spec.decoding


def test_a_zipped_folder_says_where_its_model_comes_from(
    stage, tmp_path, home, bright
) -> None:
    notes = TrainingNotes(start="nuclei", images=("a.tif",), image_count=1)
    save_model(load_model(bright), tmp_path / "hers", training=notes)
    bring_in(
        stage, Path(make_archive(str(tmp_path / "hers"), "zip", tmp_path / "hers"))
    )
    assert read_training(home / "hers") == notes
    assert read_record(home / "hers") == read_record(tmp_path / "hers")
    again = tmp_path / "other name.zip"
    (tmp_path / "hers.zip").rename(again)
    bring_in(stage, again)
    assert [each.name for each in home.iterdir()] == ["hers"]


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (described(format_version="0.9.0"), "a newer format"),
        (described(weights={"torchscript": {"source": "no.pt"}}), "has no 'no.pt'"),
        (described(weights={"keras_hdf5": {"source": "net.pt"}}), "keras_hdf5"),
        (None, "is not a zip file"),
    ],
)
def test_why_not_is_told_and_the_model_stays(
    stage, tmp_path, home, bright, program, content, phrase
) -> None:
    stage.session.models.choose(bright)
    stage.run()
    path = tmp_path / "bad.zip"
    if content is None:
        path.write_bytes(b"no zip")
    else:
        write_zip(path, files_of(content, program))
    bring_in(stage, path)
    assert phrase in stage.state.problems["model"].text
    assert not stage.state.loading
    assert stage.state.model.name == load_model(bright).name
    assert not home.exists()


def test_who_chooses_another_model_meanwhile_gets_that(
    stage, tmp_path, home, bright, program
) -> None:
    path = write_zip(tmp_path / "stranger.zip", files_of(described(), program))
    stage.session.models.bring_in(path)
    stage.runner.step()
    stage.session.models.choose(bright)
    stage.run()
    assert stage.state.model.name == load_model(bright).name
    assert not home.exists()
