"""The table of objects as Qt wants it: rows in an order, texts when they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from napari_unet.measurements.order import Order, order_by, order_to_work_in
from napari_unet.measurements.table import Column, Measurements

_NUMBERS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_WORDS = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter


class ObjectRows(QAbstractTableModel):  # type: ignore[misc, unused-ignore]
    """The columns of a table; a text is made when somebody looks at it.

    So a hundred thousand rows cost no more than those in sight. Sorting is numpy's.

    Attributes
    ----------
    table : Measurements or None
        What is listed.
    order : ndarray of int
        The rows of the table in the order in which they are shown.
    sorted_by : (str, bool) or None
        The header of a column, and whether its largest number comes first; None for
        the order in which a person works.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table: Measurements | None = None
        self.order: Order = np.arange(0)
        self.sorted_by: tuple[str, bool] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in their order."""
        return self.table.columns if self.table is not None else ()

    def number_of(self, header: str) -> int:
        """Return the number of a column, -1 if there is none."""
        found = [n for n, each in enumerate(self.columns) if each.header == header]
        return found[0] if found else -1

    def show_table(self, table: Measurements | None) -> None:
        """List another table, in the order of before."""
        before, was = self.table, self.order
        order = self._ordered(table)
        if before and table and _alike(before, was, table, order):
            # Nothing moves, and nothing is selected anew.
            self.table, self.order = table, was
            last = self.index(len(order) - 1, len(table.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self.table, self.order = table, order
        self.endResetModel()

    def sort_by(self, sorted_by: tuple[str, bool] | None) -> None:
        """Show the rows in another order."""
        self.beginResetModel()
        self.sorted_by = sorted_by
        self.order = self._ordered(self.table)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many objects there are; they have no parts."""
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many numbers there are of each."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a number as it is shown, and where in its cell it stands."""
        if not index.isValid():
            return None
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(int(self.order[index.row()]))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _WORDS if column.values.dtype == bool else _NUMBERS
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return name and unit of a column, and what it is."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        return column.about if role == Qt.ItemDataRole.ToolTipRole else None

    def _ordered(self, table: Measurements | None) -> Order:
        if table is None:
            return np.arange(0)
        header, descending = self.sorted_by or ("", False)
        for column in table.columns:
            if column.header == header:
                return order_by(column.values, descending=descending)
        return order_to_work_in(table)


def _alike(one: Measurements, was: Order, other: Measurements, now: Order) -> bool:
    """Whether tables have the same columns, and the same objects in the same rows."""
    headers = [[each.title for each in table.columns] for table in (one, other)]
    same = headers[0] == headers[1] and np.array_equal(was, now)
    return same and np.array_equal(one.keys(), other.keys())
