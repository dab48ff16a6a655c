"""What a person's actions cost, in seconds, and how unsteady the hand is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from napari_unet.geometry.maps import Mask


@dataclass(frozen=True, slots=True)
class Hand:
    """How fast a person works, and how well.

    Lengths are pixels of a screen, on which a view is `screen` pixels wide. Speeds and
    the time to search and to decide are those with which RootPainter's authors simulate
    a person (Smith et al. 2022, `trainer/tests/sim_benchmark`); the others are the
    times that it takes to press a key or to look a view over once.

    Parameters
    ----------
    brush_speed, travel_speed : float
        Of the mouse, pressed and not pressed, in pixels a second.
    search, decision : float
        Seconds to find the next mistake, and to see what it is.
    open_view, accept_view : float
        Seconds to come to a view and look it over, and to accept it.
    click : float
        Seconds for a click: to fill, to pick, to erase an object.
    screen : float
        Extent of a view on the screen.
    unsteadiness : float
        Standard deviation of a painted outline, in pixels of the screen.
    sees : float
        Overlap (IoU) from which an object looks right. Below, and above `sees_surely`,
        a mistake is seen every second time.
    sees_surely : float
        Overlap below which a mistake is seen, unless the decision is wrong.
    wrong_decision : float
        How often a mistake is left, or a right object erased.
    """

    brush_speed: float = 400.0
    travel_speed: float = 800.0
    search: float = 0.2
    decision: float = 0.2
    open_view: float = 3.0
    accept_view: float = 1.0
    click: float = 0.3
    screen: float = 800.0
    unsteadiness: float = 3.0
    sees: float = 0.85
    sees_surely: float = 0.7
    wrong_decision: float = 0.02

    def seconds_to_reach(self, distance: float) -> float:
        """Return the time to see a mistake and to go there."""
        return self.search + self.decision + distance / self.travel_speed

    def seconds_to_paint(self, mask: Mask, enlarged: float) -> float:
        """Return the time to paint over pixels, shown `enlarged` times.

        With the widest brush of 1, 2, 4, ... pixels that fits into them.
        """
        if not mask.any():
            return 0.0
        widest = 2 * float(ndi.distance_transform_edt(np.pad(mask, 1)).max())
        brush = 2.0 ** np.floor(np.log2(max(widest, 1.0)))
        length = enlarged * np.count_nonzero(mask) / brush
        return float(self.click + length / self.brush_speed)

    def painted(self, mask: Mask, enlarged: float, rng: np.random.Generator) -> Mask:
        """Return what is painted of an object: its outline goes in and out."""
        distance = ndi.distance_transform_edt(mask) - ndi.distance_transform_edt(~mask)
        wobble = ndi.gaussian_filter(rng.normal(size=mask.shape), 4)
        wobble *= self.unsteadiness / enlarged / max(float(wobble.std()), 1e-9)
        moved: Mask = distance + wobble > 0
        return moved if moved.any() else mask
