"""The line at the foot of a dock."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QSizePolicy, QToolButton, QWidget

from napari_unet.gui.key_sheet import show_keys
from napari_unet.gui.keys import SHEET, hint
from napari_unet.gui.panels.panel import SteadyText, button, row, set_look
from napari_unet.session.state import State


class StatusLine(QWidget):
    """One line of words; all of them in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = QLabel()
        # Marks come from fonts of several heights, and what is above must not move.
        self.mark.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.words = SteadyText()
        tip = hint("What all keys do", SHEET)
        keys = button("?", tip, lambda: show_keys(self.window()), kind=QToolButton)
        row(self.mark, self.words, keys, stretch=(1,), on=self)

    def show_state(self, state: State) -> None:
        """Say what is going on."""
        said = any(p.text == state.message for p in state.problems.values())
        # No tick while anything is wrong, whatever is said meanwhile.
        wrong = bool(state.problems) or state.save.failed
        progress = state.predicting or state.training or state.exporting.progress
        busy = progress or state.loading or not state.ready
        self.mark.setText("⚠" if wrong else "●" if busy else "✓")
        set_look(self.mark, "role", "error" if wrong else "")
        set_look(self.words, "role", "error" if said else "")
        self.words.show_text(state.message)
