"""The way through the planes of a stack, and from there to the next image."""

from __future__ import annotations

from dataclasses import replace
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
        """Go to the next unfinished plane, or image; or to the image before."""
        if by < 0 or not self._plane_follows():
            self._session.worklist.going.step(by)

    def _plane_follows(self) -> bool:
        image, section = self._session.images.current, self._sections.in_sight
        if image is None or not section.at:
            return False
        ndim, planes = image.annotation.labels.ndim, image.annotation.planes
        if section.axes != (ndim - 2, ndim - 1):
            return False
        here = planes.number(section.at)
        following = planes.unfinished_after(here) if planes.finished(here) else None
        if following is None:
            return False
        if self._sections.half_drawn:
            # napari would go on with it in the plane that comes.
            self._session.tell(DRAWING)
            return True
        at = (*planes.place(following), *section.at[-2:])
        self._sections.look_at(replace(section, at=at))
        self._session.tell(
            f"Plane {following + 1:,} of {len(planes):,}, the next that is not "
            "verified. From an unverified plane the key leads to the next image."
        )
        return True
