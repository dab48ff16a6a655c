"""The list of a person's models: kept, tolerant, and honest about what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_unet.errors import StorageError
from napari_unet.models.library import ModelLibrary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "model.json").write_text("{}")
    return place


def test_what_is_added_is_there_the_next_time(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "data" / "models.json"
    assert ModelLibrary(file).read() == ()
    ModelLibrary(file).add(folder)
    (own,) = ModelLibrary(file).add(folder)
    assert (own.name, own.path, own.missing) == ("mine", folder, False)
    assert ModelLibrary(file).read() == (own,)


def test_a_model_that_is_gone_is_listed_as_missing(
    tmp_path: Path, folder: Path
) -> None:
    library = ModelLibrary(tmp_path / "models.json")
    library.add(folder)
    shutil.rmtree(folder)
    (own,) = library.read()
    assert own.missing
    assert library.remove(folder) == ()


@pytest.mark.parametrize("text", ["", "[]", '{"models": [3]}', "\0" * 9])
def test_a_damaged_list_is_empty(tmp_path: Path, folder: Path, text: str) -> None:
    file = tmp_path / "models.json"
    file.write_text(text)
    library = ModelLibrary(file)
    assert library.read() == ()
    assert len(library.add(folder)) == 1


def test_where_nothing_can_be_written_that_is_told(
    tmp_path: Path, folder: Path
) -> None:
    (tmp_path / "file").write_text("")
    library = ModelLibrary(tmp_path / "file" / "models.json")
    with pytest.raises(StorageError):
        library.add(folder)
