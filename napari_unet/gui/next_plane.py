"""The way through the planes of a stack, and from there to the next image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.session.guiding import DRAWING

if TYPE_CHECKING:
    from napari_unet.gui.sections import Sections
    from napari_unet.session.session import Session


class NextPlane:
    """Goes on from a plane that is finished to one that is not, or to another image.

    Who leaves a plane unfinished does not want them all: the next one is the next
    image.
    """

    def __init__(self, session: Session, sections: Sections) -> None:
        self._session = session
        self._sections = sections

    def step(self, by: int) -> None:
        """Go to the next unfinished plane, or image; or to the one before."""
        if not self._plane_follows(by):
            self._session.worklist.going.step(by)

    def _plane_follows(self, by: int) -> bool:
        image, here = self._session.images.current, self._sections.number
        if image is None or here is None:
            return False
        planes = image.annotation.planes
        if not planes.finished(here):
            return False
        look = planes.unfinished_after if by > 0 else planes.unfinished_before
        following = look(here)
        if following is None:
            return False
        if self._sections.half_drawn:
            # napari would go on with it in the plane that comes.
            self._session.tell(DRAWING)
            return True
        self._sections.go_to(following)
        which = "the next" if by > 0 else "the nearest before"
        self._session.tell(
            f"Plane {following + 1:,} of {len(planes):,}, {which} that is not "
            "verified. From an unverified plane the key leads to another image."
        )
        return True
