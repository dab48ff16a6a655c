"""A sheet of all keys, ours and those of napari that one corrects with."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from napari_unet.gui.keys import SHEET, Group, sheet

_GAP = 24


class KeySheet(QDialog):
    """Shows what keys do; the window behind it can still be used."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        first, tools, others = sheet()
        side_by_side = QHBoxLayout()
        side_by_side.setSpacing(_GAP)
        for groups in ((first, others), (tools,)):
            words = QLabel("".join(map(_table, groups)))
            words.setAlignment(Qt.AlignmentFlag.AlignTop)
            side_by_side.addWidget(words)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        outer = QVBoxLayout(self)
        outer.addLayout(side_by_side)
        outer.addWidget(buttons)


def show_keys(window: QWidget | None) -> None:
    """Bring the sheet of a window into sight; it has one."""
    if window is None:
        return
    found = window.findChild(KeySheet) or KeySheet(window)
    found.show()
    found.raise_()


def show_keys_by_key(window: QWidget) -> QShortcut:
    """Let the key bring the sheet of a window into sight, wherever the keyboard is."""
    shortcut = QShortcut(QKeySequence(SHEET), window)
    shortcut.activated.connect(lambda: show_keys(window))
    return shortcut


def _table(group: Group) -> str:
    """Return keys and what they do as HTML."""
    rows = (
        f"<tr><td><b>{escape(key)}</b></td><td>&nbsp;&nbsp;{escape(words)}</td></tr>"
        for key, words in group.keys
    )
    title = f"<p><b>{escape(group.title)}</b></p>"
    return f"{title}<table cellpadding='2'>{''.join(rows)}</table>"
