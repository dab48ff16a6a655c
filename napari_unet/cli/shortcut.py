"""`napari-unet shortcut`: an icon for those who do not like to type."""

from __future__ import annotations

import sys
from typing import Annotated

from napari_unet import __version__
from napari_unet.cli.console import report
from napari_unet.cli.launchers.launcher import Launcher, Places
from napari_unet.cli.launchers.linux import LinuxPlaces
from napari_unet.cli.launchers.macos import MacPlaces
from napari_unet.cli.launchers.windows import WindowsPlaces
from napari_unet.cli.options import JsonOption, flag
from napari_unet.cli.window import refuse_without_qt


def shortcut(
    no_desktop: Annotated[
        bool, flag("--no-desktop", "Only in the menu of programs, not on the desktop.")
    ] = False,
    remove: Annotated[bool, flag("--remove", "Remove the icons again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an icon on the desktop and in the menu of programs.

    It starts napari with the dock from this very installation. Where that is moved or
    installed anew elsewhere, give the command again.
    """
    places = places_here()
    if remove:
        done, what = places.remove(), "removed"
        told = [f"Removed {path}" for path in done] or ["There was no icon."]
    else:
        refuse_without_qt()
        launcher = Launcher.here(__version__)
        done, what = places.make(launcher, desktop=not no_desktop), "made"
        told = list(map(str, done))
    report({what: list(map(str, done))}, told, as_json=as_json)


def places_here() -> Places:
    """Return where the icons of this system are."""
    systems = {"win32": WindowsPlaces, "darwin": MacPlaces}
    kind: type[WindowsPlaces | MacPlaces | LinuxPlaces]
    kind = systems.get(sys.platform, LinuxPlaces)
    return kind.of_person()
