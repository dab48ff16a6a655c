"""Predict, and cancel it; the size of objects, and thresholds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QSignalBlocker, Qt, QTimer
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QGridLayout,
    QProgressBar,
    QToolButton,
    QWidget,
)
from superqt import QDoubleSlider

from napari_unet.errors import InputError
from napari_unet.gui.keys import PREDICT, SEE, hint
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import Label, Panel, SteadyText, allow, button, row
from napari_unet.instances.diameter import LEAST_DIAMETER, in_pixels
from napari_unet.session.live.live import Live
from napari_unet.session.models.status import SettingsState
from napari_unet.session.session import Session
from napari_unet.session.state import State
from napari_unet.session.status import LiveState

_LARGEST = 5000
_LARGEST_AREA = 400
_SIZE_TIP = (
    "Typical diameter of the objects. The model measures it; type another one where "
    "that is wrong, and predict again"
)
_FOREGROUND_TIP = (
    "How sure the model must be that a pixel belongs to an object. Lower: fainter and "
    "larger objects. Applied at once"
)
_PARTING_TIP = (
    "Lower: more of them are parted; higher: more stay together. Applied at once"
)
_LEAST_TIP = (
    "Least area of an object, in pixels that the model sees. What is smaller joins the "
    "object that it touches, or goes. Applied at once"
)
_COUNT_TIP = "Objects of which something is in view, with these thresholds"
_SEE_TIP = "Show how sure the model is that a pixel belongs to an object"
_LIVE_TIP = (
    "Predict what is in view whenever you move or zoom to where no prediction is yet, "
    "or another model or threshold is chosen. Predict is for the whole image"
)
_MEASURE_TIP = "Let the model measure the size again"
_RESET_TIP = "Back to the thresholds that the model came with"


class _SettingsForm(QWidget):
    """Shows what is set, and tells what a person sets."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        settings = session.settings
        self.diameter = SizeBox()
        self.diameter.valueChanged.connect(lambda n: settings.set_diameter(n or None))
        self.foreground = _Threshold(
            (0.05, 0.95),
            _FOREGROUND_TIP,
            lambda value: settings.set_thresholds(foreground=value),
        )
        self.parting = _Threshold(
            (0.0, 1.0),
            _PARTING_TIP,
            lambda value: settings.set_thresholds(parting=value),
        )
        self.least = _Threshold(
            (1, _LARGEST_AREA),
            _LEAST_TIP,
            lambda value: settings.set_thresholds(min_size=value),
            whole=True,
        )
        self.count = SteadyText("faint")
        self.seeing = QCheckBox("Map")
        self.seeing.setToolTip(hint(_SEE_TIP, SEE))
        self.seeing.clicked.connect(lambda: session.seeing.toggle())
        in_view = QWidget()
        row(self.count, self.seeing, on=in_view)
        measure, reset = partial(settings.set_diameter, None), settings.reset_thresholds
        self.measure = button("↺", _MEASURE_TIP, measure, kind=QToolButton)
        self.reset = button("↺", _RESET_TIP, reset, kind=QToolButton)
        self.warning = SteadyText("warning", lines=2)
        self._size_label = Label("Object size")
        self._parting_label = Label("Keep together")
        rows = {
            self._size_label: self.diameter,
            Label("Threshold"): self.foreground,
            self._parting_label: self.parting,
            Label("Smallest"): self.least,
            Label("In view", "faint"): in_view,
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        for place, (words, widget) in enumerate(rows.items()):
            words.setToolTip(widget.toolTip())
            grid.addWidget(words, place, 0)
            grid.addWidget(widget, place, 1)
        grid.addWidget(self.measure, 0, 2)
        grid.addWidget(self.reset, 1, 2, 3, 1)
        grid.addWidget(self.warning, len(rows), 0, 1, 3)
        grid.setColumnStretch(1, 1)

    def show_view(self, number: int | None, *, seeing: bool) -> None:
        """Show how many objects are in view, and whether the map is to be seen."""
        self.seeing.setChecked(seeing)
        words = "" if number is None else f"{number:,} object{'s' * (number != 1)}"
        self.count.show_text(words, _COUNT_TIP)

    def show_settings(self, state: SettingsState | None) -> None:
        self.setVisible(state is not None)
        if state is None:
            return
        for widget in (self._size_label, self.diameter, self.measure):
            widget.setVisible(state.knows_size)
        self.diameter.show_size(state)
        self.foreground.show_number(state.foreground)
        self.parting.show_limits(state.parting_limits)
        self.parting.show_number(state.parting)
        self.least.show_limits((1, max(_LARGEST_AREA, 2 * state.min_size)))
        self.least.show_number(state.min_size)
        tip = f"{state.parting_words} {_PARTING_TIP}"
        for widget in (self._parting_label, self.parting):
            widget.setToolTip(tip)
        self.measure.setEnabled(state.diameter is not None)
        self.reset.setEnabled(state.thresholds_moved)
        self.warning.show_text(state.warning)
        self.warning.setVisible(state.knows_size)


class _Threshold(QWidget):
    """A number to slide or to type."""

    def __init__(
        self,
        limits: tuple[float, float],
        tip: str,
        on_chosen: Callable[[float], object],
        *,
        whole: bool = False,
    ) -> None:
        super().__init__()
        self._on_chosen = on_chosen
        self._decimals = 0 if whole else 2
        self.setToolTip(tip)
        self.slider = QDoubleSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(*limits)
        unit = " px" if whole else ""
        self.box = NumberBox(*limits, decimals=self._decimals, unit=unit)
        self.box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.box.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for control in (self.slider, self.box):
            control.setSingleStep(10**-self._decimals)
            control.valueChanged.connect(self._choose)
        row(self.slider, self.box, on=self)

    def show_limits(self, limits: tuple[float, float]) -> None:
        for control in (self.slider, self.box):
            with QSignalBlocker(control):
                control.setRange(*limits)

    def show_number(self, number: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(number)
        self.box.show_number(number)

    def _choose(self, number: float) -> None:
        number = round(number, self._decimals)
        self.show_number(number)
        self._on_chosen(number)


class SizeBox(NumberBox):
    """Pixels that a person has typed, or what was measured; 0 stands for that."""

    def __init__(self) -> None:
        super().__init__(0, _LARGEST, decimals=1, unit=" px", tip=_SIZE_TIP)
        self._measured: float | None = None

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
        """Go up and down from what was measured; from nothing there is no way.

        Below the least size there is what was measured again.
        """
        if 0 < self.value() + steps * self.singleStep() < LEAST_DIAMETER:
            self.setValue(0)
        elif self.value() > 0:
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


_STEPS = 1000


class LiveBox(QWidget):
    """Switches the prediction of the view; a quiet mark says that it is at work."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self.box = QCheckBox("Live")
        self.box.toggled.connect(live.switch)
        self.mark = Label("●", "faint")
        steady(self.mark)
        row(self.box, self.mark, on=self).setSpacing(2)

    def show_live(self, state: LiveState) -> None:
        """Show whether it is on, at work, and why not."""
        with QSignalBlocker(self.box):
            self.box.setChecked(state.on)
        self.box.setToolTip(state.words or _LIVE_TIP)
        self.mark.setVisible(state.busy)


def steady(widget: QWidget) -> None:
    """Let a widget keep its place while it is hidden."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


class PredictPanel(Panel):
    """Let the model predict the chosen image."""

    title = "Prediction"
    place = "predict"

    def _build(self) -> None:
        self.predict = button(
            "Predict",
            hint("Predict the image, first what is in view", PREDICT),
            self.session.predict,
            role="primary",
        )
        self.cancel = button(
            "Cancel",
            "Stop predicting; what is there stays",
            self.session.cancel_prediction,
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        steady(self.progress)
        self.live = LiveBox(self.session.live)
        self.settings = _SettingsForm(self.session)
        self.add(self.settings)
        self.add_foot(self.predict, self.cancel, self.live, below=self.progress)

    def _render(self, state: State) -> None:
        now = state.predicting
        allow(self.predict, state.why_not_predict)
        self.cancel.setEnabled(now is not None and not state.cancelling)
        self.progress.setVisible(now is not None)
        share = now.share if now else None
        # A range of nothing makes the bar run to and fro.
        self.progress.setRange(0, _STEPS if share is not None else 0)
        self.progress.setValue(round((share or 0) * _STEPS))
        self.live.show_live(state.live)
        self.settings.show_settings(state.settings)
        self.show_heading(state.settings is not None)
        self.settings.show_view(state.in_view, seeing=state.seeing)
