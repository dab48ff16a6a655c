"""Asks what should be predicted from now on, and with which network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from napari_unet import models
from napari_unet.core.validation import first_problem
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.options_form import OptionsForm
from napari_unet.gui.panels.panel import label
from napari_unet.session.models.request import ModelRequest, NetworkRequest
from napari_unet.tasks import all_tasks, find_task
from napari_unet.tasks.outputs import RegressionLoss

if TYPE_CHECKING:
    from pydantic import BaseModel

_LOSSES: dict[RegressionLoss, str] = {
    "huber": "Huber (forgives bright outliers)",
    "mse": "Mean squared error",
    "mae": "Mean absolute error",
}
_KEEP = "The loaded one, with a new last layer"
_ABOUT_KEPT = (
    "The network keeps what it has learned of images; its last layer starts anew. "
    "Correct a little by hand, then fine-tune."
)
_ABOUT_NEW = (
    "The network knows nothing yet: it needs more corrections, and more minutes, than "
    "one that has seen images."
)
# These are chosen with the network itself.
_CHOSEN_BY_NAME = ("kind", "encoder", "dims", "residual", "attention")


class NewModelDialog(QDialog):
    """Task, names and network; OK is refused in words until they make sense.

    Parameters
    ----------
    loaded : bool
        Whether there is a model whose network can be kept.
    channels : int
        Channels of the image that is looked at.
    """

    def __init__(
        self, parent: QWidget | None = None, *, loaded: bool = True, channels: int = 1
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New model")
        self.outputs = _OutputsForm()
        self.network = _NetworkForm(loaded, channels)
        self.problem = label("", "error", wrap=True)
        self.buttons = QDialogButtonBox()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Ok)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        beside = QHBoxLayout()
        beside.setSpacing(18)
        beside.addWidget(self.outputs, 1, Qt.AlignmentFlag.AlignTop)
        beside.addWidget(self.network, 1, Qt.AlignmentFlag.AlignTop)
        below = QVBoxLayout(self)
        below.addLayout(beside)
        below.addWidget(self.problem)
        below.addWidget(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    @property
    def request(self) -> ModelRequest:
        """What was asked for."""
        outputs = self.outputs
        return ModelRequest(
            outputs.chosen_task,
            outputs.chosen_names,
            outputs.unit.text().strip(),
            outputs.low.value(),
            outputs.high.value(),
            outputs.loss.currentData(),
            self.network.request,
        )

    def accept(self) -> None:
        """Close, unless something is missing."""
        try:
            problem = self.request.problem
        except ValidationError as error:
            place, words = first_problem(error)
            problem = f"{place.replace('_', ' ').capitalize()}: {words}."
        self.problem.setText(problem)
        if not problem:
            super().accept()


class _Form(QWidget):
    """Labelled controls, some of them only shown when they are needed."""

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)

    def _set_visible(self, widget: QWidget, visible: bool) -> None:
        widget.setVisible(visible)
        if words := self._form.labelForField(widget):
            words.setVisible(visible)


class _OutputsForm(_Form):
    """What is predicted."""

    def __init__(self) -> None:
        super().__init__()
        self.task = QComboBox()
        # What is told apart by names comes first: the loaded model finds objects.
        for task in sorted(all_tasks(), key=lambda task: not task.outputs.named):
            self.task.addItem(task.words.title, task.name)
        self.names = QPlainTextEdit()
        self.names.setFixedHeight(84)
        self.unit = QLineEdit()
        self.low, self.high = _number(0), _number(1)
        self._form.addRow("Predicts", self.task)
        self._form.addRow("Names, one a line", self.names)
        self._form.addRow("Unit", self.unit)
        self._form.addRow("Usual lowest value", self.low)
        self._form.addRow("Usual highest value", self.high)
        self.loss = QComboBox()
        for loss, words in _LOSSES.items():
            self.loss.addItem(words, loss)
        self._form.addRow("Loss", self.loss)
        self.task.currentIndexChanged.connect(self._show_task)
        self._show_task()

    @property
    def chosen_task(self) -> str:
        return str(self.task.currentData())

    @property
    def chosen_names(self) -> tuple[str, ...]:
        if not find_task(self.chosen_task).outputs.named:
            return ()
        lines = (line.strip() for line in self.names.toPlainText().splitlines())
        return tuple(line for line in lines if line)

    def _show_task(self) -> None:
        """Ask only for what the task needs."""
        task = find_task(self.chosen_task)
        self.names.setPlaceholderText(task.words.example)
        self._set_visible(self.names, task.outputs.named)
        for widget in (self.unit, self.low, self.high, self.loss):
            self._set_visible(widget, task.outputs.variables)


class _NetworkForm(_Form):
    """The network: the loaded one, or a new one with its options."""

    def __init__(self, loaded: bool, channels: int) -> None:
        super().__init__()
        # Imports torch, which is there long before a person asks for a network.
        self.kind = QComboBox()
        if loaded:
            self.kind.addItem(_KEEP, None)
        for name, options in models.ARCHITECTURES.items():
            self.kind.addItem(name, options)
        self.about = label("", "faint", wrap=True)
        self.channels = NumberBox()
        self.channels.setDecimals(0)
        self.channels.setRange(1, 256)
        self.channels.setValue(channels)
        self.pixel_size = _number(0)
        self.pixel_size.setMinimum(0)
        self.pixel_size.setSuffix(" µm")
        self.pixel_size.setSpecialValueText("not known")
        self.pretrained = QCheckBox("Start with ImageNet weights (downloads them)")
        self.options: OptionsForm | None = None
        self._form.addRow("Network", self.kind)
        self._form.addRow(self.about)
        self._form.addRow("Channels", self.channels)
        self._form.addRow("Pixel size", self.pixel_size)
        self._form.addRow(self.pretrained)
        self.kind.currentIndexChanged.connect(self._show_kind)
        self._show_kind()

    @property
    def request(self) -> NetworkRequest | None:
        if self.options is None:
            return None
        architecture: Any = self.options.value
        return NetworkRequest(
            self.kind.currentText(),
            architecture,
            int(self.channels.value()),
            self.pixel_size.value() or None,
            architecture.has_pretrained and self.pretrained.isChecked(),
        )

    def _show_kind(self) -> None:
        """Show the options of the network that is chosen."""
        options: BaseModel | None = self.kind.currentData()
        for control in self.options.controls.values() if self.options else ():
            self._form.removeRow(control.native)
        self.options = OptionsForm(options, _CHOSEN_BY_NAME) if options else None
        for control in self.options.controls.values() if self.options else ():
            self._form.addRow(control.label, control.native)
        self.about.setText(_ABOUT_KEPT if options is None else _ABOUT_NEW)
        for widget in (self.channels, self.pixel_size):
            self._set_visible(widget, options is not None)
        self.pretrained.setVisible(getattr(options, "has_pretrained", False))


def _number(value: float) -> NumberBox:
    made = NumberBox()
    made.setRange(-1e12, 1e12)
    made.setDecimals(4)
    made.setValue(value)
    return made
