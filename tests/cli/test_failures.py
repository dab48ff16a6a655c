"""Whatever ends a command: one sentence, an exit code by one rule, no traceback."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_unet import __main__ as program
from napari_unet import errors

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@contextmanager
def started_until(code: str, word: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python until it has printed a word on a line of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()).strip() != word:
            assert line, "it ended before"
        yield process


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Let a command fail in some way, with a place for reports."""
    monkeypatch.setattr(
        "napari_unet.cli.failures.platformdirs.user_log_path",
        lambda *_, **__: tmp_path / "logs",
    )

    def fail(error: BaseException) -> None:
        def raise_it() -> None:
            raise error

        monkeypatch.setattr("napari_unet.models.list_models", raise_it)

    return fail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.InputError("It does not fit."), "It does not fit."),
        (errors.DeviceError("No such card."), "No such card."),
        (MemoryError(), "memory of this machine"),
        (ModuleNotFoundError("no", name="tifffile"), "'tifffile' is missing here"),
        (PermissionError(errno.EACCES, "no", "a.tif"), "Cannot reach 'a.tif'"),
    ],
)
def test_what_a_person_can_mend_is_2(
    run: Run, failing, error: Exception, words: str
) -> None:
    failing(error)
    run("models", "list").refused(words)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        ZeroDivisionError("by \x1b[31m zero\nand more"),
        RuntimeError(),
        ModuleNotFoundError("no", name="napari_unet.nonsense"),
        OSError(errno.EIO, "bad disk"),
        RecursionError("too deep"),
    ],
)
def test_what_nobody_expected_is_1_with_a_report(
    run: Run, failing, tmp_path: Path, error: Exception
) -> None:
    failing(error)
    result = run("models", "list")
    assert (result.code, result.out) == (1, "")
    report = tmp_path / "logs" / "last-failure.txt"
    assert result.err.count("\n") == 1
    assert "defect of napari-unet" in result.err
    assert type(error).__name__ in result.err
    assert str(report) in result.err
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    assert "Traceback" in report.read_text("utf-8")


def test_a_report_that_cannot_be_written_is_none(
    run: Run, failing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(KeyError("x"))
    (tmp_path / "logs").write_text("a file")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "no" / "\0"))
    monkeypatch.setattr(Path, "mkdir", _refuse)
    result = run("models", "list")
    assert result.code == 1
    assert result.err.endswith("Please report it.\n")


def _refuse(*_: object, **__: object) -> None:
    raise OSError(errno.EROFS, "read-only")


def test_an_interruption_is_one_sentence(run: Run, failing) -> None:
    failing(KeyboardInterrupt())
    result = run("models", "list")
    assert (result.code, result.out, result.err) == (130, "", "Interrupted.\n")


def test_usage_is_2(run: Run) -> None:
    for arguments in (["nonsense"], ["predict"], ["models", "list", "--no"]):
        result = run(*arguments)
        assert result.code == 2
        assert "Usage: napari-unet" in result.err


SLOW = """
import builtins, sys, signal, time
sys.path.insert(0, {folder!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # also as a job in background
{before}
from napari_unet.__main__ import main
main(["models", "list"])
"""
LAZY = """
import napari_unet.models
def list_models():
    try:
        import slow_to_import
        time.sleep(20)
    finally:
        print("cleaned up")
napari_unet.models.list_models = list_models
"""
IGNORING = "signal.signal(signal.SIGINT, signal.SIG_IGN)"


@pytest.mark.skipif(os.name != "posix", reason="signals are others on Windows")
@pytest.mark.parametrize(
    ("module", "before", "seconds", "presses", "ends"),
    [
        ("rich", "", 20, 1, (130, "", "Interrupted.\n")),
        ("rich", IGNORING, 1, 1, None),
        ("slow_to_import", LAZY, 1, 1, (130, "cleaned up\n", "Interrupted.\n")),
        ("slow_to_import", LAZY, 20, 2, (130, "", "Interrupted.\n")),
    ],
    ids=["at the start", "ignored", "in a command", "without patience"],
)
def test_ctrl_c_in_an_import(
    tmp_path: Path,
    module: str,
    before: str,
    seconds: int,
    presses: int,
    ends: tuple[int, str, str] | None,
) -> None:
    """A package that is slow to import, at the start or in the middle of a command."""
    text = f"import time\nprint('importing', flush=True)\ntime.sleep({seconds})\n"
    (tmp_path / f"{module}.py").write_text(text)
    code = SLOW.format(folder=str(tmp_path), before=before)
    with started_until(code, "importing") as process:
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        out, err = process.communicate()
    if ends is not None:
        assert (process.returncode, out, err) == ends
    else:  # it goes on, and this `rich` is not what the program needs
        assert process.returncode == 1
        assert "Interrupted" not in err


ENDING = """
import builtins, os, sys, time
class Late:
    def __del__(self):
        os.write(1, b"ending\\n")
        time.sleep(1)
builtins.late = Late()
from napari_unet.__main__ import main
main(["--version"])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are others on Windows")
def test_ctrl_c_after_everything_is_done() -> None:
    """While Python ends, what was told stays true, and so does the exit code."""
    with started_until(ENDING, "ending") as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="signals are others on Windows")
def test_ctrl_c_in_work_is_an_exception() -> None:
    """So that what was begun is cleaned up."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, program._interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="shells of Linux and macOS")
def test_commands_are_completed() -> None:
    asked = {
        "_NAPARI_UNET_COMPLETE": "complete_bash",
        "COMP_WORDS": "napari-unet mea",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "napari_unet"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["measure"]
