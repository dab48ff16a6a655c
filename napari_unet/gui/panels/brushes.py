"""What the brush paints: a class, or a value of a variable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from napari_unet.annotation.change import Mark
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import Choices, Label, button, row
from napari_unet.gui.result_layers import colors_of_classes
from napari_unet.tasks.outputs import PixelClass, Variable

_COLUMNS = 2
_SWATCH = 12
_OUTLINE = "#a0a0a0"
_LIKE_THOUSANDS = 3
_VARIABLE_TIP = "The variable that the brush marks"
_VALUE_TIP = "The value that painted pixels have; erase a mark to take it back"


class ClassBrushes(QWidget):
    """One button per class, in its colour; the brush paints the one that is pressed."""

    def __init__(self, on_chosen: Callable[[int], object]) -> None:
        super().__init__()
        self._on_chosen = on_chosen
        self._shown: tuple[PixelClass, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self.buttons: list[QPushButton] = []

    def show_classes(self, classes: tuple[PixelClass, ...]) -> None:
        """Have a button for each of these classes."""
        if classes == self._shown:
            return
        self._shown = classes
        chosen = [made.isChecked() for made in self.buttons]
        for made in self.buttons:
            self._grid.removeWidget(made)
            made.setParent(None)
        self.buttons.clear()
        colors = (None, *colors_of_classes(classes))[: len(classes)]
        for number, (each, color) in enumerate(zip(classes, colors, strict=True)):
            made = self._button(number, each.name, color)
            self._grid.addWidget(made, number // _COLUMNS, number % _COLUMNS)
            self.buttons.append(made)
        if True in chosen:
            self.choose(chosen.index(True))

    def choose(self, number: int) -> None:
        """Show which class the brush paints."""
        if 0 <= number < len(self.buttons):
            self.buttons[number].setChecked(True)

    def _button(self, number: int, name: str, color: str | None) -> QPushButton:
        erases = " (the eraser does that too)" if number == 0 else ""
        tip, choose = (
            f"Paint pixels as {name}{erases}",
            partial(self._on_chosen, number),
        )
        made: QPushButton = button(name, tip, choose, role="brush")
        made.setIcon(QIcon(swatch(color)))
        made.setCheckable(True)
        made.setAutoExclusive(True)
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return made


class ValueBrush(QWidget):
    """Which variable the brush marks, and with what value."""

    def __init__(self, on_chosen: Callable[[int, float], object]) -> None:
        super().__init__()
        self._on_chosen = on_chosen
        self._shown: tuple[Variable, ...] = ()
        self.variable = Choices(_VARIABLE_TIP)
        self.variable.chosen.connect(self._on_variable)
        self.value = NumberBox(tip=_VALUE_TIP)
        self.value.valueChanged.connect(self._on_value)
        row(Label("Brush"), self.variable, self.value, stretch=(1, 2), on=self)

    @property
    def mark(self) -> Mark:
        """What the brush says."""
        return Mark(max(0, self.variable.currentIndex()), self.value.value())

    def show_variables(self, variables: tuple[Variable, ...]) -> None:
        """Let a person choose among these variables."""
        if variables == self._shown:
            return
        self._shown = variables
        self.variable.offer([(each.name, n, "") for n, each in enumerate(variables)])
        if variables:
            self._show(Mark(0, variables[0].mean))

    def show_mark(self, mark: Mark) -> None:
        """Show what the brush says, after a mark was picked in the layer."""
        digits = self.value.decimals()
        same = round(mark.value, digits) == round(self.mark.value, digits)
        if self._shown and not (same and mark.variable == self.mark.variable):
            self._show(mark)

    def _show(self, mark: Mark) -> None:
        variable = self._shown[mark.variable]
        self.variable.setCurrentIndex(mark.variable)
        with QSignalBlocker(self.value):
            self.value.setDecimals(_decimals(variable.scale))
            self.value.setSingleStep(10.0 ** -_decimals(variable.scale) * 10)
            self.value.setSuffix(f" {variable.unit}" if variable.unit else "")
            self.value.setValue(mark.value)

    def _on_variable(self, index: int) -> None:
        self._show(Mark(index, self._shown[index].mean))
        self._on_value()

    def _on_value(self, _value: float = 0.0) -> None:
        self._on_chosen(self.mark.variable, self.mark.value)


def swatch(color: str | None) -> QPixmap:
    """Return a small square of a colour; an empty one for what is transparent."""
    picture = QPixmap(_SWATCH, _SWATCH)
    picture.fill(QColor(color) if color else QColor(0, 0, 0, 0))
    if color is None:
        painter = QPainter(picture)
        painter.setPen(QPen(QColor(_OUTLINE)))
        painter.drawRect(0, 0, _SWATCH - 1, _SWATCH - 1)
        painter.end()
    return picture


def _decimals(scale: float) -> int:
    """Return how many decimals show a hundredth of how far values spread.

    Never three: they look like thousands to many.
    """
    decimals = 0
    while (scale < 100 and decimals < 9) or decimals == _LIKE_THOUSANDS:
        scale *= 10
        decimals += 1
    return decimals
