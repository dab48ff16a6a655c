"""What the keys do in one viewer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from napari_unet.gui.keys import (
    FLIP,
    FOLLOW,
    HIDE,
    IMAGE_BEFORE,
    NEXT,
    NEXT_IMAGE,
    OUTLINES,
    PAINT_OVER,
    PREDICT,
    REDO,
    SEE,
    TRAIN,
    UNDO,
    bind_keys,
    keys_of_tools,
    release_keys,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.gui.brush import Brush
    from napari_unet.gui.hold_to_hide import HoldToHide
    from napari_unet.gui.layers import ViewerLayers
    from napari_unet.gui.next_plane import NextPlane
    from napari_unet.gui.tools import Tools
    from napari_unet.session.session import Session


class Commands:
    """Binds the keys of a viewer to what a session, its layers and tools do.

    Attributes
    ----------
    actions : dict
        What can be done without being held, by its key, bound or not.
    keys : list of str
        Those that are bound; another plugin may have had some of them before.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        layers: ViewerLayers,
        brush: Brush,
        tools: Tools,
        next_plane: NextPlane,
        hiding: HoldToHide,
    ) -> None:
        self._session = session
        self._layers = layers
        self._brush = brush
        of_tools = {key: partial(tools.use, n) for n, key in keys_of_tools().items()}
        self.actions: dict[str, Callable[[], object]] = {
            PREDICT: session.predict,
            NEXT: session.guiding.next,
            NEXT_IMAGE: partial(next_plane.step, 1),
            IMAGE_BEFORE: partial(next_plane.step, -1),
            UNDO: self._undo,
            REDO: self._redo,
            TRAIN: self._train_or_stop,
            FLIP: self._flip,
            PAINT_OVER: self._paint_over_next,
            OUTLINES: self._look_next,
            SEE: session.seeing.toggle,
            FOLLOW: session.following.start,
            **of_tools,
        }
        self.keys = bind_keys(viewer, self.actions, {HIDE: hiding.hold})

    def close(self, viewer: ViewerModel) -> None:
        """Let go of the keys, if the viewer is still there."""
        with suppress(ReferenceError):
            release_keys(viewer, self.keys)

    def _undo(self) -> None:
        if (layer := self._layers.labels_layer) is not None:
            layer.undo()

    def _redo(self) -> None:
        if (layer := self._layers.labels_layer) is not None:
            layer.redo()

    def _train_or_stop(self) -> None:
        if self._session.state.training:
            self._session.training.stop()
        else:
            self._session.finetune(self._session.state.minutes)

    def _flip(self) -> None:
        """Show the other model's labels while two are compared, else none or all."""
        if self._session.state.comparing:
            self._session.comparing.flip()
        elif (layer := self._layers.labels_layer) is not None:
            layer.visible = not layer.visible

    def _paint_over_next(self) -> None:
        over = self._brush.over.following
        self._brush.paint_over(over)
        self._session.tell(f"The brush paints over {over.value} from now on.")

    def _look_next(self) -> None:
        if (shown := self._layers.results.current) is not None:
            self._session.tell(f"Labels: {shown.look_next()}.")
