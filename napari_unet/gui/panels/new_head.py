"""Asks what the loaded model should predict from now on."""

from __future__ import annotations

from typing import cast

from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from napari_unet.core.subject import Task
from napari_unet.gui.panels.panel import label
from napari_unet.session.heads import HeadWish

_TASKS: dict[str, str] = {
    "classes": "Classes of pixels",
    "regression": "Values of pixels",
    "instances": "Objects",
}
_HINTS: dict[str, str] = {
    "classes": "background\naxon\nmyelin",
    "regression": "calcium",
    "instances": "",
}
_ABOUT = (
    "The network keeps what it has learned of images; its last layer starts anew. "
    "Correct a little by hand, then fine-tune."
)


class NewHeadDialog(QDialog):
    """Task and names; OK is refused in words until they make sense."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New head")
        self.task = QComboBox()
        for task, words in _TASKS.items():
            self.task.addItem(words, task)
        self.names = QPlainTextEdit()
        self.names.setFixedHeight(84)
        self.unit = QLineEdit()
        self.low, self.high = _number(0), _number(1)
        self.problem = label("", "error", wrap=True)
        self.buttons = QDialogButtonBox()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Ok)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._form = form = QFormLayout(self)
        form.addRow(label(_ABOUT, "faint", wrap=True))
        form.addRow("Predicts", self.task)
        form.addRow("Names, one a line", self.names)
        form.addRow("Unit", self.unit)
        form.addRow("Usual lowest value", self.low)
        form.addRow("Usual highest value", self.high)
        form.addRow(self.problem)
        form.addRow(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.task.currentIndexChanged.connect(self._show_task)
        self._show_task()

    @property
    def wish(self) -> HeadWish:
        """What was asked for."""
        task = cast("Task", self.task.currentData())
        lines = (line.strip() for line in self.names.toPlainText().splitlines())
        names = tuple(line for line in lines if line)
        return HeadWish(
            task,
            () if task == "instances" else names,
            self.unit.text().strip(),
            self.low.value(),
            self.high.value(),
        )

    def accept(self) -> None:
        """Close, unless something is missing."""
        self.problem.setText(self.wish.problem)
        if not self.wish.problem:
            super().accept()

    def _show_task(self) -> None:
        """Ask only for what the task needs."""
        task = self.task.currentData()
        self.names.setPlaceholderText(_HINTS[task])
        self._set_visible(self.names, task != "instances")
        for widget in (self.unit, self.low, self.high):
            self._set_visible(widget, task == "regression")

    def _set_visible(self, widget: QWidget, visible: bool) -> None:
        widget.setVisible(visible)
        if words := self._form.labelForField(widget):
            words.setVisible(visible)


def _number(value: float) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(-1e12, 1e12)
    made.setDecimals(4)
    made.setValue(value)
    return made
