"""All objects of the image: in numbers, in order, and one click away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.gui.histogram import Histogram
from napari_unet.gui.panels.object_list import ObjectList
from napari_unet.gui.panels.panel import Label, Panel, SteadyText, allow, button, row
from napari_unet.session.measuring import Watcher
from napari_unet.session.state import State

_EXPORT_TIP = "Save all rows, as they are sorted now, as comma-separated values"
_MEASURING = "The objects are being measured…"
_HOW = (
    "A click goes to an object, a header sorts. At first those come that nobody has "
    "verified and of which the model is least certain."
)
_WIDTHS = (700, 330)


class ObjectsPanel(Panel):
    """A list of objects, a histogram of one column, and a file of all of it.

    What is measured is measured only while this is in sight.
    """

    title = "Objects"
    place = "objects"

    def _build(self) -> None:
        self._watcher = Watcher()
        self.list = ObjectList()
        self.list.setToolTip("")
        self.histogram = Histogram()
        self.summary = SteadyText(lines=2)
        self.export = button("Export CSV…", _EXPORT_TIP, self._on_export)
        self.hint = Label("", "faint", wrap=True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.hint)
        self.pages.addWidget(self._side_by_side())
        self._column.addWidget(self.pages, 1)
        self.list.looked_at.connect(self._on_looked_at)
        self.list.selected.connect(self._draw)
        self.list.reordered.connect(self._draw)
        self.histogram.chosen.connect(self._on_range)
        connect = self.connections.connect
        connect(self.session.measuring.changed, self._on_table)
        connect(self.bench.layers.results.brush_changed, self._on_picked)
        # Whether a label is chosen because a row is.
        self._going = False
        self._on_table()

    def _side_by_side(self) -> QSplitter:
        """Put all else beside the list: a window is wider than it is high."""
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row(self.summary, self.export))
        column.addWidget(self.histogram, 1)
        beside = QSplitter(Qt.Orientation.Horizontal)
        beside.addWidget(self.list)
        beside.addWidget(side)
        beside.setChildrenCollapsible(False)
        beside.setSizes(list(_WIDTHS))
        beside.setStretchFactor(0, 1)
        return beside

    def showEvent(self, event: QShowEvent | None) -> None:
        """Let objects be measured."""
        super().showEvent(event)
        self.session.measuring.watch(self._watcher, True)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Nobody looks at them any more."""
        super().hideEvent(event)
        self.session.measuring.watch(self._watcher, False)

    def _render(self, state: State) -> None:
        why_not = state.why_not_measure
        if not why_not and self.session.measuring.table is None:
            why_not = _MEASURING
        self.hint.setText(why_not)
        self.pages.setCurrentIndex(0 if why_not else 1)
        told = state.measured
        self.summary.show_text(told.saved or told.summary, _HOW)
        allow(self.export, why_not)

    def _on_table(self) -> None:
        self.list.show_table(self.session.measuring.table)

    def _on_looked_at(self, row: int) -> None:
        """Go to an object, and take its label in hand."""
        if (table := self.list.rows.table) is None:
            return
        self._going = True
        try:
            self.bench.layers.look_at_object(int(table["id"][row]), table.box(row))
        finally:
            self._going = False

    def _on_picked(self, label: int) -> None:
        """Show the row of the object whose label somebody has chosen elsewhere."""
        table = self.list.rows.table
        if table is None or self._going:
            return
        rows = np.flatnonzero(table["id"] == label)
        if len(rows) > 1 and (frame := self._frame_in_sight()) is not None:
            here = rows[table["frame"][rows] == frame]
            rows = here if len(here) else rows
        if len(rows):
            self.list.choose(rows[:1])

    def _frame_in_sight(self) -> int | None:
        image, box = self.session.images.current, self.bench.layers.visible_box()
        if image is None or box is None or "T" not in image.axes:
            return None
        return box.start[result_axes(image.axes).index("T")]

    def _on_range(self, low: float, high: float) -> None:
        """Select the objects whose number lies in a range; sorted, they are one piece.

        So it is as quick for a hundred thousand.
        """
        rows, number = self.list.rows, self._number()
        if rows.table is None or number is None:
            return
        column = rows.columns[number]
        if rows.sorted_by is None or rows.sorted_by[0] != column.header:
            self.list.sort_by((column.header, False))
        inside = (column.values >= low) & (column.values <= high)
        self.list.choose(np.flatnonzero(inside))

    def _number(self) -> int | None:
        """Return the column whose numbers are drawn: the one that is sorted by.

        Or else how sure the model is, or how large objects are.
        """
        rows = self.list.rows
        if rows.table is None:
            return None
        if rows.sorted_by and (number := rows.number_of(rows.sorted_by[0])) >= 0:
            return number
        unknown = bool(np.isnan(rows.table["confidence"]).all())
        names = [each.name for each in rows.columns]
        return names.index(rows.table.sized if unknown else "confidence")

    def _draw(self, *_: object) -> None:
        """Draw the numbers of a column, and which of them are selected."""
        if (number := self._number()) is not None:
            column = self.list.rows.columns[number]
            chosen = self.list.chosen
            self.histogram.show_values(column.title, column.values, chosen)

    def _on_export(self) -> None:
        image = self.session.images.current
        name = Path(image.name).stem if image is not None else "image"
        suggested = f"{name} objects.csv"
        path, _ = QFileDialog.getSaveFileName(
            self, "Export CSV", suggested, "CSV (*.csv)"
        )
        if path:
            self._export_to(Path(path))

    def _export_to(self, path: Path) -> None:
        """Save in a file with an ending that spreadsheets know."""
        if not path.suffix:
            path = path.with_suffix(".csv")
            if path.exists():  # nobody has said that it may be replaced
                told = f"{path.name} is there already: choose it, or another name."
                self.session.report("objects", InputError(told))
                return
        self.session.measuring.export(path, self.list.rows.order)
