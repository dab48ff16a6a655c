"""The box for numbers: every one in the dock and in its dialogs is one of these.

A number is read in the same way on every system, see `napari_unet.gui.number_text`, and
shown as everywhere in the program: with a point, and nothing between thousands. While
what stands in a box cannot be read, its frame says so; who leaves it then gets the
former number back, and a sentence.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QLocale, QPoint, QSignalBlocker, Qt
from qtpy.QtGui import QKeyEvent, QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QToolTip

from napari_unet.errors import InputError
from napari_unet.gui.number_text import may_become_number, read_number
from napari_unet.gui.panels.panel import set_look


class NumberBox(QDoubleSpinBox):
    """A number, with or without decimals, in limits, perhaps with a unit.

    Attributes
    ----------
    typing : bool
        Whether a person has changed the text, and not finished yet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.typing = False
        self._refusal = ""
        # What a person is still typing is no number yet.
        self.setKeyboardTracking(False)
        self.editingFinished.connect(self._end)
        edit: Any = self.lineEdit()
        edit.textEdited.connect(self._begin)

    def read(self, text: str) -> float:
        """Return the number that a text says.

        Raises
        ------
        InputError
            If it says none, or none that is allowed here.
        """
        bare = self._without_unit(text)
        group = str(QLocale().groupSeparator())
        number = read_number(bare, decimals=self.decimals(), group=group)
        least, most = self.minimum(), self.maximum()
        if not least <= number <= most:
            limits = f"{self.textFromValue(least)} to {self.textFromValue(most)}"
            raise InputError(f"{bare} is not possible here: type {limits}.")
        if not self.decimals() and number != int(number):
            raise InputError(f"{bare} is not possible here: type a whole number.")
        return number

    def show_number(self, number: float) -> None:
        """Show a number that the program knows, unless the person is typing another."""
        if not self.typing:
            with QSignalBlocker(self):
                self.setValue(number)

    def validate(self, text: str | None, pos: int) -> Any:
        """Let a number be typed or pasted, and what may become one."""
        text, state = text or "", QValidator.State
        self._refusal = ""
        if self._is_special(text):
            return state.Acceptable, text, pos
        try:
            self.read(text)
        except InputError as error:
            self._refusal = str(error)
            possible = may_become_number(self._without_unit(text))
            return state.Intermediate if possible else state.Invalid, text, pos
        return state.Acceptable, text, pos

    def fixup(self, text: str | None) -> str:
        """Say why the former number comes back."""
        if self._refusal and self._without_unit(text or "") and self.isVisible():
            below = self.mapToGlobal(QPoint(0, self.height()))
            QToolTip.showText(below, self._refusal, self)
        return text or ""

    def valueFromText(self, text: str | None) -> float:
        """Return the number that stands in the box."""
        return self.minimum() if self._is_special(text or "") else self.read(text or "")

    def textFromValue(self, value: float) -> str:
        """Return how a number is shown."""
        return f"{value:.{self.decimals()}f}"

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Give up with Escape what is being typed."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.typing = False
            self.show_number(self.value())
            self._mark()
        super().keyPressEvent(event)

    def _begin(self) -> None:
        self.typing = True
        self._mark()

    def _end(self) -> None:
        self.typing = False
        self._mark()

    def _mark(self) -> None:
        """Let the frame say whether a number stands in the box."""
        valid = self.validate(self.text(), 0)[0] == QValidator.State.Acceptable
        set_look(self, "valid", str(valid).lower())

    def _is_special(self, text: str) -> bool:
        special = self.specialValueText()
        return bool(special) and text == special

    def _without_unit(self, text: str) -> str:
        unit, text = self.suffix().strip(), text.strip()
        while unit and text.endswith(unit):
            text = text.removesuffix(unit).strip()
        return text
