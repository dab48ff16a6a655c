"""The list of images as Qt wants it; pictures and words are made when drawn."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QImage, QPixmap

from napari_unet.session.session import Session
from napari_unet.session.thumbnails import Thumbnail
from napari_unet.session.worklist.entry import Entry

_MOST_PIXMAPS = 500


class ImageRows(QAbstractListModel):  # type: ignore[misc, unused-ignore]
    """One row for every image; a thousand cost no more than those in sight."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows = session.worklist.rows
        self._pixmaps: OrderedDict[tuple[Path, float], QPixmap] = OrderedDict()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many images there are; they have no parts."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the name of an image, or all that is to be said of it."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        entry = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.ToolTipRole:
            words = "" if entry.told else self.words(entry)
            parts = [entry.told, words, str(entry.path or "")]
            return "\n".join(filter(None, dict.fromkeys(parts)))
        return None

    def words(self, entry: Entry) -> str:
        """Return what is said of an image below its name."""
        if entry.told:
            return entry.told_in_row
        share = self._session.worklist.batch.share_of(entry.source)
        if share is not None:
            return f"predicting… {share:.0%}"
        return entry.work.in_words(self._session.images.schema)

    def picture(self, entry: Entry) -> QPixmap | None:
        """Return the small picture of an image; one that is missing is asked for."""
        if entry.path is None or entry.why_not or not entry.modified:
            return None
        key = entry.path, entry.modified
        if key not in self._pixmaps:
            made = self._session.thumbnails.get(*key)
            if made is None:
                return None
            self._pixmaps[key] = _pixmap(made)
        self._pixmaps.move_to_end(key)
        while len(self._pixmaps) > _MOST_PIXMAPS:
            self._pixmaps.popitem(last=False)
        return self._pixmaps[key]

    def reset(self) -> None:
        """Show that there are other images."""
        self.beginResetModel()
        self.endResetModel()

    def redraw(self, source: object) -> None:
        """Show that something else is known of an image."""
        place = self.rows.place(source)
        if place >= 0:
            index = self.index(place, 0)
            self.dataChanged.emit(index, index)


def _pixmap(made: Thumbnail) -> QPixmap:
    height, width = made.shape[:2]
    kind = QImage.Format.Format_Grayscale8
    if made.ndim == 3:
        kind = QImage.Format.Format_RGB888
    pixels = np.ascontiguousarray(made)
    # The image only looks at the memory; the pixmap is a copy.
    image = QImage(pixels.tobytes(), width, height, pixels.strides[0], kind)
    return QPixmap.fromImage(image)
