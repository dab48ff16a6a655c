"""Asks what should be predicted from now on, and with which network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from magicgui.widgets import create_widget
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
from napari_unet.gui.panels.panel import Label
from napari_unet.session.models.request import ModelRequest, NetworkRequest
from napari_unet.tasks import all_tasks, find_task
from napari_unet.tasks.outputs import RegressionLoss

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

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
_LABELS = {
    "base_channels": "Channels at the top",
    "blocks": "Levels",
    "depth": "Levels below the top",
    "factor": "Pixels folded, a side",
    "norm": "Normalisation",
    "upsampling": "Way up",
}
_CHOICES: dict[str, dict[str, str]] = {
    "upsampling": {"transpose": "learned", "interpolate": "smooth"},
    "norm": {"batch": "by batch", "group": "by group", "none": "none"},
    "activation": {"relu": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU"},
}


class NewModelDialog(QDialog):
    """Task, names and network; OK is refused in words until they make sense.

    A network can be kept where a model is `loaded`; a new one gets so many `channels`.
    """

    def __init__(
        self, parent: QWidget | None = None, *, loaded: bool = True, channels: int = 1
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New model")
        self.outputs = _OutputsForm()
        self.network = _NetworkForm(loaded, channels)
        self.problem = Label("", "error", wrap=True)
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
            outputs.task.currentData(),
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

    def _set_visible(self, visible: bool, *widgets: QWidget) -> None:
        for widget in widgets:
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
        self.low, self.high = NumberBox(decimals=4), NumberBox(decimals=4)
        self.high.setValue(1)
        self.loss = QComboBox()
        for loss, words in _LOSSES.items():
            self.loss.addItem(words, loss)
        self._form.addRow("Predicts", self.task)
        self._form.addRow("Names, one a line", self.names)
        self._form.addRow("Unit", self.unit)
        self._form.addRow("Usual lowest value", self.low)
        self._form.addRow("Usual highest value", self.high)
        self._form.addRow("Loss", self.loss)
        self.task.currentIndexChanged.connect(self._show_task)
        self._show_task()

    @property
    def chosen_names(self) -> tuple[str, ...]:
        if not find_task(self.task.currentData()).outputs.named:
            return ()
        lines = (line.strip() for line in self.names.toPlainText().splitlines())
        return tuple(line for line in lines if line)

    def _show_task(self) -> None:
        """Ask only for what the task needs."""
        task = find_task(self.task.currentData())
        self.names.setPlaceholderText(task.words.example)
        self._set_visible(task.outputs.named, self.names)
        values = (self.unit, self.low, self.high, self.loss)
        self._set_visible(task.outputs.variables, *values)


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
        self.about = Label("", "faint", wrap=True)
        self.channels = NumberBox(1, 256, decimals=0)
        self.channels.setValue(channels)
        self.pixel_size = NumberBox(0, decimals=4, unit=" µm")
        self.pixel_size.setSpecialValueText("not known")
        self.pretrained = QCheckBox("Start with ImageNet weights (downloads them)")
        # For the options that leave a choice, by the names of their fields.
        self.controls: dict[str, NumberControl | Any] = {}
        self._form.addRow("Network", self.kind)
        self._form.addRow(self.about)
        self._form.addRow("Channels", self.channels)
        self._form.addRow("Pixel size", self.pixel_size)
        self._form.addRow(self.pretrained)
        self.kind.currentIndexChanged.connect(self._show_kind)
        self._show_kind()

    @property
    def request(self) -> NetworkRequest | None:
        """What is asked for, None for the loaded network; or a ValidationError."""
        options: BaseModel | None = self.kind.currentData()
        if options is None:
            return None
        chosen = {name: control.value for name, control in self.controls.items()}
        architecture: Any = type(options).model_validate(
            {**options.model_dump(), **chosen}
        )
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
        for control in self.controls.values():
            self._form.removeRow(control.native)
        fields = type(options).model_fields if options is not None else {}
        self.controls = {
            name: _control(name, field, getattr(options, name))
            for name, field in fields.items()
            if name not in _CHOSEN_BY_NAME and _leaves_a_choice(field)
        }
        for control in self.controls.values():
            self._form.addRow(control.label, control.native)
        self.about.setText(_ABOUT_KEPT if options is None else _ABOUT_NEW)
        self._set_visible(options is not None, self.channels, self.pixel_size)
        self.pretrained.setVisible(getattr(options, "has_pretrained", False))


class NumberControl:
    """A number among widgets of magicgui, read as in all other boxes of the dock."""

    def __init__(self, label: str, value: float, limits: dict[str, float]) -> None:
        self.label = label
        self._kind = type(value)
        decimals, step = (4, 0.05) if self._kind is float else (0, 1)
        least, most = limits.get("min", 0.0), limits.get("max", 1e6)
        self.native = NumberBox(least, most, decimals=decimals)
        self.native.setSingleStep(step)
        self.native.setValue(value)

    @property
    def value(self) -> Any:
        """The number."""
        return self._kind(self.native.value())

    @value.setter
    def value(self, number: float) -> None:
        self.native.setValue(number)


def _leaves_a_choice(field: FieldInfo) -> bool:
    kind = field.annotation
    return get_origin(kind) is not tuple and not (
        get_origin(kind) is Literal and len(get_args(kind)) == 1
    )


def _control(name: str, field: FieldInfo, value: object) -> NumberControl | Any:
    """Return where an option is chosen, by its name, kind and limits."""
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    if field.annotation in (int, float) and isinstance(value, int | float):
        return NumberControl(label, value, _limits(field))
    options: dict[str, Any] = {}
    if get_origin(field.annotation) is Literal:
        words = _CHOICES.get(name, {})
        names = get_args(field.annotation)
        options["choices"] = [(words.get(each, str(each)), each) for each in names]
    return create_widget(
        value=value,
        name=name,
        annotation=field.annotation,
        label=label,
        options=options,
    )


def _limits(field: FieldInfo) -> dict[str, float]:
    bounds = {"ge": "min", "gt": "min", "le": "max", "lt": "max"}
    return {
        side: float(getattr(bound, kind))
        for bound in field.metadata
        for kind, side in bounds.items()
        if hasattr(bound, kind)
    }
