"""What is said of a comparison, and how it ends."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_unet.gui.keys import FLIP
from napari_unet.gui.panels.panel import SteadyText, button, row
from napari_unet.session.models.status import Comparison
from napari_unet.session.session import Session

_FLIP_TIP = "Show the other one of the two: what is shown now, or this version"
_USE_TIP = "Predict with this version from now on; what is verified stays"
_KEEP_TIP = "Leave everything as it is (Esc)"


class CompareRow(QWidget):
    """A version beside what is shown now: flip, decide, and what differs, in words."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.flip = button(f"Flip ({FLIP})", _FLIP_TIP, session.comparing.flip)
        self.use = button("Use", _USE_TIP, self._on_use, role="primary")
        self.keep = button("Keep present", _KEEP_TIP, session.comparing.end)
        self.words = SteadyText("faint", lines=2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row(self.flip, self.use, self.keep, stretch=(0, 1, 2)))
        column.addWidget(self.words)

    def show_comparison(self, comparison: Comparison | None) -> None:
        """Show how it stands, or nothing."""
        if comparison is None:
            return
        self.flip.setEnabled(comparison.ready)
        words = comparison.words
        if comparison.ready:
            seen = comparison.name if comparison.flipped else "the present"
            words = f"You see {seen}. {words}"
        self.words.show_text(words)

    def _on_use(self) -> None:
        if (comparison := self._session.state.comparing) is not None:
            self._session.activate_version(comparison.number)
