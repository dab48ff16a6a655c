"""Where work is kept, and how saving goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget
from superqt import QElidingLabel

from napari_unet.gui.panels.panel import (
    DismissibleNote,
    Label,
    Panel,
    SteadyText,
    entry,
    set_look,
)
from napari_unet.project.layout import SUFFIX
from napari_unet.session.images.place import NOT_SAVED, SaveState
from napari_unet.session.session import Session
from napari_unet.session.state import State
from napari_unet.session.worklist.status import ProjectState

_BESIDE = "Work is kept beside each image"
_TIP = (
    "A project is a folder NAME.unet with the labels of many images, their history, "
    "and the models that learned from them. Images stay where they are."
)


class ProjectPanel(Panel):
    """Open, make and leave projects."""

    title = "Project"
    place = "project"

    def _build(self) -> None:
        self.name = QElidingLabel(_BESIDE)
        self.name.setToolTip(_TIP)
        self.menu = QMenu(self)
        self.menu.addAction("New project…", self._on_new)
        self.menu.addAction("Open project…", self._on_open)
        self.menu.addSeparator()
        copy = "Save this image's work to…"
        self.copy: Any = self.menu.addAction(copy, self._on_copy)
        leave = self.session.projects.leave
        self.leave = entry(self.menu, "Close project", "", leave)
        self.button = QPushButton("Project")
        self.button.setToolTip("Make, open or close a project; save elsewhere")
        self.button.setMenu(self.menu)
        self.saved = SteadyText("faint")
        self.failure = Label("", "error", wrap=True)
        self.recovered = DismissibleNote(self.session.images.dismiss_recovered)
        self.told = Label("", "error", wrap=True)
        self.told.hide()
        self._shown: ProjectState | None = None
        self.add_row(self.name, self.button)
        self.add(self.saved, self.failure, self.recovered, self.told)

    def _render(self, state: State) -> None:
        project, image = state.project, state.image
        self.copy.setEnabled(image is not None and image.open)
        self._show_saving(state.save if image else NOT_SAVED)
        self.recovered.show_text(state.recovered)
        self.leave.setEnabled(project is not None)
        if project == self._shown:
            return
        self._shown = project
        self.name.setText(project.name if project else _BESIDE)
        self.name.setToolTip(str(project.folder) if project else _TIP)
        set_look(self.name, "role", "" if project else "faint")
        self.told.show_text(project.told if project else "")

    def _show_saving(self, save: SaveState) -> None:
        """Say in one line how saving goes, and at length why it does not."""
        words = f"{save.text}\n{save.folder}" if save.folder else save.text
        self.saved.show_text(save.line, words)
        set_look(self.saved, "role", "error" if save.failed else "faint")
        self.failure.show_text(save.text if save.failed else "")

    # Methods, since Qt keeps a lambda, which would keep the panel.
    def _on_new(self) -> None:
        ask_for_new(self, self.session)

    def _on_open(self) -> None:
        ask_to_open(self, self.session)

    def _on_copy(self) -> None:
        current = self.session.state.save.folder
        start = str(current.parent) if current else ""
        folder = QFileDialog.getExistingDirectory(self, "Save work in", start)
        if folder:
            self.session.save_to(project_folder(Path(folder), current))


def ask_for_new(parent: QWidget, session: Session) -> None:
    """Ask for a name, and make a project there."""
    path, _ = QFileDialog.getSaveFileName(parent, "New project", f"project{SUFFIX}")
    if path:
        session.projects.create(Path(path))


def ask_to_open(parent: QWidget, session: Session) -> None:
    """Ask for a folder, and open the project that it is."""
    caption = f"Open project (NAME{SUFFIX})"
    folder = QFileDialog.getExistingDirectory(parent, caption)
    if folder:
        session.projects.open(Path(folder))


def project_folder(chosen: Path, current: Path | None) -> Path:
    """Return the project that a person means by a folder: that one, or a new inside."""
    if chosen.suffix == SUFFIX:
        return chosen
    return chosen / (current.name if current else f"project{SUFFIX}")
