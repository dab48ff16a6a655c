"""What a person must know when the window is gone: what was not saved at home."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QMessageBox


def tell_unsaved(told: Sequence[str]) -> QMessageBox | None:
    """Show a message that stays until it is read; nobody waits for it.

    Parameters
    ----------
    told : sequence of str
        Sentences; none for nothing to tell.
    """
    application = QApplication.instance()
    if not told or application is None:
        return None
    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("U-Net: not saved where it belongs")
    box.setText("\n\n".join(told))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setModal(False)
    # The window that it could belong to is going: the application keeps it alive.
    name = f"napari-unet-{id(box)}"
    setattr(application, name, box)
    box.finished.connect(lambda _: delattr(application, name))
    box.show()
    return box
