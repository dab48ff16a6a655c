"""The line at the foot of a dock."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QSizePolicy, QToolButton, QWidget

from napari_unet.gui.key_sheet import show_keys
from napari_unet.gui.keys import SHEET, hint
from napari_unet.gui.panels.panel import SteadyText, button, row, set_look
from napari_unet.session.state import State

_MARKS = _WRONG, _BUSY, _WELL = "⚠", "●", "✓"


class StatusLine(QWidget):
    """One line of words, all of them in the tooltip, and a mark that is theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = QLabel()
        # Marks come from fonts of several heights, and nothing must move by them.
        self.mark.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.mark.setMinimumWidth(max(map(self._width_of, _MARKS)))
        self.words = SteadyText()
        tip = hint("What all keys do", SHEET)
        keys = button("?", tip, lambda: show_keys(self.window()), kind=QToolButton)
        row(self.mark, self.words, keys, stretch=(1,), on=self)

    def show_state(self, state: State) -> None:
        """Say what is going on."""
        said = any(p.text == state.message for p in state.problems.values())
        # No tick while anything is wrong; what it is, is said where it belongs.
        wrong = bool(state.problems) or state.save.failed
        progress = state.predicting or state.training or state.exporting.progress
        busy = progress or state.loading or not state.ready
        mark = _WRONG if said else _BUSY if busy else "" if wrong else _WELL
        self.mark.setText(mark)
        for part in (self.mark, self.words):
            set_look(part, "role", "error" if said else "")
        self.words.show_text(state.message)

    def _width_of(self, mark: str) -> int:
        return int(self.mark.fontMetrics().horizontalAdvance(mark))
