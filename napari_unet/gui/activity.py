"""What is told outside of the dock: what goes on, and what was not saved."""

from __future__ import annotations

from collections.abc import Sequence

from napari.utils import progress
from qtpy.QtCore import Qt, QThread
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_unet.session.state import State
from napari_unet.session.status import Progress

_STEPS = 1000


class Activity:
    """Bars for predicting, training, exporting and the list; main thread only."""

    def __init__(self) -> None:
        self._bars: dict[str, progress] = {}

    def show(self, state: State) -> None:
        """Show how far things are."""
        self._show("Predicting", state.predicting)
        self._show("Training", state.training)
        self._show("Exporting", state.exporting.progress)
        batch = state.worklist.batch
        share = Progress(batch.done, batch.total) if batch is not None else None
        self._show("All images", share)
        self._show("Into the project", state.worklist.bringing)

    def close(self) -> None:
        """Take the bars away."""
        for what in tuple(self._bars):
            self._show(what, None)

    def _show(self, what: str, now: Progress | None) -> None:
        bar = self._bars.get(what)
        if now is None:
            if bar is not None:
                del self._bars[what]
                bar.close()
            return
        if bar is None:
            bar = self._bars[what] = progress(total=_STEPS, desc=what)
        steps = round((now.share or 0) * _STEPS) - bar.n
        if steps > 0:
            bar.update(steps)


def tell_unsaved(told: Sequence[str], *, quitting: bool = False) -> QMessageBox | None:
    """Show sentences before the window is gone.

    Where a person closes the window, or the program ends, all waits until they are
    read. Where a script closes it, nobody may be there to read, so nothing waits.
    """
    application = QApplication.instance()
    if not told or application is None:
        return None
    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("U-Net: not saved where it belongs")
    box.setText("\n\n".join(told))
    box.setTextFormat(Qt.TextFormat.PlainText)
    if quitting or _by_a_person():
        box.exec()
        return None
    box.setModal(False)
    # The window that it could belong to is going: the application keeps it alive.
    name = f"napari-unet-{id(box)}"
    setattr(application, name, box)
    box.finished.connect(lambda _: delattr(application, name))
    box.show()
    return box


def _by_a_person() -> bool:
    """Whether this happens in the event loop, and not in a line of a script."""
    thread = QThread.currentThread()
    return thread is not None and thread.loopLevel() > 0
