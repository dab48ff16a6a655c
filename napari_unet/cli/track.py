"""`napari-unet track`: ids that follow objects through the frames of a label map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from napari_unet import annotation, io, tasks, tracking
from napari_unet.cli import outputs
from napari_unet.cli.console import about, counted, progress_bar, report, say
from napari_unet.cli.options import (
    AxesOption,
    JsonOption,
    OverwriteOption,
    flag,
    guess_in_words,
    option,
)
from napari_unet.core.events import FramesDone, Notice
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.geometry.maps import LabelMap
    from napari_unet.tracking import Track
    from napari_unet.weights.model import Model

TrackOption = Annotated[
    bool,
    flag(
        "--track",
        "Let ids follow objects through the frames of a time-lapse, and write "
        "DIR/<image name>_tracks.csv: from when to when they are there, and divisions.",
    ),
]

_TIFFS = (".tif", ".tiff")


def track(
    labels: Annotated[
        Path, Argument(metavar="LABELS", help="A label map of a time-lapse, TYX or so.")
    ],
    out: Annotated[Path, option("FILE.tif", "Where labels with their new ids go.")],
    tracks: Annotated[
        Path | None,
        option("FILE.csv", "Where the table of tracks goes, if it is wanted."),
    ] = None,
    axes: AxesOption = None,
    farthest: Annotated[
        float,
        option(
            "D",
            "How far objects move from frame to frame at most, in their diameters.",
            min=0.01,
            max=100,
        ),
    ] = 1.0,
    missing: Annotated[
        int,
        option(
            "N",
            "In how many frames in a row an object may not have been found.",
            min=0,
            max=100,
        ),
    ] = 1,
    divisions: Annotated[
        bool,
        flag("--divisions/--no-divisions", "Whether objects may divide."),
    ] = True,
    cuts: Annotated[
        bool,
        flag(
            "--cuts/--no-cuts",
            "Whether objects are cut that are two in the frame before and in one after "
            "it: they were taken for one.",
        ),
    ] = True,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give each object of a time-lapse one id in all frames.

    For example: napari-unet track cells.tif --out followed.tif --tracks followed.csv

    Where an object divides, its id ends and both daughters have new ones; the table
    says from which they came. It needs laptrack, which the extra "tracking" brings.
    """
    _refuse_names(labels, out, tracks, overwrite=overwrite)
    tracking.refuse_missing()
    config = tracking.TrackConfig(
        farthest=farthest, missing=missing, divisions=divisions, cuts=cuts
    )
    array, letters = _read(labels, axes)
    size = dict(io.read_header(labels).pixel_size)
    with outputs.output_folder(out.parent), progress_bar() as progress:
        shown = progress.add_task("track")

        def hear(event: FramesDone | Notice) -> None:
            if isinstance(event, Notice):
                say(about(labels, event.message))
            else:
                progress.update(shown, completed=event.done, total=event.total)

        steps = tracking.iter_track(array, letters, config, pixel_size=size)
        followed, found = drain(steps, hear)
        if tracks is not None:
            tracking.write_tracks(tracks, found)
        io.write_image(out, followed, letters, overwrite=overwrite, pixel_size=size)
    _tell(out, tracks, found, as_json=as_json)


def tracks_file(target: Path) -> Path:
    """Return where the tracks of a result go."""
    return target.with_name(f"{target.stem}_tracks.csv")


def refuse_untrackable(model: Model, *, probabilities: bool) -> None:
    """Refuse to follow what is no object."""
    tracking.refuse_missing()
    words = tasks.task_of(model.spec).words
    if probabilities or not tasks.task_of(model.spec).labels.objects:
        what = "maps of probabilities" if probabilities else words.outcome
        raise InputError(
            f"--track follows objects, and the results are {what}; leave it out."
        )


def follow(
    labels: LabelMap,
    axes: str,
    table: Path,
    pixel_size: Mapping[str, float],
    hear: Callable[[Any], object],
) -> LabelMap:
    """Return labels whose ids follow objects, and write the table of their tracks."""
    steps = tracking.iter_track(labels, axes, pixel_size=pixel_size)
    followed, tracks = drain(steps, hear)
    tracking.write_tracks(table, tracks)
    return followed


def _refuse_names(
    labels: Path, out: Path, tracks: Path | None, *, overwrite: bool
) -> None:
    """Refuse places that hold something, or whose names end otherwise."""
    if out.suffix.lower() not in _TIFFS:
        raise InputError(
            f"Expected a name that ends with .tif for --out, found {out.name!r}; "
            "labels are written as TIFF."
        )
    if tracks is not None and tracks.suffix.lower() != ".csv":
        raise InputError(
            f"Expected a name that ends with .csv for --tracks, found {tracks.name!r}: "
            "the table is a file of comma-separated values."
        )
    targets = [path for path in (out, tracks) if path is not None]
    outputs.refuse_replacing_inputs([labels], targets, "the labels themselves")
    if not overwrite:
        outputs.refuse_existing(targets)


def _read(path: Path, axes: str | None) -> tuple[LabelMap, str]:
    """Return ids, and axes with time, and say what was made of the file."""
    file = io.read_label_file(path)
    known = file.make(lambda _: tracking.in_time(io.axes_of_labels(file, axes)))
    labels = io.labels_of(replace(file, axes=known.letters), annotation.OBJECT_IDS)
    guess = guess_in_words(known, labels.array.shape, channels=False)
    for note in (guess, *annotation.tell([("", labels)])):
        if note:
            say(about(path, note))
    return labels.array, known.letters


def _tell(
    out: Path, table: Path | None, tracks: tuple[Track, ...], *, as_json: bool
) -> None:
    divided = {each.parent for each in tracks if each.parent}
    told = {
        "written": str(out),
        "tracks": str(table) if table is not None else None,
        "objects": len(tracks),
        "divisions": len(divided),
    }
    words = f"{counted(len(tracks), 'track')}, {counted(len(divided), 'division')}"
    report(told, [f"{out}: {words}"], as_json=as_json)
