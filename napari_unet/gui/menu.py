"""What napari's menus and its command palette offer besides the docks.

Each brings a dock into sight, where it says what comes of it, or what is in the way.
"""

from __future__ import annotations

from napari import Viewer

from napari_unet.gui.dock import show_dock, show_objects
from napari_unet.gui.key_sheet import show_keys
from napari_unet.gui.keys import NEXT, NEXT_IMAGE, PREDICT, TRAIN
from napari_unet.gui.panels.project import ask_for_new, ask_to_open


def new_project(viewer: Viewer) -> None:
    """Ask for a name, and make a project."""
    dock = show_dock(viewer)
    ask_for_new(dock, dock.bench.session)


def open_project(viewer: Viewer) -> None:
    """Ask for a project, and open it."""
    dock = show_dock(viewer)
    ask_to_open(dock, dock.bench.session)


def close_project(viewer: Viewer) -> None:
    """Keep work beside each image again."""
    show_dock(viewer).bench.session.projects.leave()


def predict(viewer: Viewer) -> None:
    """Find the objects of the chosen image."""
    _press(viewer, PREDICT)


def train(viewer: Viewer) -> None:
    """Start or stop a fine-tuning."""
    _press(viewer, TRAIN)


def next_view(viewer: Viewer) -> None:
    """Go to the view that needs a look most."""
    _press(viewer, NEXT)


def next_image(viewer: Viewer) -> None:
    """Go to the next image of the list."""
    _press(viewer, NEXT_IMAGE)


def export(viewer: Viewer) -> None:
    """Write the results of the chosen image, in the formats that are ticked."""
    show_dock(viewer).bench.session.exporting.start()


def list_objects(viewer: Viewer) -> None:
    """Show the objects as a list."""
    show_objects(viewer)


def list_keys(viewer: Viewer) -> None:
    """Show the sheet of keys."""
    show_keys(show_dock(viewer).window())


def _press(viewer: Viewer, key: str) -> None:
    show_dock(viewer).bench.commands.actions[key]()
