"""The line that always says what is going on."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QElidingLabel

from napari_unet.gui.panels.panel import set_role
from napari_unet.session.state import State


class StatusLine(QWidget):
    """One line of words; all of them in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = QLabel()
        self.words = QElidingLabel()
        self.words.setElideMode(Qt.TextElideMode.ElideRight)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.mark)
        row.addWidget(self.words, 1)

    def show_state(self, state: State) -> None:
        """Say what is going on."""
        said = any(p.text == state.message for p in state.problems.values())
        # No tick while anything is wrong, whatever is said meanwhile.
        wrong = bool(state.problems) or state.save.failed
        busy = state.predicting or state.training or state.loading or not state.ready
        self.mark.setText("⚠" if wrong else "●" if busy else "✓")
        set_role(self.mark, "error" if wrong else "")
        set_role(self.words, "error" if said else "")
        self.words.setText(state.message)
        self.words.setToolTip(state.message)
