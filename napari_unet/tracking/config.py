"""How far objects go, how long they may be missing, and whether they divide."""

from __future__ import annotations

from pydantic import Field

from napari_unet.core.validation import Frozen


class TrackConfig(Frozen):
    """What is taken for one object in several frames.

    Parameters
    ----------
    farthest : float
        How far an object moves from frame to frame at most, in diameters of a circle,
        or ball, of its size. Objects that overlap may be farther apart.
    missing : int
        In how many frames in a row an object may not have been found.
    divisions : bool
        Whether objects may divide. Without, an object of two daughters goes on.
    cuts : bool
        Whether an object is cut in which two objects of the frame before lie, and two
        of one of the next, up to `missing` frames later: they were taken for one.
    """

    farthest: float = Field(1.0, gt=0, le=100)
    missing: int = Field(1, ge=0, le=100)
    divisions: bool = True
    cuts: bool = True
