"""Label maps from ImageJ's regions: `NAME.roi`, or `NAME.zip` of the ROI Manager."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.archive import Limits, read_zip
from napari_unet.io.memory import refuse_beyond_memory
from napari_unet.io.outlines import Loop, count_crossings, fill, window_of
from napari_unet.io.quiet import collect_log
from napari_unet.io.roi_shapes import NoAreaError, loops_of

ROI_SUFFIXES = frozenset({".roi", ".zip"})
"""Lower-case suffixes of files of regions."""

_LIMITS = Limits(members=60_000, member_bytes=2**24, total_bytes=2**27)
_MOST_WORK = 50
_FREE_WORK = 10**8
_MOST_CROSSINGS = 5 * 10**6


def is_roi_file(path: Path) -> bool:
    """Return whether a file is one of regions, by its suffix."""
    return path.suffix.lower() in ROI_SUFFIXES


def read_rois(path: str | Path, shape: tuple[int, ...]) -> LabelMap:
    """Draw the regions of a file into a label map.

    Parameters
    ----------
    path : str or Path
        A `.roi` file, or a zip file of them.
    shape : tuple of int
        Of the image that they were drawn on: Y, X.

    Returns
    -------
    ndarray of int32
        Ids count from 1 in the order of the file. Where regions overlap, the last one
        counts. What lies outside of the image is cut off.

    Raises
    ------
    InputError
        If the file is damaged, the image no plane, or a region has no area (lines,
        points), no pixel in the image, or none that is left of it.
    """
    path = Path(path)
    if len(shape) != 2:
        raise InputError(
            f"Regions of ImageJ are drawn on planes (Y, X), and the image of "
            f"{str(path)!r} has the shape {shape}; save its objects as a label map."
        )
    height, width = shape
    refuse_beyond_memory(path, 4 * height * width)
    regions = {name: _loops(path, name, data) for name, data in _read(path).items()}
    return _draw(path, regions, (height, width))


def _read(path: Path) -> dict[str, bytes]:
    try:
        if path.suffix.lower() == ".zip":
            found = read_zip(path, _LIMITS)
        elif path.stat().st_size > _LIMITS.member_bytes:
            raise InputError(f"{str(path)!r} is too large for a region; check it.")
        else:
            found = {path.name: path.read_bytes()}
    except OSError as error:
        raise InputError(
            f"Cannot read {str(path)!r}: {error.strerror or error}."
        ) from error
    others = [name for name in found if not name.lower().endswith(".roi")]
    if others or not found:
        what = f"{others[0]!r}" if others else "nothing"
        raise InputError(
            f"Expected regions of ImageJ (.roi) in {str(path)!r}, found {what}; save "
            "them in the ROI Manager (More, Save)."
        )
    return found


def _loops(path: Path, name: str, content: bytes) -> list[Loop]:
    try:
        with collect_log("roifile") as messages:
            loops = loops_of(content)
    except NoAreaError as error:
        raise InputError(
            f"The region {name!r} in {str(path)!r} is {error}, which is no object; "
            "keep outlines only (polygon, freehand, rectangle, oval)."
        ) from error
    # A damaged region can make the reader raise almost anything.
    except Exception as error:
        raise _damaged(path, name) from error
    corners = sum(map(len, loops))
    if messages or not corners or not all(np.isfinite(loop).all() for loop in loops):
        raise _damaged(path, name)
    return loops


def _damaged(path: Path, name: str) -> InputError:
    return InputError(
        f"The region {name!r} in {str(path)!r} is incomplete or damaged; save it in "
        "ImageJ again."
    )


def _draw(
    path: Path, regions: dict[str, list[Loop]], shape: tuple[int, int]
) -> LabelMap:
    labels = np.zeros(shape, np.int32)
    work, limit = 0, _FREE_WORK + _MOST_WORK * labels.size
    for number, (name, loops) in enumerate(regions.items(), start=1):
        window = window_of(loops, shape)
        crossings = count_crossings(loops, window)
        work += labels[window].size + crossings
        if work > limit or crossings > _MOST_CROSSINGS:
            raise InputError(
                f"The regions in {str(path)!r} overlap so much, or are so jagged, that "
                "drawing them would not end; check that they belong to this image."
            )
        inside = fill(loops, window)
        if not inside.any():
            raise InputError(
                f"The region {name!r} in {str(path)!r} has no pixel in the image (Y, X "
                f"{shape}); check that it belongs to this image, or delete it."
            )
        labels[window][inside] = number
    _refuse_covered(path, list(regions), labels)
    return labels


def _refuse_covered(path: Path, names: list[str], labels: LabelMap) -> None:
    left = np.bincount(labels.ravel(), minlength=len(names) + 1)[1:]
    if not left.all():
        name = names[int(np.argmin(left > 0))]
        raise InputError(
            f"The region {name!r} in {str(path)!r} is covered by later ones; delete "
            "it, or what covers it."
        )
