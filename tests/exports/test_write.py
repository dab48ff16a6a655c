"""What holds for all formats, the Python function, tables, and folders of results."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import napari_unet as nu
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError, StorageError
from napari_unet.exports import FORMATS, Result, ResultsFolder, find_format, format_of
from napari_unet.io.labels import read_ids
from tests.exports.conftest import awkward, result_of, write

USABLE = [each.name for each in FORMATS if not each.package and not each.in_time]


@pytest.mark.parametrize("name", USABLE)
def test_the_same_result_gives_the_same_file(tmp_path: Path, name: str) -> None:
    folder = ResultsFolder(tmp_path)
    for _ in range(2):
        drain(folder.iter_put("a", result_of(awkward()), find_format(name)))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", USABLE)
@pytest.mark.parametrize("shape", [(20, 30), (1, 1)])
def test_no_objects_are_a_result_too(
    tmp_path: Path, name: str, shape: tuple[int, int]
) -> None:
    assert write(result_of(np.zeros(shape, np.int32)), name, tmp_path).exists()


@pytest.mark.parametrize("name", USABLE)
def test_a_file_is_there_whole_or_not_at_all(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(result_of(awkward()), name, tmp_path)
    before = content(path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StorageError, match="disk is full"):
        write(result_of(awkward() + 1), name, tmp_path)
    assert content(path) == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return {str(each): each.read_bytes() for each in files if each.is_file()}


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_the_name_of_a_file_tells_its_format(each: object) -> None:
    found = format_of(Path(f"a b.c{each.ending}"))  # type: ignore[attr-defined]
    assert found.suffix == each.suffix  # type: ignore[attr-defined]


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tells no format"):
        nu.export(awkward(), tmp_path / "a.xyz")
    with pytest.raises(InputError, match=r"ends with \.geojson"):
        nu.export(awkward(), tmp_path / "a.json", "geojson")
    with pytest.raises(InputError, match=r"ends with \.tif"):
        nu.export(awkward(), tmp_path / "a.ome.tif", "fiji")
    with pytest.raises(InputError, match="choose one of: fiji"):
        nu.export(awkward(), tmp_path / "a.tif", "word")
    with pytest.raises(InputError, match="Names are those of classes"):
        nu.export(awkward(), tmp_path / "a.tif", names=("cell",))
    with pytest.raises(InputError, match="image of the shape"):
        nu.export(awkward(), tmp_path / "a.tif", image=np.zeros((9, 9)))
    assert list(tmp_path.iterdir()) == []


def test_from_python(tmp_path: Path) -> None:
    labels = awkward()
    path = nu.export(labels, tmp_path / "a.tif", pixel_size={"Y": 0.5, "X": 0.5})
    np.testing.assert_array_equal(read_ids(path), labels)
    with pytest.raises(InputError, match="exists"):
        nu.export(labels, path)
    nu.export(labels + 1, path, overwrite=True)
    assert read_ids(path)[0, 0] == 1
    image = np.stack([labels, 2 * labels])
    nu.export(labels, tmp_path / "a.csv", image=image, axes="CYX")
    nu.export(np.ones((2, 8, 9)), tmp_path / "b.ome.tif", task="regression", names="ab")
    nu.export(labels > 0, tmp_path / "c.zip", task="classes", names=("no", "yes"))


def test_what_had_to_be_changed_is_logged(tmp_path: Path, caplog) -> None:
    nu.export(-awkward(), tmp_path / "a.tif")
    assert "negative ids were taken as background" in caplog.text
    assert not read_ids(tmp_path / "a.tif").any()


def test_a_table_has_what_is_measured(tmp_path: Path) -> None:
    path = write(result_of(awkward(), pixel_size={"Y": 2, "X": 2}), "csv", tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == [2, 5, 7, 9, 41, 300]
    assert rows[0]["area_px"] == "21"
    assert rows[0]["area_um2"] == "84"
    assert float(rows[0]["mean"]) == 1006


def test_parquet_needs_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_unet.exports.format.is_installed", lambda _: False)
    with pytest.raises(InputError, match=r"pip install .*\[parquet\]"):
        write(result_of(awkward()), "parquet", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_parquet_reads_back(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.read_table(write(result_of(awkward()), "parquet", tmp_path))
    assert found["id"].to_pylist() == [2, 5, 7, 9, 41, 300]
    assert found["confidence"].null_count == 6


def test_what_others_wrote_is_not_replaced(tmp_path: Path) -> None:
    fiji, folder = find_format("fiji"), ResultsFolder(tmp_path)
    path = tmp_path / "cells labels.tif"
    path.write_text("precious")
    with pytest.raises(InputError, match="left alone"):
        drain(folder.iter_put("a", result_of(awkward()), fiji))
    with pytest.raises(InputError, match="left alone"):
        folder.put_table(path.name, {})
    assert path.read_text() == "precious"
    path.unlink()
    drain(folder.iter_put("a", result_of(awkward()), fiji))
    assert ResultsFolder(tmp_path).why_not_replace(path.name) == ""
    path.write_text("corrected in another program")
    assert "left alone" in ResultsFolder(tmp_path).why_not_replace(path.name)


def test_images_that_are_called_the_same_have_files_of_their_own(
    tmp_path: Path,
) -> None:
    fiji, folder = find_format("fiji"), ResultsFolder(tmp_path)
    for key, result in (
        ("a", result_of(awkward())),
        ("b", Result("Cells", 5 * awkward(), "YX")),
    ):
        drain(folder.iter_put(key, result, fiji))
    assert read_ids(tmp_path / "Cells (2) labels.tif").max() == 1500
    assert ResultsFolder(tmp_path).name_for("b", "Cells") == "Cells (2)"
    assert ResultsFolder(tmp_path).name_for("a", "cells") == "cells"
    assert ResultsFolder(tmp_path).name_for("c", "cells") == "cells (3)"


def test_a_note_that_is_damaged_protects_everything(tmp_path: Path) -> None:
    fiji, folder = find_format("fiji"), ResultsFolder(tmp_path)
    drain(folder.iter_put("a", result_of(awkward()), fiji))
    (tmp_path / ".napari-unet-results.json").write_text("{")
    assert ResultsFolder(tmp_path).why_not_replace("cells labels.tif")
