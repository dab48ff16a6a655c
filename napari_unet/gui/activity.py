"""What goes on, in napari's own activity area too."""

from __future__ import annotations

from napari.utils import progress

from napari_unet.session.state import State
from napari_unet.session.status import Progress

_STEPS = 1000


class Activity:
    """One bar for predicting and one for training; main thread only."""

    def __init__(self) -> None:
        self._bars: dict[str, progress] = {}

    def show(self, state: State) -> None:
        """Show how far things are."""
        self._show("Predicting", state.predicting)
        self._show("Training", state.training)

    def close(self) -> None:
        """Take the bars away."""
        self._show("Predicting", None)
        self._show("Training", None)

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
