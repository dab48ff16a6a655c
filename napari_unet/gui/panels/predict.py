"""Predict, and cancel it; the size of objects, and thresholds."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QToolButton,
    QWidget,
)
from superqt import QDoubleSlider

from napari_unet.errors import InputError
from napari_unet.gui.keys import PREDICT, hint
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import Panel, SteadyText, allow, button, label
from napari_unet.instances.diameter import LEAST_DIAMETER, in_pixels
from napari_unet.session.settings import Settings
from napari_unet.session.state import State
from napari_unet.session.status import SettingsState

_LARGEST = 5000
_SIZE_TIP = (
    "Typical diameter of the objects. The model measures it; type another one where "
    "that is wrong, and predict again"
)
_FOREGROUND_TIP = (
    "How sure the model must be that a pixel belongs to an object. Lower: fainter and "
    "larger objects. Applied at once"
)
_PROMINENCE_TIP = (
    "How deep the waist between two touching objects must be to part them. Lower: more "
    "of them are parted; higher: more stay together. Applied at once"
)
_MEASURE_TIP = "Let the model measure the size again"
_RESET_TIP = "Back to the thresholds that the model came with"


class SettingsForm(QWidget):
    """Shows what is set, and tells what a person sets."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.diameter = SizeBox()
        self.diameter.valueChanged.connect(self._on_diameter)
        self.foreground = Threshold(0.05, 0.95, _FOREGROUND_TIP, self._on_foreground)
        self.prominence = Threshold(0.02, 0.5, _PROMINENCE_TIP, self._on_prominence)
        self.measure = _back(_MEASURE_TIP, lambda: settings.set_diameter(None))
        self.reset = _back(_RESET_TIP, settings.reset_thresholds)
        self.warning = SteadyText("warning", lines=2)
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setVerticalSpacing(4)
        self._size_label = label("Object size")
        for row, (words, widget) in enumerate(
            (
                (self._size_label, self.diameter),
                (label("Threshold"), self.foreground),
                (label("Keep together"), self.prominence),
            )
        ):
            words.setToolTip(widget.toolTip())
            self._rows.addWidget(words, row, 0)
            self._rows.addWidget(widget, row, 1)
        self._rows.addWidget(self.measure, 0, 2)
        self._rows.addWidget(self.reset, 1, 2, 2, 1)
        self._rows.addWidget(self.warning, 3, 0, 1, 3)
        self._rows.setColumnStretch(1, 1)

    def show_settings(self, state: SettingsState | None) -> None:
        """Show what is set; nothing where nothing can be set."""
        self.setVisible(state is not None)
        if state is None:
            return
        for widget in (self._size_label, self.diameter, self.measure):
            widget.setVisible(state.knows_size)
        self.diameter.show_size(state)
        self.foreground.show_number(state.foreground)
        self.prominence.show_number(state.prominence)
        self.measure.setEnabled(state.diameter is not None)
        self.reset.setEnabled(state.thresholds_moved)
        self.warning.show_text(state.warning)
        self.warning.setVisible(state.knows_size)

    def _on_diameter(self, value: float) -> None:
        self._settings.set_diameter(value or None)

    def _on_foreground(self, value: float) -> None:
        self._settings.set_thresholds(foreground=value)

    def _on_prominence(self, value: float) -> None:
        self._settings.set_thresholds(prominence=value)


class Threshold(QWidget):
    """A number to slide or to type."""

    def __init__(
        self, least: float, most: float, tip: str, on_chosen: Callable[[float], object]
    ) -> None:
        super().__init__()
        self._on_chosen = on_chosen
        self.setToolTip(tip)
        self.slider = QDoubleSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(least, most)
        self.slider.setSingleStep(0.01)
        self.slider.valueChanged.connect(self._choose)
        self.box = NumberBox()
        self.box.setRange(least, most)
        self.box.setSingleStep(0.01)
        self.box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.box.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.box.valueChanged.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.box)

    def show_number(self, number: float) -> None:
        """Show a number that the program knows."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(number)
        self.box.show_number(number)

    def _choose(self, number: float) -> None:
        number = round(number, 2)
        self.show_number(number)
        self._on_chosen(number)


class SizeBox(NumberBox):
    """Pixels that a person has typed, or what was measured; 0 stands for that."""

    def __init__(self) -> None:
        super().__init__()
        self._measured: float | None = None
        self.setRange(0, _LARGEST)
        self.setDecimals(1)
        self.setSuffix(" px")
        self.setToolTip(_SIZE_TIP)

    def show_size(self, state: SettingsState) -> None:
        """Show the size that is used, and where it comes from."""
        self._measured = state.measured
        words = _measured(state)
        # Qt writes the box anew for it, over what a person is typing.
        if words != self.specialValueText() and not self.typing:
            self.setSpecialValueText(words)
        self.show_number(state.diameter or 0.0)

    def read(self, text: str) -> float:
        """Return the size that a text says; 0 stands for what was measured."""
        size = super().read(text)
        if 0 < size < LEAST_DIAMETER:
            raise InputError(f"Objects are {LEAST_DIAMETER} px across at least.")
        return size

    def textFromValue(self, value: float) -> str:
        """Return whole pixels without decimals."""
        return super().textFromValue(value).removesuffix(".0")

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Select what was measured, so that typing replaces it."""
        super().focusInEvent(event)
        if not self.value():
            # After the click that brought the caret here.
            QTimer.singleShot(0, self.selectAll)

    def stepBy(self, steps: int) -> None:
        """Go up and down from what was measured; from nothing there is no way."""
        if self.value() > 0:
            super().stepBy(steps)
        elif self._measured is not None:
            self.setValue(max(1, round(self._measured) + steps))


def _measured(state: SettingsState) -> str:
    if state.measured is None:
        return "auto"
    pixels = f"{in_pixels(state.measured)} px"
    if state.pixel_size is None:
        return f"{pixels} (auto)"
    width = state.measured * state.pixel_size
    return f"{pixels} = {width:.1f} µm" if width < 10 else f"{pixels} = {width:.0f} µm"


def _back(tip: str, on_click: Callable[[], object]) -> QToolButton:
    made = QToolButton()
    made.setText("↺")
    made.setToolTip(tip)

    def click() -> None:
        on_click()

    made.clicked.connect(click)
    return made


_STEPS = 1000


class PredictPanel(Panel):
    """Let the model predict the chosen image."""

    title = "Predict"
    place = "predict"

    def build(self) -> None:
        """Make the controls."""
        self.predict = button(
            "Predict",
            hint("Predict the image, first what is in view", PREDICT.shown),
            self.session.predict,
            primary=True,
        )
        self.cancel = button(
            "Cancel",
            "Stop predicting; what is there stays",
            self.session.predicting.cancel,
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.add_row(self.predict, self.cancel)
        self.add(self.progress)
        self.settings = SettingsForm(self.session.settings)
        self.add(self.settings)

    def render_state(self, state: State) -> None:
        """Show what is predicted."""
        now = state.predicting
        allow(self.predict, state.why_not_predict)
        self.cancel.setEnabled(now is not None and not state.cancelling)
        self.progress.setVisible(now is not None)
        share = now.share if now else None
        # A range of nothing makes the bar run to and fro.
        self.progress.setRange(0, _STEPS if share is not None else 0)
        self.progress.setValue(round((share or 0) * _STEPS))
        self.settings.show_settings(state.settings)
