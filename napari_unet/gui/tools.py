"""The tools of a labels layer: used on what is in sight, picked, or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet.annotation.edit import Tool, tools
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.gui.gesture import LineGesture
from napari_unet.gui.in_hand import ToolInHand

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.gui.layers import ViewerLayers
    from napari_unet.gui.sections import Sections
    from napari_unet.session.session import Session


class Tools:
    """Uses tools for a person; what is in the way is told beside their buttons.

    Attributes
    ----------
    lines : LineGesture
        The tool in hand, for those that are used with the mouse.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        layers: ViewerLayers,
        sections: Sections,
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._layers = layers
        self._sections = sections
        self._out_of_sight = False
        self._in_hand = ToolInHand(session, lambda: layers.selected_object)
        self.lines = LineGesture(viewer, layers, self._in_hand.turn)
        self.lines.drawn.connect(self._in_hand.draw)
        self.lines.boxed.connect(self._in_hand.box)

    def use(self, name: str) -> None:
        """Use a tool on what is in sight, or on the object whose label is selected.

        One that is used with the mouse is taken in hand, or put down if it is.
        """
        tool, edit = tools()[name]
        box = self._layers.visible_box()
        why_not = self._session.state.why_not_do(name)
        of_sight = tool.needs in ("view", "plane") or tool.in_hand
        self._out_of_sight = of_sight and box is None and not why_not
        if self._out_of_sight:
            why_not = self._why_nothing_in_sight(tool.title)
            if tool.in_hand:
                self._empty_hand()
            self._session.report("correct", InputError(why_not))
            return
        if tool.in_hand:
            self._take_in_hand(name, tool, why_not)
            return
        chosen: dict[str, tuple[Any, ...]] = {
            # Where there is nothing to do at all, the session says why.
            "view": (box or Box((), ()),),
            "object": (self._layers.selected_object,),
            "plane": (self._sections.in_sight, self._layers.selected_object),
            "nothing": (),
        }
        try:
            self._session.correcting.do(edit(*chosen[tool.needs]))
        except InputError as error:
            self._session.report("correct", error)

    def look_again(self) -> None:
        """Take back that nothing is in sight, when something is; call it often."""
        if self._out_of_sight and self._layers.visible_box() is not None:
            self._out_of_sight = False
            self._session.retract("correct")

    def close(self) -> None:
        """Put the tool in hand down."""
        self.lines.close()

    def _take_in_hand(self, name: str, tool: Tool, why_not: str) -> None:
        if tool.needs == "seed":
            why_not = why_not or self._session.growing.why_not()
        if why_not and name != self.lines.tool:
            self._empty_hand()
            self._session.report("correct", InputError(why_not))
            return
        self._session.retract("correct")
        self.lines.take(name, boxes=bool(tool.boxed), two_clicks=tool.two_clicks)

    def _empty_hand(self) -> None:
        """Let the mouse move the camera: who was refused a tool expects no other."""
        self.lines.put_down()
        if (layer := self._layers.labels_layer) is not None:
            layer.mode = "pan_zoom"

    def _why_nothing_in_sight(self, title: str) -> str:
        if self._viewer.dims.ndisplay != 2:
            return (
                f"{title} takes what is in sight in the 2-D view: go back to it first "
                "(Ctrl+Y)."
            )
        return (
            "Nothing of the image is in sight: bring it back first (Ctrl+R), then "
            f"{title.split()[0].lower()}."
        )
