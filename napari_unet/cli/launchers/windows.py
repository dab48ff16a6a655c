"""Icons on Windows: links on the desktop and in the start menu.

Windows itself writes them, asked by a script of PowerShell, which comes with it.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from napari_unet.cli.launchers.launcher import TITLE, WORDS, Launcher, icon
from napari_unet.errors import StorageError

_MENU, _DESKTOP = "Programs", "Desktop"
_SECONDS = 60.0
_STARTS = r"""$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
foreach ($folder in {folders}) {{
  $path = Join-Path ([Environment]::GetFolderPath($folder)) {name}
"""
_MAKE = """  $link = (New-Object -ComObject WScript.Shell).CreateShortcut($path)
  $link.TargetPath = {target}
  $link.Arguments = {arguments}
  $link.WorkingDirectory = [Environment]::GetFolderPath('UserProfile')
  $link.IconLocation = {icon}
  $link.Description = {words}
  $link.Save()
  Write-Output $path
}}
"""
_REMOVE = """  if (Test-Path -LiteralPath $path) {{
    Remove-Item -LiteralPath $path
    Write-Output $path
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class WindowsPlaces:
    """The start menu and the desktop, which Windows knows; `run` runs a script."""

    run: Callable[[str], str]

    @classmethod
    def of_person(cls) -> WindowsPlaces:
        """Return those of the person who is logged in."""
        return cls(run_powershell)

    def make(self, launcher: Launcher, *, desktop: bool) -> list[Path]:
        """Have the links written."""
        folders = (_MENU, _DESKTOP) if desktop else (_MENU,)
        return _paths(self.run(make_script(launcher, folders)))

    def remove(self) -> list[Path]:
        """Have the links removed that are there."""
        return _paths(self.run(remove_script()))


def make_script(launcher: Launcher, folders: tuple[str, ...]) -> str:
    """Return the script that writes the links and prints where they are."""
    python, *arguments = launcher.command
    target = PureWindowsPath(python)
    # The Python that opens no console.
    if target.name.lower() == "python.exe":
        target = target.with_name("pythonw.exe")
    return (_STARTS + _MAKE).format(
        folders=_list(folders),
        name=_text(f"{TITLE}.lnk"),
        target=_text(str(target)),
        arguments=_text(subprocess.list2cmdline(arguments)),
        icon=_text(f"{icon('.ico')},0"),
        words=_text(WORDS),
    )


def remove_script() -> str:
    """Return the script that removes the links and prints where they were."""
    folders = _list((_MENU, _DESKTOP))
    return (_STARTS + _REMOVE).format(folders=folders, name=_text(f"{TITLE}.lnk"))


def run_powershell(script: str) -> str:
    """Run a script and return what it prints; a StorageError says why it failed."""
    # Encoded, so that no shell and no code page changes it.
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    command = ["powershell", "-NoProfile", "-NonInteractive", "-EncodedCommand"]
    try:
        done = subprocess.run(
            [*command, encoded], capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _failed(str(error)) from error
    if done.returncode:
        raise _failed(done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="replace")


def _failed(reason: str) -> StorageError:
    first = (reason.strip().splitlines() or ["no reason was told"])[0]
    return StorageError(
        f"PowerShell could not make or remove the icon ({first[:300]}); start the "
        "program by typing napari-unet instead."
    )


def _text(text: str) -> str:
    """Return a text of PowerShell, which takes typographic quotes for plain ones."""
    return "'" + re.sub("(['‘’‚‛])", r"\1\1", text) + "'"  # noqa: RUF001


def _list(texts: tuple[str, ...]) -> str:
    return f"@({', '.join(map(_text, texts))})"


def _paths(printed: str) -> list[Path]:
    return [Path(line.strip()) for line in printed.splitlines() if line.strip()]
