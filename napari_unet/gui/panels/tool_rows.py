"""Buttons of tools, in rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_unet.annotation.edit import Tool, tools
from napari_unet.gui.keys import hint
from napari_unet.gui.panels.panel import button, row

_GAP = 4


class ToolRows(QWidget):
    """Some tools, so many in a row, of one width; those in hand stay down.

    `wanted` says which tools these are, `use` is called with the name of one, and
    `above` are widgets of a row that comes before.

    Attributes
    ----------
    buttons : dict
        Those of the tools, by the names of their edits.
    """

    def __init__(
        self,
        wanted: Callable[[Tool], bool],
        use: Callable[[str], object],
        *,
        per_row: int,
        above: Sequence[QWidget] = (),
    ) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        for name, (tool, _) in tools().items():
            if wanted(tool):
                self.buttons[name] = _button(tool, partial(use, name))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_GAP)
        made: list[QWidget] = list(self.buttons.values())
        rows = [made[first : first + per_row] for first in range(0, len(made), per_row)]
        for each in filter(None, [list(above), *rows]):
            # A widget of its own: a layout in a layout does not hear of a new style.
            side_by_side = QWidget()
            alike = tuple(range(len(each))) if each in rows else ()
            row(*each, stretch=alike, on=side_by_side).setSpacing(_GAP)
            column.addWidget(side_by_side)


def _button(tool: Tool, use: Callable[[], object]) -> QPushButton:
    made: QPushButton = button(tool.title, hint(tool.tip, tool.key), use, role="tool")
    made.setCheckable(tool.in_hand)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made
