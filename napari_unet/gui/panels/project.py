"""Where work is kept, how saving goes, and which images a project holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from qtpy.QtWidgets import QComboBox, QFileDialog, QMenu, QPushButton
from superqt import QElidingLabel

from napari_unet.gui.panels.panel import (
    DismissibleNote,
    Panel,
    SteadyText,
    label,
    set_role,
)
from napari_unet.project.layout import SUFFIX
from napari_unet.session.state import State
from napari_unet.session.status import (
    NOT_SAVED,
    ProjectImage,
    ProjectState,
    SaveState,
)
from napari_unet.tasks import task_of

_BESIDE = "Work is kept beside each image"
_TIP = (
    "A project is a folder NAME.unet with the labels of many images, their history, "
    "and the models that learned from them. Images stay where they are."
)
_CHOOSE = "Open an image of the project…"


class ProjectPanel(Panel):
    """Open, make and leave projects; open their images."""

    title = "Project"
    place = "project"
    numbered: ClassVar[bool] = False

    def build(self) -> None:
        """Make the controls."""
        self.name = QElidingLabel(_BESIDE)
        self.name.setToolTip(_TIP)
        self.menu = QMenu(self)
        self.menu.addAction("New project…", self._on_new)
        self.menu.addAction("Open project…", self._on_open)
        self.menu.addSeparator()
        self.copy: Any = self.menu.addAction(
            "Save this image's work to…", self._on_copy
        )
        self.leave: Any = self.menu.addAction("Close project", self._on_leave)
        self.button = QPushButton("Project")
        self.button.setToolTip("Make, open or close a project; save elsewhere")
        self.button.setMenu(self.menu)
        self.saved = SteadyText("faint")
        self.failure = label("", "error", wrap=True)
        self.recovered = DismissibleNote(self.session.images.dismiss_recovered)
        self.images = QComboBox()
        self.images.setToolTip("Images whose labels are in this project")
        self.images.activated.connect(self._on_image)
        self.told = label("", "error", wrap=True)
        for widget in (self.images, self.told, self.failure):
            widget.hide()
        self._shown: ProjectState | None = None
        self.add_row(self.name, self.button)
        self.add(self.saved)
        self.add(self.failure)
        self.add(self.recovered)
        self.add(self.images)
        self.add(self.told)

    def render_state(self, state: State) -> None:
        """Show the project."""
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
        set_role(self.name, "" if project else "faint")
        self.told.setText(project.told if project else "")
        self.told.setVisible(bool(project and project.told))
        self._fill(project.images if project else ())

    def _show_saving(self, save: SaveState) -> None:
        """Say in one line how saving goes, and at length why it does not."""
        words = f"{save.text}\n{save.folder}" if save.folder else save.text
        self.saved.show_text("Not saved" if save.failed else save.text, words)
        set_role(self.saved, "error" if save.failed else "faint")
        self.failure.setText(save.text if save.failed else "")
        self.failure.setVisible(save.failed)

    def _fill(self, images: tuple[ProjectImage, ...]) -> None:
        self.images.setVisible(bool(images))
        self.images.clear()
        self.images.addItem(_CHOOSE)
        for image in images:
            self.images.addItem(_describe(image), image.path)
            model: Any = self.images.model()
            item = model.item(self.images.count() - 1)
            item.setEnabled(image.path is not None)
            item.setToolTip(_explain(image))

    def _on_image(self, index: int) -> None:
        path = self.images.itemData(index)
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

    def _on_leave(self) -> None:
        self.session.projects.leave()

    def _on_open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, f"Open project (NAME{SUFFIX})")
        if folder:
            self.session.projects.open(Path(folder))


def project_folder(chosen: Path, current: Path | None) -> Path:
    """Return the project folder that a person means by choosing a folder.

    That folder if it is a project, and a new one inside otherwise.
    """
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
