"""The box for numbers: every one in the dock and in its dialogs is one of these.

People write 18.5 or 18,5, and what they paste comes from programs of many countries:
1,234.5 or 1.234,5 or 1 234,5, with digits of their own script. What can be read in one
way only is read; what can be read in two ways is refused, in words: nothing is ever
taken for ten times or a thousand times what was meant.

A number is shown as everywhere in the program: with a point, and nothing between
thousands. While what stands in a box cannot be read, its frame says so; who leaves it
then gets the former number back, and a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from qtpy.QtCore import QLocale, QPoint, QSignalBlocker, Qt
from qtpy.QtGui import QKeyEvent, QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QToolTip

from napari_unet.errors import InputError
from napari_unet.gui.panels.panel import set_look

_MINUS = "\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019\u02bc"
# The separators of Arabic and Persian have signs of their own, and one meaning each.
_SAME = str.maketrans(
    {
        "\u066b": ".",
        "\u066c": "'",
        **dict.fromkeys(_MINUS, "-"),
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_APOSTROPHES, "'"),
    }
)
_FEW_DIGITS = 3
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([ '.,])\d{3})(?:\1\d{3})*")
_PLAIN = re.compile(r"\d+")
_ALLOWED = re.compile(r"[-+]?[\d .,']*(?:[eE][-+]?\d*)?")
_EXPONENT = re.compile(r"[eE]([-+]?\d{1,2})$")


def read_number(text: str, *, decimals: int = 15, group: str = "") -> float:
    """Return the number that a text without a unit says.

    Three digits after a separator may be thousands where there is no room for three
    `decimals`, or where the person's system puts that sign between thousands (`group`).

    Raises
    ------
    InputError
        If it is no number, or can be read in two ways.
    """
    plain, power = _without_exponent(_in_ascii(text))
    sign = -1.0 if plain.startswith("-") else 1.0
    plain = re.sub("^[-+]", "", plain).strip()
    mark, whole, rest = _cut(plain)
    if not (rest is None or not rest or _PLAIN.fullmatch(rest)) or not (whole or rest):
        raise InputError(f"{text.strip()!r} is no number; type one such as 18.5.")
    if whole and not _PLAIN.fullmatch(whole) and not _GROUPED.fullmatch(whole):
        raise InputError(f"{text.strip()!r} is no number; type one such as 18.5.")
    if _may_be_thousands(mark, whole, rest, decimals, group):
        digits = whole + (rest or "")
        shown = f"{digits} or {whole}.{rest}0"
        raise InputError(f"{text.strip()} can be read in two ways: type {shown}.")
    whole = re.sub(r"[ '.,]", "", whole)
    return sign * float(f"{whole or '0'}.{rest or '0'}e{power}")


def _without_exponent(plain: str) -> tuple[str, int]:
    """Return a number without its power of ten, such as 3 of 1.5e3, and that power."""
    found = _EXPONENT.search(plain)
    return (plain[: found.start()], int(found[1])) if found else (plain, 0)


def may_become_number(text: str) -> bool:
    """Return whether all signs of a text can be part of a number."""
    return _ALLOWED.fullmatch(_in_ascii(text)) is not None


def _in_ascii(text: str) -> str:
    """Return a text with plain digits and signs, without marks of the direction."""
    seen = "".join(each for each in text if unicodedata.category(each) != "Cf")
    digits = (
        str(unicodedata.decimal(each)) if each.isdecimal() else each for each in seen
    )
    return "".join(digits).translate(_SAME).strip()


def _cut(plain: str) -> tuple[str, str, str | None]:
    """Return the decimal separator, what is before it, and what is after it.

    Of two kinds of separators the last one is that of the decimals. One that is there
    several times is none.
    """
    marks = [each for each in plain if each in ".,"]
    if not marks:
        return "", plain, None
    last = marks[-1]
    if len(marks) > 1 and len(set(marks)) == 1:
        return "", plain, None
    whole, rest = plain.rsplit(last, 1)
    return last, whole, rest


def _may_be_thousands(
    mark: str, whole: str, rest: str | None, decimals: int, group: str
) -> bool:
    """Whether a separator before three digits may stand between thousands."""
    if not mark or rest is None or len(rest) != _FEW_DIGITS:
        return False
    if not re.fullmatch(r"[1-9]\d{0,2}", whole):
        return False
    return decimals < _FEW_DIGITS or mark == group


class NumberBox(QDoubleSpinBox):
    """A number, with or without decimals, in limits, perhaps with a unit."""

    def __init__(
        self,
        least: float = -1e12,
        most: float = 1e12,
        *,
        decimals: int = 2,
        unit: str = "",
        tip: str = "",
    ) -> None:
        super().__init__()
        # Whether a person has changed the text, and not finished yet.
        self.typing = False
        self._refusal = ""
        self.setDecimals(decimals)
        self.setRange(least, most)
        self.setSuffix(unit)
        self.setToolTip(tip)
        # What a person is still typing is no number yet.
        self.setKeyboardTracking(False)
        edit: Any = self.lineEdit()
        # Not lambdas: nobody would let go of the box that they hold.
        edit.textEdited.connect(self._begin)
        self.editingFinished.connect(self._end)

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
