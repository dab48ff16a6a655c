"""`napari-unet predict` on many files: it goes on, reports, needs little memory."""

from __future__ import annotations

import csv
import gc
import itertools
import json
import os
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_unet import io
from napari_unet.cli import predict, predict_report
from napari_unet.cli.predict_report import COLUMNS

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run

_PER_IMAGE = 2**11
"""Bytes: what is said of an image at the end, far less than the image itself."""


def statuses(report: Path) -> list[tuple[str, str]]:
    """Return file names and what became of them, line by line."""
    with report.open(newline="") as file:
        return [(Path(r["file"]).name, r["status"]) for r in csv.DictReader(file)]


@pytest.fixture
def command(model: Path, annotated: Annotated, tmp_path: Path) -> tuple[object, ...]:
    """Return a prediction of two images with a report."""
    places = ("--out", tmp_path / "out", "--report", tmp_path / "report.csv")
    return ("predict", annotated.images, "--model", model, *places)


def test_the_report_says_what_became_of_each_file(
    run: Run, command: tuple[object, ...], annotated: Annotated, tmp_path: Path
) -> None:
    (annotated.images / "broken, with a comma.tif").write_bytes(b"hello")
    result = run(*command, "--json")
    assert result.code == 2
    table = pd.read_csv(tmp_path / "report.csv")
    assert list(table.columns) == COLUMNS
    assert table["status"].tolist() == ["written", "written", "failed"]
    written = json.loads(result.out)["written"]
    assert table["objects"][:2].tolist() == [one["objects"] for one in written]
    assert table["result"][:2].tolist() == [one["labels"] for one in written]
    assert (table["seconds"][:2] > 0).all()
    assert "is not an image" in table["message"][2]


def test_what_is_there_is_not_made_again(
    run: Run, command: tuple[object, ...], tmp_path: Path
) -> None:
    assert run(*command).code == 0
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}
    again = run(*command, "--resume", "--json")
    assert again.code == 0
    assert "2 results from before kept" in again.err
    report = json.loads(again.out)
    assert report["written"] == []
    assert [Path(one["labels"]) for one in report["kept"]] == sorted(times)
    assert times == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}
    lines = statuses(tmp_path / "report.csv")
    assert lines == [("a.tif", "written"), ("b.tif", "written")]


def cut(result: Path, _: Path) -> None:
    """Lose the end of a result."""
    os.truncate(result, result.stat().st_size - 20)


def cut_in_front(result: Path, _: Path) -> None:
    """Lose all but what it says of itself, and not even that is whole."""
    os.truncate(result, 100)


def cut_before_pixels(result: Path, _: Path) -> None:
    """Lose its pixels and a part of the words."""
    os.truncate(result, 250)


def lead_nowhere(result: Path, _: Path) -> None:
    """Have a link in its place to what is not there any more."""
    result.unlink()
    result.symlink_to("gone.tif")


def empty(result: Path, _: Path) -> None:
    """Lose all of it."""
    os.truncate(result, 0)


def lose(result: Path, _: Path) -> None:
    """Remove it."""
    result.unlink()


def change(_: Path, image: Path) -> None:
    """Let the image be another one."""
    tifffile.imwrite(image, tifffile.imread(image)[::-1])


@pytest.mark.parametrize(
    "happens",
    [cut, cut_in_front, cut_before_pixels, lead_nowhere, empty, lose, change],
)
def test_what_is_missing_or_of_another_image_is_made(
    run: Run, command: tuple[object, ...], annotated: Annotated, tmp_path: Path, happens
) -> None:
    assert run(*command).code == 0
    result, image = tmp_path / "out" / "b.tif", annotated.images / "b.tif"
    happens(result, image)
    report = json.loads(run(*command, "--resume", "--json").out)
    assert [Path(one["image"]).name for one in report["written"]] == ["b.tif"]
    assert [Path(one["image"]).name for one in report["kept"]] == ["a.tif"]
    assert io.read_mark(result).whole
    assert tifffile.imread(result).shape == (96, 96)


def test_results_of_other_settings_or_another_model_are_made_again(
    run: Run, command: tuple[object, ...], model: Path, make_model, tmp_path: Path
) -> None:
    assert run(*command).code == 0
    other = make_model(tmp_path / "other")
    ways = [("--threshold", 0.3), ("--diameter", 20), ("--pixel-size", 0.5), ()]
    for way in (*ways, ("--model", other), ()):
        report = json.loads(run(*command, *way, "--resume", "--json").out)
        # The same weights, but another name: a model is told by its description, too.
        assert len(report["written"]) == 2, way


def test_what_others_wrote_is_left_alone(
    run: Run, command: tuple[object, ...], tmp_path: Path
) -> None:
    assert run(*command).code == 0
    corrected = tmp_path / "out" / "a.tif"
    tifffile.imwrite(corrected, np.zeros((96, 96), np.int32))
    before = corrected.read_bytes()
    result = run(*command, "--resume")
    assert result.code == 2
    assert "was not written by this program" in result.err
    assert corrected.read_bytes() == before


def test_a_killed_run_keeps_its_lines_and_goes_on(
    run: Run, command: tuple[object, ...], tmp_path: Path, monkeypatch
) -> None:
    once = predict._predict_one

    def press(path: Path, *rest: object) -> object:
        if path.name == "b.tif":
            raise KeyboardInterrupt
        return once(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(predict, "_predict_one", press)
        result = run(*command)
    assert result.code == 130
    report = tmp_path / "report.csv"
    assert statuses(report) == [("a.tif", "written")]
    with report.open("a") as file:
        file.write('"half a li')
    assert run(*command).refused("go on with --resume") is None
    assert run(*command, "--resume").code == 0
    assert statuses(report) == [("a.tif", "written"), ("b.tif", "written")]


def test_what_contradicts_itself_is_refused(
    run: Run, command: tuple[object, ...], annotated: Annotated, tmp_path: Path
) -> None:
    run(*command, "--resume", "--overwrite").refused("one of the two")
    inside = annotated.images / "a.tif"
    run(*command, "--report", inside, "--overwrite").refused("replace the images")
    notes = tmp_path / "notes.csv"
    notes.write_text("my,own\n")
    run(*command, "--report", notes).refused("exists")
    run(*command, "--report", notes, "--resume").refused("is no report")
    assert notes.read_text() == "my,own\n"
    run(*command, "--report", tmp_path / "no" / "r.csv").refused("folder is not there")


def test_files_are_done_as_people_count(run: Run, model: Path, tmp_path: Path) -> None:
    images = tmp_path / "series"
    images.mkdir()
    for number in (10, 9, 1):
        plane = np.random.default_rng(number).integers(0, 99, (32, 32), np.uint8)
        tifffile.imwrite(images / f"t{number}.tif", plane)
    report = tmp_path / "report.csv"
    for where in (images, images / "t*.tif"):
        arguments = ("--model", model, "--out", tmp_path / "out", "--report", report)
        assert run("predict", where, *arguments, "--overwrite").code == 0
        assert [n for n, _ in statuses(report)] == ["t1.tif", "t9.tif", "t10.tif"]


def test_memory_stays_flat(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for number in range(85):
        tifffile.imwrite(images / f"{number}.tif", rng.random((48, 48), np.float32))
    (images / "33.tif").write_bytes(b"no image")
    held: dict[int, int] = {}
    count = itertools.count(1)
    add = predict_report.RunReport.add

    def watch(report: predict_report.RunReport, line: predict_report.Line) -> None:
        add(report, line)
        if (number := next(count)) == 15:  # what is loaded once is there by then
            tracemalloc.start()
        if number in (25, 85):
            gc.collect()
            held[number] = tracemalloc.get_traced_memory()[0]

    monkeypatch.setattr(predict_report.RunReport, "add", watch)
    try:
        result = run(
            *("predict", images, "--model", model, "--out", tmp_path / "out"),
            *("--diameter", 12, "--json"),
        )
    finally:
        tracemalloc.stop()
    assert result.code == 2
    assert len(json.loads(result.out)["written"]) == 84
    assert (held[85] - held[25]) / 60 < _PER_IMAGE
