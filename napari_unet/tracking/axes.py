"""Which axis is time."""

from __future__ import annotations

from napari_unet.errors import InputError
from napari_unet.geometry.axes import KnownAxes, axes_in_words


def in_time(known: KnownAxes) -> KnownAxes:
    """Return axes with time in them.

    Where nobody states what planes are, they are frames: who asks for tracks says so.

    Raises an InputError if there is no time.
    """
    letters = known.letters
    if "T" in letters:
        return known
    if known.origin == "guess" and "Z" in letters:
        return KnownAxes(letters.replace("Z", "T"), "guess")
    what = f"a {axes_in_words(letters)} ({letters})"
    if "Z" in letters:
        frames = letters.replace("Z", "T")
        raise InputError(
            f"Expected a time-lapse to follow objects in, found {what}; if its "
            f'sections are frames, name the axes {frames} (axes="{frames}", '
            f"--axes {frames})."
        )
    raise InputError(
        f"Expected a time-lapse to follow objects in, found {what}; give all frames "
        "in one file, or array, with an axis T."
    )
