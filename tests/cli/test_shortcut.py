"""Icons: what is written for each system, read back, and taken away again."""

from __future__ import annotations

import base64
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from napari_unet.cli import window
from napari_unet.cli.launchers import windows
from napari_unet.cli.launchers.launcher import Launcher, icon
from napari_unet.cli.launchers.linux import LinuxPlaces, entry_text
from napari_unet.cli.launchers.macos import MacPlaces
from napari_unet.cli.launchers.windows import WindowsPlaces
from napari_unet.errors import StorageError

if TYPE_CHECKING:
    from tests.cli.conftest import Run

HARD = '/home/Zoë/my "env" 100%/$HOME`x`\\y/bin/python'
LAUNCHER = Launcher((HARD, "-P", "-m", "napari_unet"), "0.1.0")
POSIX = pytest.mark.skipif(os.name != "posix", reason="paths and rights of Unix")


@pytest.fixture
def linux(tmp_path: Path) -> LinuxPlaces:
    (tmp_path / "Desktop").mkdir(exist_ok=True)
    return LinuxPlaces(tmp_path / "applications", tmp_path / "Desktop")


@pytest.fixture
def mac(tmp_path: Path) -> MacPlaces:
    (tmp_path / "Desktop").mkdir(exist_ok=True)
    return MacPlaces(tmp_path / "Applications", tmp_path / "Desktop")


def _entry(text: str) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read_string(text)
    return dict(parser["Desktop Entry"])


def _unquoted(value: str) -> list[str]:
    """Read a command as the specification says: first a value, then its arguments."""
    plain = value.replace("\\\\", "\\")
    parts = re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', plain)
    return [
        re.sub(r"\\(.)", r"\1", quoted).replace("%%", "%") if quoted else bare
        for quoted, bare in parts
    ]


def test_the_command_is_read_back_from_an_entry() -> None:
    entry = _entry(entry_text(LAUNCHER))
    assert tuple(_unquoted(entry["Exec"])) == LAUNCHER.command
    assert Path(entry["Icon"]) == icon(".png")
    assert entry["Terminal"] == "false"


@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="it is not installed"
)
def test_others_find_the_entry_right(tmp_path: Path) -> None:
    path = tmp_path / "napari-unet.desktop"
    path.write_text(entry_text(LAUNCHER), "utf-8")
    check = ["desktop-file-validate", str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@POSIX
def test_linux_has_it_in_the_menu_and_on_the_desktop(linux: LinuxPlaces) -> None:
    made = linux.make(LAUNCHER, desktop=True)
    assert made == linux.make(LAUNCHER, desktop=True)
    assert [path.parent for path in made] == [linux.menu, linux.desktop]
    assert all(os.access(path, os.X_OK) for path in made)
    assert linux.remove() == made
    assert linux.remove() == []
    assert not any(path.exists() for path in made)
    assert len(linux.make(LAUNCHER, desktop=False)) == 1
    linux.desktop.rmdir()  # a machine without one
    assert len(linux.make(LAUNCHER, desktop=True)) == 1


def test_what_others_put_there_stays(linux: LinuxPlaces, mac: MacPlaces) -> None:
    theirs = linux.desktop / "napari-unet.desktop"
    theirs.write_text("[Desktop Entry]\nName=mine\n")
    with pytest.raises(StorageError, match="something else"):
        linux.make(LAUNCHER, desktop=True)
    assert linux.remove() == []
    assert theirs.read_text().endswith("Name=mine\n")
    assert not linux.menu.exists()
    app = mac.applications / "napari U-Net.app"
    app.mkdir(parents=True)
    with pytest.raises(StorageError, match="something else"):
        mac.make(LAUNCHER, desktop=True)
    assert mac.remove() == []
    assert app.is_dir()


@POSIX
def test_macos_has_an_application_and_a_link(mac: MacPlaces) -> None:
    made = mac.make(LAUNCHER, desktop=True)
    assert made == mac.make(LAUNCHER, desktop=True)
    app, link = made
    assert link.resolve() == app
    about = plistlib.loads((app / "Contents/Info.plist").read_bytes())
    program = app / "Contents/MacOS" / about["CFBundleExecutable"]
    assert os.access(program, os.X_OK)
    first, second = program.read_text("utf-8").splitlines()
    assert first == "#!/bin/sh"
    assert tuple(shlex.split(second)) == ("exec", *LAUNCHER.command)
    picture = app / "Contents/Resources" / about["CFBundleIconFile"]
    with Image.open(picture) as image:
        assert image.format == "ICNS"
    assert about["CFBundleShortVersionString"] == "0.1.0"
    assert mac.remove() == [link, app]
    assert mac.remove() == []


def test_windows_is_asked_for_links() -> None:
    asked: list[str] = []

    def answer(script: str) -> str:
        asked.append(script)
        return "C:\\Users\\Zoë\\Desktop\\napari U-Net.lnk\r\n"

    command = ("C:\\O’Brien's env\\python.exe", "-P", "-m", "napari_unet")  # noqa: RUF001
    places = WindowsPlaces(answer)
    made = places.make(Launcher(command, "0.1.0"), desktop=True)
    assert [str(path) for path in made] == ["C:\\Users\\Zoë\\Desktop\\napari U-Net.lnk"]
    (script,) = asked
    target = "'C:\\O’’Brien''s env\\pythonw.exe'"  # noqa: RUF001
    assert f"$link.TargetPath = {target}" in script
    assert "$link.Arguments = '-P -m napari_unet'" in script
    assert "foreach ($folder in @('Programs', 'Desktop'))" in script
    assert script.count("{") == script.count("}")
    places.make(Launcher(command, "0.1.0"), desktop=False)
    assert "in @('Programs'))" in asked[1]
    places.remove()
    assert "Remove-Item -LiteralPath $path" in asked[2]
    assert "{{" not in asked[2]


def test_powershell_gets_the_script_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        assert base64.b64decode(command[-1]).decode("utf-16-le") == "Write 'ü'"
        return subprocess.CompletedProcess(command, 0, "ü\r\n".encode(), b"")

    monkeypatch.setattr(windows.subprocess, "run", answer)
    assert windows.run_powershell("Write 'ü'") == "ü\r\n"


def test_without_powershell_there_is_a_sentence(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StorageError, match="start the program by typing napari-unet"):
        windows.run_powershell("exit 1")


@pytest.mark.skipif(sys.platform != "linux", reason="places of Linux")
def test_the_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    made = tmp_path / "applications" / "napari-unet.desktop"
    assert run("shortcut", "--no-desktop").out == f"{made}\n"
    command = _unquoted(_entry(made.read_text("utf-8"))["Exec"])
    asked = [*command, "--version"]
    assert subprocess.run(asked, check=False, capture_output=True).returncode == 0
    assert run("shortcut", "--remove").out == f"Removed {made}\n"
    assert run("shortcut", "--remove").out == "There was no icon.\n"
    monkeypatch.setattr(window, "_BINDINGS", ())
    run("shortcut").refused("napari needs a Qt binding")


def test_icons_are_those_that_the_script_draws(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "docs" / "draw_icon.py"
    draw = [sys.executable, str(script), "--out", str(tmp_path)]
    subprocess.run(draw, check=True, capture_output=True)
    for suffix in (".svg", ".png", ".ico", ".icns"):
        drawn = tmp_path / icon(suffix).name
        if suffix == ".svg":
            assert drawn.read_text() == icon(suffix).read_text()
            continue
        with Image.open(drawn) as new, Image.open(icon(suffix)) as kept:
            assert (new.size, new.format) == (kept.size, kept.format)
