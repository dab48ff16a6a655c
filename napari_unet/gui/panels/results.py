"""What leaves the program: in which formats, of which images, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_unet.exports import FORMATS
from napari_unet.exports.format import Format
from napari_unet.gui.panels.panel import (
    Label,
    Panel,
    SteadyText,
    allow,
    button,
    entry,
    row,
)
from napari_unet.session.images.status import ImageState
from napari_unet.session.state import State
from napari_unet.session.status import ExportState

_THIS_TIP = (
    "Write the results of this image, as they are now, in the chosen formats; what was "
    "exported before is replaced, what others wrote there is not"
)
_ALL_TIP = (
    "Write the results of all images: of those that are open, and of the project. "
    "Several tables are also put together in one."
)
_SHOW_TIP = "Open the folder with the results in the file manager"
_NOT_THERE = "There are no results yet: Export makes the folder."
_CHOOSE_TIP = "Let results go to a folder of your choice from now on"
_BACK_TIP = "Let results go where they belong: beside the images, or the project"
_NAMES = "Files are named after their images."
_MORE_TIP = "Formats for more programs"


class ResultsPanel(Panel):
    """Export this image or all of them; nobody is asked for names of files."""

    title = "Results"
    place = "results"

    def _build(self) -> None:
        exporting = self.session.exporting
        self.this = button(
            "Export this image", _THIS_TIP, exporting.start, role="primary"
        )
        self.all = button(
            "All images", _ALL_TIP, partial(exporting.start, everything=True)
        )
        self.stop = button(
            "Stop", "Stop exporting; written files stay", exporting.cancel
        )
        self.boxes: dict[Format, Any] = {each: self._box(each) for each in FORMATS}
        self.more = _Fold("More formats", _MORE_TIP, self._boxes(common=False))
        self.where = SteadyText("faint")
        self.show_folder = button("Show folder", _SHOW_TIP, self._on_show)
        self.told = SteadyText(lines=2)
        self.add_row(self.this, self.all, self.stop)
        self.add(self.told)
        self.add(Label("Formats", "title"), *self._boxes(common=True), self.more)
        self.add(Label("Folder", "title"), self.where)
        self.add_row(self.show_folder, self._menu())

    def _box(self, format_: Format) -> Any:
        made = button(format_.title, format_.tip, lambda: None, kind=QCheckBox)
        choose = partial(self.session.exporting.choose, format_.name)
        made.clicked.connect(lambda wanted: choose(wanted))
        return made

    def _boxes(self, *, common: bool) -> list[QWidget]:
        return [box for each, box in self.boxes.items() if each.common == common]

    def _menu(self) -> QPushButton:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        entry(menu, "Choose another folder…", _CHOOSE_TIP, self._on_choose)
        self.back = entry(
            menu,
            "Back to where results belong",
            _BACK_TIP,
            partial(self.session.exporting.choose_folder, None),
        )
        self.elsewhere = QPushButton("Change")
        self.elsewhere.setToolTip("Let results go elsewhere")
        self.elsewhere.setMenu(menu)
        return self.elsewhere

    def is_busy(self, state: State) -> bool:
        """Whether results are written."""
        return state.exporting.progress is not None

    def _render(self, state: State) -> None:
        export = state.exporting
        allow(self.this, state.why_not_export())
        allow(self.all, state.why_not_export(everything=True))
        self.stop.setEnabled(export.progress is not None)
        for each, box in self.boxes.items():
            box.setChecked(each.name in export.formats)
            allow(box, _why_not(each, state.image))
        self.more.show_count(sum(box.isChecked() for box in self._boxes(common=False)))
        self.told.show_text(_in_words(export))
        where = str(export.folder) if export.folder else ""
        self.where.show_text(_short(export.folder), where)
        allow(self.show_folder, "" if export.there else _NOT_THERE)
        allow(self.back, "" if export.chosen else "They go there already.")

    def _on_show(self) -> None:
        if (folder := self.session.state.exporting.folder) is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _on_choose(self) -> None:
        current = self.session.state.exporting.folder
        start = str(current.parent) if current else ""
        folder = QFileDialog.getExistingDirectory(self, "Results go to", start)
        if folder:
            self.session.exporting.choose_folder(Path(folder))


class _Fold(QWidget):
    """Widgets below a line that shows them, or puts them out of sight."""

    def __init__(self, title: str, tip: str, widgets: Sequence[QWidget]) -> None:
        super().__init__()
        self._title = title
        self.head = QToolButton()
        self.head.setCheckable(True)
        self.head.setAutoRaise(True)
        self.head.setToolTip(tip)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.head.toggled.connect(self._on_toggled)
        self.body = QWidget()
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(4)
        for widget in widgets:
            inner.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row(self.head, QWidget(), stretch=(1,)))
        column.addWidget(self.body)
        self._count = 0
        self._on_toggled(False)

    def show_count(self, count: int) -> None:
        """Say how many are chosen, which nobody sees while it is folded."""
        if count != self._count:
            self._count = count
            self._say()

    def _on_toggled(self, unfolded: bool) -> None:
        self.body.setVisible(unfolded)
        self._say()

    def _say(self) -> None:
        mark = "▾" if self.head.isChecked() else "▸"
        chosen = f" ({self._count} chosen)" if self._count else ""
        self.head.setText(f"{mark} {self._title}{chosen}")


def _why_not(format_: Format, image: ImageState | None) -> str:
    if image is None:
        return format_.why_missing
    return format_.why_not(image, image.axes)


def _in_words(export: ExportState) -> str:
    now = export.progress
    if now is None:
        return export.told or _NAMES
    if now.total < 2:
        return "Exporting…"
    return f"Exporting image {int(now.done) + 1:,} of {int(now.total):,}…"


def _short(folder: Path | None) -> str:
    """Return a folder with the one that it lies in: paths are long, and begin alike."""
    return f"{folder.parent.name}/{folder.name}" if folder is not None else ""
