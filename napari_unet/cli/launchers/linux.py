"""Icons on Linux: a desktop entry in the menu of programs, and on the desktop.

As the Desktop Entry Specification has them; the menu shows a new one by itself.
"""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_unet.cli.launchers.launcher import (
    NAME,
    TITLE,
    WORDS,
    Launcher,
    foreign,
    icon,
)
from napari_unet.core.atomic import told_in_words, write_atomically

_MARK = "X-Napari-Unet=true"
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LinuxPlaces:
    """The menu of programs, and the desktop where there is one."""

    menu: Path
    desktop: Path

    @classmethod
    def of_person(cls) -> LinuxPlaces:
        """Return those of the person who is logged in."""
        data = platformdirs.user_data_path()
        return cls(data / "applications", platformdirs.user_desktop_path())

    def make(self, launcher: Launcher, *, desktop: bool) -> list[Path]:
        """Write the entry, and its copy on the desktop."""
        entry = self._menu_entry
        wanted = [entry]
        if desktop and self.desktop.is_dir():
            wanted.append(self._desktop_entry)
        for path in wanted:
            if path.exists() and not _is_ours(path):
                raise foreign(path)
        text = entry_text(launcher)
        for path in wanted:
            with told_in_words(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, lambda file: file.write(text.encode()))
                # What is not executable starts nothing from the desktop.
                path.chmod(0o755)
        if self._desktop_entry in wanted:
            _trust(self._desktop_entry)
        return wanted

    def remove(self) -> list[Path]:
        """Remove both, where they are ours."""
        ours = [p for p in (self._menu_entry, self._desktop_entry) if _is_ours(p)]
        for path in ours:
            with told_in_words(path):
                path.unlink()
        return ours

    @property
    def _menu_entry(self) -> Path:
        return self.menu / f"{NAME}.desktop"

    @property
    def _desktop_entry(self) -> Path:
        return self.desktop / f"{NAME}.desktop"


def entry_text(launcher: Launcher) -> str:
    """Return the desktop entry."""
    command = " ".join(map(_argument, launcher.command))
    return f"""[Desktop Entry]
Type=Application
Name={TITLE}
Comment={WORDS}
Exec={_value(command)}
Icon={_value(str(icon(".png")))}
Terminal=false
Categories=Science;Biology;ImageProcessing;
Keywords=microscopy;segmentation;napari;
{_MARK}
"""


def _argument(text: str) -> str:
    """Return an argument of a command: quoted, with % doubled."""
    escaped = re.sub(r'(["`$\\])', r"\\\1", text).replace("%", "%%")
    return escaped if re.fullmatch(r"[\w@:,./+-]+", text, re.ASCII) else f'"{escaped}"'


def _value(text: str) -> str:
    """Return the value of a key, in which a backslash is written as two."""
    return text.replace("\\", r"\\")


def _is_ours(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return _MARK in text.splitlines()


def _trust(path: Path) -> None:
    """Tell GNOME that a person wants this icon, which it would ask for once."""
    command = ["gio", "set", str(path), "metadata::trusted", "true"]
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
