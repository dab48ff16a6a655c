"""The size of objects, and thresholds: what may be set about a prediction."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QDoubleSpinBox, QGridLayout, QWidget
from superqt import QLabeledDoubleSlider

from napari_unet.core.diameter import in_pixels
from napari_unet.gui.panels.panel import label
from napari_unet.session.state import TuningState
from napari_unet.session.tuning import Tuning

_LARGEST = 5000
_SIZE_TIP = (
    "Typical diameter of the objects. The model measures it; type another one where "
    "that is wrong, and predict again. 0: measure it"
)
_FOREGROUND_TIP = (
    "How sure the model must be that a pixel belongs to an object. Lower: fainter and "
    "larger objects. Applied at once"
)
_PROMINENCE_TIP = (
    "How deep the waist between two touching objects must be. Lower: more of them are "
    "split. Applied at once"
)


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
        self.diameter = QDoubleSpinBox()
        self.diameter.setRange(0, _LARGEST)
        self.diameter.setDecimals(0)
        self.diameter.setSuffix(" px")
        self.diameter.setToolTip(_SIZE_TIP)
        # Not while a person is still typing.
        self.diameter.setKeyboardTracking(False)
        self.diameter.valueChanged.connect(self._on_diameter)
        self.foreground = _slider(0.05, 0.95, _FOREGROUND_TIP)
        self.prominence = _slider(0.02, 0.5, _PROMINENCE_TIP)
        self.foreground.valueChanged.connect(self._on_foreground)
        self.prominence.valueChanged.connect(self._on_prominence)
        self.warning = label("", "error", wrap=True)
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
        self._rows.addWidget(self.warning, 3, 0, 1, 2)
        self._rows.setColumnStretch(1, 1)

    def show_tuning(self, state: TuningState | None) -> None:
        """Show what is set; nothing where nothing can be set."""
        self.setVisible(state is not None)
        if state is None:
            return
        self._size_label.setVisible(state.knows_size)
        self.diameter.setVisible(state.knows_size)
        self.diameter.setSpecialValueText(_measured(state))
        for widget, value in (
            (self.diameter, state.diameter or 0.0),
            (self.foreground, state.foreground),
            (self.prominence, state.prominence),
        ):
            with QSignalBlocker(widget):
                widget.setValue(value)
        self.warning.setText(state.warning)
        self.warning.setVisible(bool(state.warning))

    def _on_diameter(self, value: float) -> None:
        self._tuning.set_diameter(value or None)

    def _on_foreground(self, value: float) -> None:
        self._tuning.set_thresholds(foreground=round(value, 2))

    def _on_prominence(self, value: float) -> None:
        self._tuning.set_thresholds(prominence=round(value, 2))


def _measured(state: TuningState) -> str:
    if state.measured is None:
        return "measure it"
    if state.pixel_size is None:
        return f"{in_pixels(state.measured)} px (measured)"
    width = state.measured * state.pixel_size
    width_in_words = f"{width:.1f}" if width < 10 else f"{width:.0f}"
    return f"{in_pixels(state.measured)} px, {width_in_words} µm (measured)"


def _slider(least: float, most: float, tip: str) -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(least, most)
    slider.setSingleStep(0.01)  # type: ignore[arg-type]  # the stubs are of QSlider
    slider.setDecimals(2)
    slider.setToolTip(tip)
    return slider
