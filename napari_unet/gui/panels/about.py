"""What a model is for, and what not, to read at leisure."""

from __future__ import annotations

from html import escape

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from napari_unet.session.status import ModelState

_WIDTH, _HEIGHT = 440, 520


class AboutModel(QDialog):
    """Shows the card of a model; its words can be copied.

    Parameters
    ----------
    parent : QWidget
        Beside what it is shown.
    model : ModelState
        The model.
    """

    def __init__(self, parent: QWidget, model: ModelState) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"About {model.name}")
        self.words = QTextBrowser()
        self.words.setHtml(card_html(model))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(buttons)
        self.resize(_WIDTH, _HEIGHT)


def card_html(model: ModelState) -> str:
    """Return the card of a model with headings; nothing in it is taken for HTML."""
    return "".join(
        f"<p><b>{escape(heading)}</b><br>{escape(text)}</p>"
        for heading, text in model.card
    )
