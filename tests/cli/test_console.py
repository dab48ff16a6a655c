"""Any name on any console, and consoles that take nothing."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import example, given
from hypothesis import strategies as st
from rich.table import Table

from napari_unet.cli import predict as command
from napari_unet.cli.app import main
from napari_unet.cli.console import (
    print_json,
    print_result,
    print_whatever_the_console,
    say,
)
from napari_unet.errors import StorageError

ENCODINGS = ["ascii", "cp1252", "cp932", "latin-1", "utf-8", "utf-16"]
# Half a surrogate is what Python makes of a file name that is no text.
NAMES = st.text(st.characters(exclude_categories=()), min_size=1)


class Console:
    """A terminal or log of its own encoding, in the place of stdout and stderr."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._bytes = io.BytesIO(), io.BytesIO()
        self._streams = [io.TextIOWrapper(each, encoding) for each in self._bytes]

    def __enter__(self) -> Console:
        self._usual = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._streams
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = self._usual

    @property
    def out(self) -> str:
        return self._bytes[0].getvalue().decode(self._encoding)

    @property
    def err(self) -> str:
        return self._bytes[1].getvalue().decode(self._encoding)


@given(NAMES, st.sampled_from(ENCODINGS))
@example("¬", "cp932")
def test_json_says_every_name_on_every_console(name: str, encoding: str) -> None:
    with Console(encoding) as console:
        print_whatever_the_console()
        print_json({"image": name})
    assert json.loads(console.out) == {"image": name}


@given(NAMES, st.sampled_from(ENCODINGS))
def test_words_say_something_of_every_name(name: str, encoding: str) -> None:
    table = Table("name")
    table.add_row("kept")
    with Console(encoding) as console:
        print_whatever_the_console()
        print_result(f"<{name}>")
        print_result(table)
        say(f"<{name}>")
    assert console.out.startswith("<")
    assert "kept" in console.out
    assert console.err.startswith("<")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = (
        tmp_path / "GFP \N{GREEK SMALL LETTER BETA} \N{CJK UNIFIED IDEOGRAPH-6838}.tif"
    )
    tifffile.imwrite(path, np.zeros((32, 32), np.uint8))
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_result_with_a_strange_name(image, model, tmp_path, options) -> None:
    out = tmp_path / "out"
    with Console("cp1252") as console:
        code = run("predict", image, "--model", model, "--out", out, *options)
    assert code == 0, console.err
    assert (out / image.name).exists()
    if options:
        (written,) = json.loads(console.out)["written"]
        assert Path(written["image"]) == image


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_behind_stdout(image, model, tmp_path, capsys, options) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    out = tmp_path / "out"
    usual = sys.stdout
    with Path("/dev/full").open("w", encoding="utf-8") as sys.stdout:
        try:
            code = run("predict", image, "--model", model, "--out", out, *options)
        finally:
            sys.stdout = usual
    assert code == 2
    assert "could not be printed" in capsys.readouterr().err
    assert (out / image.name).exists()


@pytest.mark.parametrize(("options", "expected"), [([], 0), (["--json"], 2)])
def test_no_stdout_at_all(
    image, model, tmp_path, capsys, monkeypatch, options, expected
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "stdout", None)
    code = run("predict", image, "--model", model, "--out", out, *options)
    assert code == expected
    assert (out / image.name).exists()
    assert ("stdout is closed" in capsys.readouterr().err) == bool(options)


def test_nobody_reads_any_more(monkeypatch) -> None:
    class Left(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Left())
    print_result("a line")


def test_nobody_to_tell(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    say("a line")

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    say("a line")
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(StorageError, match="No space left"):
        print_result("a line")


def test_what_was_done_before_an_interruption_is_printed(
    run, model, tmp_path, monkeypatch
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in "abc":
        tifffile.imwrite(images / f"{name}.tif", np.zeros((32, 32), np.uint8))
    usual = command._predict_one

    def interrupted(path: Path, *arguments: Any) -> Any:
        if path.stem == "b":
            raise KeyboardInterrupt
        return usual(path, *arguments)

    monkeypatch.setattr(command, "_predict_one", interrupted)
    result = run(
        "predict", images, "--model", model, "--out", tmp_path / "out", "--json"
    )
    assert result.code == 130
    said = json.loads(result.out)
    assert [Path(each["image"]).stem for each in said["written"]] == ["a"]
    assert said["interrupted"] is True
    assert "1 of 3" in result.err
