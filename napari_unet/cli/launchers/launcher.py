"""What an icon starts, and what every system's way to make one has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_unet.errors import StorageError

TITLE = "napari U-Net"
NAME = "napari-unet"
WORDS = "Segment microscopy images with a U-Net that learns from your corrections"

_ICONS = Path(__file__).parent / "icons"


@dataclass(frozen=True, slots=True)
class Launcher:
    """The command that an icon starts: this very environment, wherever it is."""

    command: tuple[str, ...]
    version: str

    @classmethod
    def here(cls, version: str, python: str = sys.executable) -> Launcher:
        """Return what starts this installation.

        Links are not followed: the Python of a virtual environment is one. Nothing is
        imported from the folder in which it starts (-P), which is a person's own.
        """
        return cls((str(Path(python).absolute()), "-P", "-m", "napari_unet"), version)


class Places(Protocol):
    """Where a system keeps its icons, and how one is made there."""

    def make(self, launcher: Launcher, *, desktop: bool) -> list[Path]:
        """Make the icons, those of an earlier call anew; return where they are."""
        ...

    def remove(self) -> list[Path]:
        """Remove the icons that are there, and return where they were."""
        ...


def icon(suffix: str) -> Path:
    """Return the file of the icon, such as that with the suffix ".png"."""
    return _ICONS / f"{NAME}{suffix}"


def foreign(path: Path) -> StorageError:
    """Return the error that something else has the place of an icon."""
    return StorageError(
        f"{path} is something else than the icon of napari-unet, and stays; move it "
        "away, then make the icon again."
    )
