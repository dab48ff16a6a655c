"""The list of objects: what is chosen in it, by hand and from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from psygnal import Signal
from qtpy.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSize,
    Qt,
)
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_unet.gui.panels.object_rows import ObjectRows
from napari_unet.measurements.table import Measurements

_MOST_PARTS = 2_000
"""A selection in more parts than this is given up when rows move: Qt is slow then."""

_SEEN_FOR_WIDTH = 200
_AROUND_TEXT = 16
_AROUND_LINE = 6
_ROWS = 4
"""So many are in sight at least."""
_FLAG = QItemSelectionModel.SelectionFlag


class ObjectList(QTableView):  # type: ignore[misc, unused-ignore]
    """Rows of objects, sorted by the header that is clicked.

    Attributes
    ----------
    looked_at : Signal(int)
        The row of the table that a person goes to, by mouse or keys.
    selected : Signal()
        Other rows are selected, whoever did it.
    reordered : Signal()
        Rows are sorted by something else.
    """

    looked_at = Signal(int)
    selected = Signal()
    reordered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows = ObjectRows(self)
        self._quiet = False
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setWordWrap(False)
        self.setAccessibleName("Objects")
        side, top = self.verticalHeader(), self.horizontalHeader()
        if side is not None and top is not None:
            side.hide()
            side.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            top.setSectionsClickable(True)
            top.setHighlightSections(False)
            # Or it asks at each drawing of every row whether it is selected.
            top.setSelectionModel(QItemSelectionModel(self.rows, top))
            top.sectionClicked.connect(self._on_header)
        self.clicked.connect(self._on_current)
        model = self.selectionModel()
        if model is not None:
            model.currentRowChanged.connect(self._on_current)
            model.selectionChanged.connect(self._on_selected)
        self._fit_rows()

    def changeEvent(self, event: QEvent | None) -> None:
        """Be as high as the font needs, which a style or a person may change."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._fit_rows()

    @property
    def chosen(self) -> npt.NDArray[np.intp]:
        """The rows of the table that are selected."""
        model = self.selectionModel()
        parts = model.selection() if model is not None else ()
        spans = [self.rows.order[p.top() : p.bottom() + 1] for p in parts]
        return np.concatenate([np.arange(0), *spans])

    @property
    def current(self) -> int | None:
        """The row of the table on which the keyboard is."""
        index = self.currentIndex()
        return int(self.rows.order[index.row()]) if index.isValid() else None

    def minimumSizeHint(self) -> QSize:
        """Return the place for some rows below the header, and a bar below them."""
        side, top = self.verticalHeader(), self.horizontalHeader()
        bar = self.horizontalScrollBar()
        if side is None or top is None or bar is None:
            return super().minimumSizeHint()
        rows = _ROWS * side.defaultSectionSize()
        around = top.sizeHint().height() + bar.sizeHint().height()
        return QSize(200, rows + around + 2 * self.frameWidth())

    def sizeHint(self) -> QSize:
        """Return the same: who wants more, pulls it up."""
        return self.minimumSizeHint()

    def show_table(self, table: Measurements | None) -> None:
        """List another table; who was selected stays selected."""
        before = [each.title for each in self.rows.columns]
        with self._kept(table):
            self.rows.show_table(table)
        if before != [each.title for each in self.rows.columns]:
            self._fit_columns()
            self._mark_header()

    def sort_by(self, sorted_by: tuple[str, bool] | None) -> None:
        """Show the rows in another order; who was selected stays selected."""
        with self._kept(self.rows.table):
            self.rows.sort_by(sorted_by)
        self._mark_header()
        self.reordered.emit()

    def choose(self, rows: npt.NDArray[np.intp]) -> None:
        """Select rows of the table, without going to any of them."""
        places = np.flatnonzero(np.isin(self.rows.order, rows))
        with self._quietly():
            self._select(places)
            if len(places):
                self._stand_on(int(places[0]))
                self.scrollTo(self.rows.index(int(places[0]), 0))
        self.selected.emit()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Tell nobody what changes meanwhile: it was no person."""
        was, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = was

    @contextmanager
    def _kept(self, table: Measurements | None) -> Iterator[None]:
        """Select afterwards what was selected before, where rows have moved."""
        old, chosen, current = self.rows.table, self.chosen, self.current
        keys = old.keys() if old is not None else np.zeros(0, np.int64)
        order, bar = self.rows.order, self.verticalScrollBar()
        at = bar.value() if bar is not None else 0
        with self._quietly():
            yield
            if self.rows.order is not order and table is not None:
                now = table.keys()[self.rows.order]
                self._select(np.flatnonzero(np.isin(now, keys[chosen])))
                if current is not None:
                    for place in np.flatnonzero(now == keys[current]).tolist():
                        self._stand_on(place)
                if bar is not None:
                    bar.setValue(at)
        self.selected.emit()

    def _select(self, places: npt.NDArray[np.intp]) -> None:
        """Select rows by their places in the list; far too many parts select none."""
        breaks = np.flatnonzero(np.diff(places) > 1)
        first = places[np.append(0, breaks + 1)] if len(places) else places
        last = places[np.append(breaks, len(places) - 1)] if len(places) else places
        selection = QItemSelection()
        if len(first) <= _MOST_PARTS:
            right = max(0, len(self.rows.columns) - 1)
            for top, bottom in zip(first.tolist(), last.tolist(), strict=True):
                ends = self.rows.index(top, 0), self.rows.index(bottom, right)
                selection.select(*ends)
        if (model := self.selectionModel()) is not None:
            model.select(selection, _FLAG.ClearAndSelect)

    def _stand_on(self, place: int) -> None:
        """Let the arrow keys go on from a row."""
        if (model := self.selectionModel()) is not None:
            model.setCurrentIndex(self.rows.index(place, 0), _FLAG.NoUpdate)

    def _fit_columns(self) -> None:
        """Give columns the width of their titles, or of the first numbers in them."""
        metrics, seen = self.fontMetrics(), self.rows.order[:_SEEN_FOR_WIDTH]
        for number, column in enumerate(self.rows.columns):
            texts = [f"{column.title} ▲", *(column.text(int(row)) for row in seen)]
            widest = max(map(metrics.horizontalAdvance, texts))
            self.setColumnWidth(number, widest + _AROUND_TEXT)

    def _mark_header(self) -> None:
        """Show by which column rows are sorted, and how."""
        top = self.horizontalHeader()
        if top is None:
            return
        header, descending = self.rows.sorted_by or ("", False)
        number = self.rows.number_of(header)
        orders = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
        top.setSortIndicatorShown(number >= 0)
        top.setSortIndicator(number, orders[descending])

    def _fit_rows(self) -> None:
        if (side := self.verticalHeader()) is not None:
            side.setDefaultSectionSize(self.fontMetrics().lineSpacing() + _AROUND_LINE)

    def _on_header(self, section: int) -> None:
        """Sort by a column, then the other way round, then not at all."""
        header = self.rows.columns[section].header
        following: dict[tuple[str, bool] | None, tuple[str, bool] | None] = {
            (header, False): (header, True),
            (header, True): None,
        }
        self.sort_by(following.get(self.rows.sorted_by, (header, False)))

    def _on_current(self, index: QModelIndex, *_: object) -> None:
        if not self._quiet and index.isValid():
            self.looked_at.emit(int(self.rows.order[index.row()]))

    def _on_selected(self, *_: object) -> None:
        if not self._quiet:
            self.selected.emit()
