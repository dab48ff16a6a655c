"""What a hand drops on a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent


def drop(stage: Any, *paths: Path) -> None:
    """Drop files and folders on the window of a stage."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    stage.viewer.window._qt_viewer.dropEvent(event)


def save(path: Path, image: np.ndarray, **options: Any) -> Path:
    """Write a TIFF, and the folder in which it lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, **options)
    return path
