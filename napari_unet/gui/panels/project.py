"""Where work is kept, how saving goes, and which images a project holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton
from superqt import QElidingLabel

from napari_unet.gui.panels.panel import (
    Choices,
    DismissibleNote,
    Label,
    Panel,
    SteadyText,
    entry,
    set_look,
)
from napari_unet.project.layout import SUFFIX
from napari_unet.session.state import State
from napari_unet.session.status import NOT_SAVED, ProjectImage, ProjectState, SaveState
from napari_unet.tasks import task_of

_BESIDE = "Work is kept beside each image"
_TIP = (
    "A project is a folder NAME.unet with the labels of many images, their history, "
    "and the models that learned from them. Images stay where they are."
)
_CHOOSE = ("Open an image of the project…", None, "")


class ProjectPanel(Panel):
    """Open, make and leave projects; open their images."""

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
        self.images = Choices("Images whose labels are in this project")
        self.images.chosen.connect(self._on_image)
        self.told = Label("", "error", wrap=True)
        for widget in (self.images, self.told):
            widget.hide()
        self._shown: ProjectState | None = None
        self.add_row(self.name, self.button)
        self.add(self.saved, self.failure, self.recovered, self.images, self.told)

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
        self._offer(project.images if project else ())

    def _show_saving(self, save: SaveState) -> None:
        """Say in one line how saving goes, and at length why it does not."""
        words = f"{save.text}\n{save.folder}" if save.folder else save.text
        self.saved.show_text("Not saved" if save.failed else save.text, words)
        set_look(self.saved, "role", "error" if save.failed else "faint")
        self.failure.show_text(save.text if save.failed else "")

    def _offer(self, images: tuple[ProjectImage, ...]) -> None:
        self.images.setVisible(bool(images))
        found = [(_describe(each), each.path, _explain(each)) for each in images]
        self.images.offer([_CHOOSE, *found])
        model: Any = self.images.model()
        for place, image in enumerate(images, 1):
            model.item(place).setEnabled(image.path is not None)

    def _on_image(self, path: Path | None) -> None:
        self.images.setCurrentIndex(0)
        if path is not None:
            self.bench.open_file(path)

    def _on_new(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "New project", f"project{SUFFIX}")
        if path:
            self.session.projects.create(Path(path))

    def _on_copy(self) -> None:
        current = self.session.state.save.folder
        start = str(current.parent) if current else ""
        folder = QFileDialog.getExistingDirectory(self, "Save work in", start)
        if folder:
            self.session.save_to(project_folder(Path(folder), current))

    def _on_open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, f"Open project (NAME{SUFFIX})")
        if folder:
            self.session.projects.open(Path(folder))


def project_folder(chosen: Path, current: Path | None) -> Path:
    """Return the project that a person means by a folder: that one, or a new inside."""
    if chosen.suffix == SUFFIX:
        return chosen
    return chosen / (current.name if current else f"project{SUFFIX}")


def _describe(image: ProjectImage) -> str:
    aside = task_of(image).words.aside
    task = f" ({aside})" if aside else ""
    where = "" if image.path else " · missing" if image.is_file else " · not a file"
    return f"{image.name}{task}{where}"


def _explain(image: ProjectImage) -> str:
    saved = f"Labels saved {image.saved}"
    if image.path is not None:
        return f"{saved}\n{image.path}"
    if image.is_file:
        return (
            f"{saved}. The image file was not found: put it back, or below the folder "
            "of the project. Its labels are safe."
        )
    return f"{saved}. The image was no file; open it as before, and they are here."
