"""`napari-unet` without a subcommand: napari with the dock, in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from napari_unet import io
from napari_unet.errors import InputError, how_to_install

DISTRIBUTION = "napari-unet-live"
"""Name on PyPI and of the napari manifest."""

_STRANGER = "napari-unet"

WIDGET = "Segment and correct"
_BINDINGS = ("PyQt5", "PyQt6", "PySide6")


def open_window(sample: str | None) -> int:
    """Open napari with the dock and, where it is named, a sample; return its exit code.

    Napari is started as a command: the command line imports no Qt.
    """
    refuse_without_qt()
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        raise InputError(
            "There is no display to open a window on; run "
            "'napari-unet demo --headless', or connect with one (ssh -X)."
        )
    # `--with` takes all that follows, so paths come first.
    paths = [str(io.load_sample(sample)[0].path)] if sample else []
    command = [sys.executable, "-m", "napari", *paths, "--with", DISTRIBUTION, WIDGET]
    if os.name == "posix":
        # In the same process, so that signals reach napari itself.
        os.execv(sys.executable, command)
    return subprocess.call(command)


def refuse_without_qt() -> None:
    """Refuse to open a window where nothing can."""
    if not any(find_spec(binding) for binding in _BINDINGS):
        raise InputError(
            f"napari needs a Qt binding and none is installed; {how_to_install('all')}."
        )


def refuse_stranger() -> None:
    """Refuse to run beside the other distribution that is called `napari-unet`.

    Both own the import name `napari_unet`, so whichever was installed last has
    replaced files of the other.
    """
    try:
        found = version(_STRANGER)
    except PackageNotFoundError:
        return
    raise InputError(
        f"Another package, {_STRANGER} {found}, is installed here and overwrites files "
        f"of {DISTRIBUTION}; run: pip uninstall -y {_STRANGER} {DISTRIBUTION}, and "
        f"install {DISTRIBUTION} again."
    )
