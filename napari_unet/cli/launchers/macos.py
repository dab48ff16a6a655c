"""Icons on macOS: a small application, and a link to it on the desktop."""

from __future__ import annotations

import plistlib
import shlex
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari_unet.cli.launchers.launcher import NAME, TITLE, Launcher, foreign, icon
from napari_unet.core.atomic import told_in_words, write_folder_atomically

IDENTIFIER = "org.napari-unet.launcher"


@dataclass(frozen=True, slots=True)
class MacPlaces:
    """The applications of a person, which Launchpad and Spotlight show; the desktop."""

    applications: Path
    desktop: Path

    @classmethod
    def of_person(cls) -> MacPlaces:
        """Return those of the person who is logged in."""
        return cls(Path.home() / "Applications", Path.home() / "Desktop")

    def make(self, launcher: Launcher, *, desktop: bool) -> list[Path]:
        """Write the application, and the link."""
        app, link = self._app, self._link
        if app.exists() and not _is_ours(app):
            raise foreign(app)
        if desktop and (link.is_symlink() or link.exists()) and not self._links():
            raise foreign(link)
        if app.exists():
            with told_in_words(app):
                shutil.rmtree(app)
        write_folder_atomically(app, partial(_fill, launcher=launcher))
        if not (desktop and self.desktop.is_dir()):
            return [app]
        if not self._links():
            with told_in_words(link):
                link.symlink_to(app)
        return [app, link]

    def remove(self) -> list[Path]:
        """Remove both, where they are ours."""
        removed = []
        if self._links():
            with told_in_words(self._link):
                self._link.unlink()
            removed.append(self._link)
        if _is_ours(self._app):
            with told_in_words(self._app):
                shutil.rmtree(self._app)
            removed.append(self._app)
        return removed

    @property
    def _app(self) -> Path:
        return self.applications / f"{TITLE}.app"

    @property
    def _link(self) -> Path:
        return self.desktop / f"{TITLE}.app"

    def _links(self) -> bool:
        """Whether the link is there, and leads to the application."""
        return self._link.is_symlink() and self._link.readlink() == self._app


def _fill(app: Path, launcher: Launcher) -> None:
    """Write what an application consists of: what it is, its program and its icon."""
    programs, resources = app / "Contents/MacOS", app / "Contents/Resources"
    programs.mkdir(parents=True)
    resources.mkdir()
    picture = icon(".icns")
    shutil.copyfile(picture, resources / picture.name)
    about = {
        "CFBundleExecutable": NAME,
        "CFBundleIconFile": picture.name,
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": TITLE,
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": launcher.version,
        "CFBundleVersion": launcher.version,
        "NSHighResolutionCapable": True,
    }
    (app / "Contents/Info.plist").write_bytes(plistlib.dumps(about))
    program = programs / NAME
    program.write_text(f"#!/bin/sh\nexec {shlex.join(launcher.command)}\n", "utf-8")
    program.chmod(0o755)


def _is_ours(app: Path) -> bool:
    try:
        about = plistlib.loads((app / "Contents/Info.plist").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("CFBundleIdentifier") == IDENTIFIER
