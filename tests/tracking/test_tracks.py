"""The table of tracks: from labels, without gaps, written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_unet.errors import InputError
from napari_unet.tracking import (
    Track,
    read_tracks,
    tracks_of,
    without_gaps,
    write_tracks,
)
from napari_unet.tracking.tracks import frames_of

# 7 is missing twice, and 9 comes from it.
FRAMES = np.array([[7, 5], [0, 5], [7, 0], [7, 0], [0, 0], [7, 0], [9, 0]])
TRACKS = (Track(5, 0, 1), Track(7, 0, 5), Track(9, 6, 6, parent=7))


def test_tracks_of_labels_whose_ids_follow_objects() -> None:
    known = [Track(9, 0, 0, parent=7), Track(5, 0, 1, parent=3)]
    assert tracks_of(FRAMES, known) == TRACKS
    assert tracks_of(np.zeros((2, 3), int)) == ()


def test_gaps_begin_new_tracks() -> None:
    tracks, moved = without_gaps(TRACKS, frames_of(FRAMES))
    assert tracks == (
        Track(5, 0, 1),
        Track(7, 0, 0),
        Track(9, 6, 6, parent=11),
        Track(10, 2, 3, parent=7),
        Track(11, 5, 5, parent=10),
    )
    assert moved == {(2, 7): 10, (3, 7): 10, (5, 7): 11}


def test_a_table_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_tracks(path, TRACKS)
    assert path.read_text() == "id,first,last,parent\n5,0,1,0\n7,0,5,0\n9,6,6,7\n"
    assert read_tracks(path) == TRACKS
    write_tracks(path, ())
    assert read_tracks(path) == ()


@pytest.mark.parametrize(
    "text", ["", "id,first\n1,2\n", "id,first,last,parent\n1,0,x,0\n", "\x00"]
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(InputError, match="table of tracks"):
        read_tracks(path)
    path.write_text(text)
    with pytest.raises(InputError, match="columns id, first, last, parent"):
        read_tracks(path)
