"""Why nothing can be said of objects over time, where that is so."""

from __future__ import annotations

from napari_unet import tracking
from napari_unet.annotation.moment import NO_FRAMES
from napari_unet.session.state import State


def why_not_follow(state: State) -> str:
    """Return why objects cannot be followed in time, or nothing if they can."""
    if state.following.progress is not None:
        return "Objects are being followed."
    if reason := why_not_show_paths(state) or state.why_not_change:
        return reason
    if state.predicting and not state.refreshing:
        return "A prediction is going on: wait until it is complete."
    return tracking.why_missing()


def why_not_show_paths(state: State) -> str:
    """Return why no paths of objects can be shown, or nothing if they can."""
    if state.image is not None and not state.image.has_frames:
        return NO_FRAMES
    if (reason := state.why_not_measure) or state.image is None:
        return reason
    if not state.image.axes.startswith("T"):
        return "Paths are drawn where T is the first of the axes."
    return ""
