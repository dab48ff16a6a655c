from .axes import in_time as in_time
from .config import TrackConfig as TrackConfig
from .follow import (
    iter_track as iter_track,
    refuse_missing as refuse_missing,
    track as track,
    why_missing as why_missing,
)
from .keeping import (
    Renumbering as Renumbering,
    cut_off as cut_off,
    keep_ids as keep_ids,
)
from .paths import Paths as Paths, paths_of as paths_of
from .table import read_tracks as read_tracks, write_tracks as write_tracks
from .tracks import (
    Track as Track,
    frames_of as frames_of,
    parents_that_hold as parents_that_hold,
    tracks_of as tracks_of,
    without_gaps as without_gaps,
)
