"""The size of objects, and thresholds: what may be set about a prediction."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QDoubleSpinBox, QGridLayout, QToolButton, QWidget
from superqt import QLabeledDoubleSlider

from napari_unet.core.diameter import in_pixels
from napari_unet.gui.panels.panel import label
from napari_unet.session.state import TuningState
from napari_unet.session.tuning import Tuning

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
    "How deep the waist between two touching objects must be. Lower: more of them are "
    "split. Applied at once"
)
_MEASURE_TIP = "Let the model measure the size again"
_RESET_TIP = "Back to the thresholds that the model came with"


class TuningForm(QWidget):
    """Shows what is set, and tells what a person sets.

    Parameters
    ----------
    tuning : Tuning
        Who is told.
    """

    def __init__(self, tuning: Tuning) -> None:
        super().__init__()
        self._tuning = tuning
        self.diameter = SizeBox()
        self.diameter.valueChanged.connect(self._on_diameter)
        self.foreground = _slider(0.05, 0.95, _FOREGROUND_TIP)
        self.prominence = _slider(0.02, 0.5, _PROMINENCE_TIP)
        self.foreground.valueChanged.connect(self._on_foreground)
        self.prominence.valueChanged.connect(self._on_prominence)
        self.measure = _back(_MEASURE_TIP, lambda: tuning.set_diameter(None))
        self.reset = _back(_RESET_TIP, tuning.reset_thresholds)
        self.warning = label("", "warning", wrap=True)
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setVerticalSpacing(4)
        self._size_label = label("Object size")
        for row, (words, widget) in enumerate(
            (
                (self._size_label, self.diameter),
                (label("Threshold"), self.foreground),
                (label("Splitting"), self.prominence),
            )
        ):
            words.setToolTip(widget.toolTip())
            self._rows.addWidget(words, row, 0)
            self._rows.addWidget(widget, row, 1)
        self._rows.addWidget(self.measure, 0, 2)
        self._rows.addWidget(self.reset, 1, 2, 2, 1)
        self._rows.addWidget(self.warning, 3, 0, 1, 3)
        self._rows.setColumnStretch(1, 1)

    def show_tuning(self, state: TuningState | None) -> None:
        """Show what is set; nothing where nothing can be set."""
        self.setVisible(state is not None)
        if state is None:
            return
        for widget in (self._size_label, self.diameter, self.measure):
            widget.setVisible(state.knows_size)
        self.diameter.show_size(state)
        for slider, value in (
            (self.foreground, state.foreground),
            (self.prominence, state.prominence),
        ):
            with QSignalBlocker(slider):
                slider.setValue(value)
        self.measure.setEnabled(state.diameter is not None)
        self.reset.setEnabled(state.thresholds_moved)
        self.warning.setText(state.warning)
        self.warning.setVisible(bool(state.warning))

    def _on_diameter(self, value: float) -> None:
        self._tuning.set_diameter(value or None)

    def _on_foreground(self, value: float) -> None:
        self._tuning.set_thresholds(foreground=round(value, 2))

    def _on_prominence(self, value: float) -> None:
        self._tuning.set_thresholds(prominence=round(value, 2))


class SizeBox(QDoubleSpinBox):
    """Pixels that a person has typed, or what was measured; 0 stands for that."""

    def __init__(self) -> None:
        super().__init__()
        self._measured: float | None = None
        self.setRange(0, _LARGEST)
        self.setDecimals(0)
        self.setSuffix(" px")
        self.setToolTip(_SIZE_TIP)
        # Not while a person is still typing.
        self.setKeyboardTracking(False)

    def show_size(self, state: TuningState) -> None:
        """Show the size that is used, and where it comes from."""
        self._measured = state.measured
        self.setSpecialValueText(_measured(state))
        with QSignalBlocker(self):
            self.setValue(state.diameter or 0.0)

    def stepBy(self, steps: int) -> None:
        """Go up and down from what was measured; from nothing there is no way."""
        if self.value() > 0:
            super().stepBy(steps)
        elif self._measured is not None:
            self.setValue(max(1, round(self._measured) + steps))


def _measured(state: TuningState) -> str:
    if state.measured is None:
        return "will be measured"
    pixels = f"{in_pixels(state.measured)} px"
    if state.pixel_size is None:
        return f"{pixels} (measured)"
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


def _slider(least: float, most: float, tip: str) -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(least, most)
    slider.setSingleStep(0.01)  # type: ignore[arg-type]  # the stubs are of QSlider
    slider.setDecimals(2)
    slider.setToolTip(tip)
    return slider
