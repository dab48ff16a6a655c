"""Hear that the view moves, and have it looked at when it has come to rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_unet.gui.connections import Connections, single_shot
from napari_unet.session.live.live import REST_SECONDS

if TYPE_CHECKING:
    from napari.components import ViewerModel

# The clock of the session is another one than Qt's.
_REST_MS = round(1000 * REST_SECONDS) + 10


class ViewWatch:
    """Tells of every movement of the camera and the sliders, and of their rest."""

    def __init__(
        self,
        viewer: ViewerModel,
        moved: Callable[[], object],
        at_rest: Callable[[], object],
        parent: QObject,
    ) -> None:
        self._moved = moved
        self._timer = single_shot(at_rest, _REST_MS, parent)
        self._connections = Connections()
        # Where the camera belongs since napari 0.9.
        camera = getattr(viewer, "scene", viewer).camera
        for signal in (
            camera.events.center,
            camera.events.zoom,
            viewer.dims.events.current_step,
            viewer.dims.events.ndisplay,
        ):
            self._connections.connect(signal, self._on_moved)

    def again(self) -> None:
        """Tell once more in a moment."""
        self._timer.start()

    def close(self) -> None:
        """Hear nothing more."""
        self._timer.stop()
        self._connections.close()

    def _on_moved(self) -> None:
        self._moved()
        self._timer.start()
