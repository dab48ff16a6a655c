"""Objects through time: as the Cell Tracking Challenge has them, and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet import tracking
from napari_unet.core.atomic import write_folder_atomically
from napari_unet.errors import InputError
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result
from napari_unet.exports.written import files_as_noted, note_files
from napari_unet.geometry.axes import to_canonical
from napari_unet.tracking.tracks import Track, frames_of

_LARGEST_ID = int(np.iinfo(np.uint16).max)
_THREE_DIGITS = 1000


class _Names(NamedTuple):
    """What files are called in a folder of the challenge."""

    folder: str
    table: str
    mask: str


_RESULT = _Names("", "res_track.txt", "mask")
_TRUTH = _Names("TRA", "man_track.txt", "man_track")


def _write_ctc(result: Result, path: Path, names: _Names) -> Steps:
    yield
    frames = _frames(result)
    present = frames_of(frames)
    _refuse_ids_of_frames(present, len(frames))
    yield
    whole = tracking.tracks_of(frames, result.tracks)
    _refuse_parents_that_go_on(whole)
    # The challenge knows no gaps.
    tracks, moved = tracking.without_gaps(whole, present)
    if (most := max((each.id for each in tracks), default=0)) > _LARGEST_ID:
        raise InputError(
            f"{path.name}: masks of the challenge hold ids up to {_LARGEST_ID:,}, and "
            f"here is {most:,}; follow the objects anew, which numbers them from 1."
        )
    write_folder_atomically(
        path,
        partial(_fill, names=names, frames=frames, tracks=tracks, moved=moved),
        overwrite=True,
        earlier=files_as_noted(path),
    )


def _fill(
    folder: Path,
    names: _Names,
    frames: npt.NDArray[Any],
    tracks: Sequence[Track],
    moved: Mapping[tuple[int, int], int],
) -> None:
    place = folder / names.folder
    place.mkdir(exist_ok=True)
    lines = (f"{t.id} {t.first} {t.last} {t.parent}\n" for t in tracks)
    (place / names.table).write_text("".join(lines), encoding="ascii")
    digits = 3 if len(frames) <= _THREE_DIGITS else 4
    for number, frame in enumerate(frames):
        mask = frame.astype(np.uint16)
        for (moment, id_), new in moved.items():
            if moment == number:
                mask[frame == id_] = new
        file = place / f"{names.mask}{number:0{digits}}.tif"
        tifffile.imwrite(
            file, mask, compression="zlib", photometric="minisblack", metadata=None
        )
    note_files(folder)


def _write_table(result: Result, path: Path) -> Steps:
    yield
    tracking.write_tracks(path, tracking.tracks_of(_frames(result), result.tracks))


def _frames(result: Result) -> npt.NDArray[Any]:
    """Return labels with time first, and depth where there is some."""
    frames = to_canonical(result.labels, result.axes)[:, 0]
    return frames if "Z" in result.axes else frames[:, 0]


def _refuse_ids_of_frames(present: Mapping[int, Sequence[int]], frames: int) -> None:
    """Refuse ids that are others in each frame."""
    if frames > 1 and present and all(len(each) == 1 for each in present.values()):
        raise InputError(
            "No id is in more than one frame, so these ids do not follow objects; "
            "let Follow objects in the dock, napari-unet track or nu.track give them "
            "ids that do, and export those."
        )


def _refuse_parents_that_go_on(tracks: Sequence[Track]) -> None:
    last = {each.id: each.last for each in tracks}
    for each in tracks:
        if each.parent and last[each.parent] >= each.first:
            raise InputError(
                f"The object {each.id} came from {each.parent}, which is still there "
                f"in frame {last[each.parent]} (from 0), when it begins or later; "
                "correct the table of tracks, or follow the objects anew."
            )


CTC = Format(
    "ctc",
    "Cell Tracking Challenge, result",
    "A folder of masks and res_track.txt: ids that follow objects, and divisions.",
    " tracks.ctc",
    partial(_write_ctc, names=_RESULT),
    of_objects=True,
    in_time=True,
)

CTC_TRUTH = Format(
    "ctc-truth",
    "Cell Tracking Challenge, truth",
    "The same as what a result is compared with: TRA/man_track.txt and its masks.",
    ".truth.ctc",
    partial(_write_ctc, names=_TRUTH),
    of_objects=True,
    in_time=True,
)

TRACKS = Format(
    "tracks",
    "Table of tracks (CSV)",
    "A row for each object of a time-lapse: its first and last frame, and which it "
    "came from.",
    ".tracks.csv",
    _write_table,
    of_objects=True,
    in_time=True,
)
