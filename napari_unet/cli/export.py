"""`napari-unet export`: a label map as a file of another program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from typer import Argument

from napari_unet import annotation, exports, io, tasks, tracking
from napari_unet.cli import outputs
from napari_unet.cli.console import about, end_with, plain, progress_bar, report, say
from napari_unet.cli.options import (
    AxesOption,
    JsonOption,
    OverwriteOption,
    any_task,
    guess_in_words,
    names_in,
    option,
)
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.images.channels import channel_count, channel_titles, names_or_colours
from napari_unet.io.pairing import stem_of
from napari_unet.project import rescue
from napari_unet.project.layout import SUFFIX

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_unet.annotation.labels import LabelKind
    from napari_unet.annotation.schema import LabelSchema
    from napari_unet.exports import Result
    from napari_unet.geometry.axes import ImageHeader, KnownAxes
    from napari_unet.images.source import ArrayImage
    from napari_unet.io.labels import LabelFile
    from napari_unet.session.status import Progress

_USUAL_TASK = tasks.task_names()[0]


def export(
    labels: Annotated[
        Path,
        Argument(
            metavar="LABELS",
            help="A label map, a file of values, or a project (NAME.unet): all of it.",
        ),
    ],
    out: Annotated[
        Path,
        option("FILE", "Where it goes, such as cells.zip; of a project, a folder."),
    ],
    format_: Annotated[
        str | None,
        option(
            "FORMAT",
            "What it becomes: fiji, csv, imagej-roi, geojson, outlines, ome-tiff, "
            "ome-zarr, ome-zarr-0.4, coco, parquet, tracks, ctc or ctc-truth; from the "
            "name of FILE where it is missing.",
            "--format",
        ),
    ] = None,
    image: Annotated[
        Path | None,
        option("IMAGE", "Its image: grey values, sizes of pixels, pictures, OME-Zarr."),
    ] = None,
    task: Annotated[
        str | None,
        option("TASK", f"What the labels are: {any_task()}; instances where missing."),
    ] = None,
    names: Annotated[
        str, option("A,B,...", "Names of classes, from 0, or of variables.")
    ] = "",
    axes: AxesOption = None,
    tracks: Annotated[
        Path | None,
        option("FILE.csv", "Its tracks: which object came from which."),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a label map as a file of another program: Fiji, QuPath, Python and others.

    For example: napari-unet export cells.tif --image a/cells.tif --out cells.geojson

    Of a project all images are written: napari-unet export study.unet --format
    fiji,csv --out results
    """
    if labels.suffix == SUFFIX and not labels.is_file():
        _refuse_for_project(
            image=image,
            task=task,
            names=names,
            axes=axes,
            tracks=tracks,
            overwrite=overwrite,
        )
        _export_project(labels, out, format_ or "fiji,csv", as_json=as_json)
        return
    if not labels.exists() and not labels.is_symlink():
        raise InputError(
            f"There is no file {str(labels)!r}; check the name and the folder."
        )
    chosen = exports.find_format(format_) if format_ else exports.format_of(out)
    schema = exports.schema_of(task or _USUAL_TASK, names_in(names))
    read = [path for path in (labels, image, tracks) if path is not None]
    outputs.refuse_replacing_inputs(read, [out])
    if not overwrite:
        outputs.refuse_existing([out])
    result = _read(labels, image, axes, schema)
    if tracks is not None:
        result = replace(result, tracks=tracking.read_tracks(tracks))
    exports.refuse_names(result)
    with outputs.output_folder(out.parent), progress_bar() as progress:
        steps = exports.iter_write(result, chosen, out, overwrite=overwrite)
        for _ in progress.track(steps, description=chosen.name):
            pass
    told = {"written": str(out), "format": chosen.name}
    report(told, [f"{out}: {chosen.title}"], as_json=as_json)


def _refuse_for_project(**options: object) -> None:
    """Refuse options that mean nothing for a project."""
    given = [f"--{name}" for name, value in options.items() if value]
    if "--overwrite" in given:
        raise InputError(
            "What an earlier export of a project wrote is replaced by itself, and what "
            "others wrote never is; leave --overwrite out."
        )
    if given:
        raise InputError(
            "A project knows its images, tasks, names and axes; leave "
            f"{' and '.join(given)} out."
        )


def _export_project(folder: Path, out: Path, formats: str, *, as_json: bool) -> None:
    # Takes half a second, and few want it.
    from napari_unet.session.export_job import ExportResults
    from napari_unet.session.export_work import SavedWork

    names = tuple(dict.fromkeys(name.strip() for name in formats.split(",")))
    for name in names:
        exports.find_format(name)
    if not folder.exists():
        raise InputError(
            f"There is no project {str(folder)!r}; check the name and the folder."
        )
    rescue.survey(folder)  # which says what is wrong with it
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{str(out)!r} lies in the project; choose another --out.")
    job = ExportResults((), (SavedWork(folder),), None, names, out)
    with outputs.output_folder(out), progress_bar() as progress:
        shown = progress.add_task("export")

        def show(now: Progress) -> None:
            progress.update(shown, completed=now.done, total=now.total or None)

        done = drain(job.run(), show)
    told = {
        "written": str(out),
        "files": done.files,
        "images": done.images,
        "notes": list(done.notes),
        "problems": list(done.problems),
    }
    words = plain(done.in_words())
    report(told, [f"{out}: {words}"] if words else [], as_json=as_json)
    end_with(done.problems)


def _read(
    path: Path, image_path: Path | None, axes: str | None, schema: LabelSchema
) -> Result:
    image = io.read_image(image_path) if image_path is not None else None
    known = io.axes_of_file(image, axes) if image is not None else None
    shape = image.shape if image is not None else None
    array, known = _read_labels(path, shape, known, axes, schema)
    if image is not None and image_path is not None:
        for note in (image.note, guess_in_words(known, image.shape)):
            _say_note(image_path, note)
    letters = known.letters
    of_labels = result_axes(letters)
    header = io.read_header(image_path or path)
    return exports.Result(
        stem_of(image_path or path),
        array,
        f"C{of_labels}" if array.ndim > len(of_labels) else of_labels,
        schema,
        image=image.array if image is not None else None,
        image_axes=letters if image is not None else of_labels,
        image_file=image_path.name if image_path is not None else "",
        channels=_titles(image, letters, header) if image is not None else (),
        pixel_size=dict(header.pixel_size),
    )


def _read_labels(
    path: Path,
    shape: tuple[int, ...] | None,
    known: KnownAxes | None,
    axes: str | None,
    schema: LabelSchema,
) -> tuple[npt.NDArray[np.generic], KnownAxes]:
    """Return labels, or values with variables first, and the axes of their image."""
    facet = tasks.task_of(schema).labels
    if shape is None or known is None:
        own = _read_own_values if facet.values else _read_own_labels
        return own(path, axes, facet.kind)
    sizes = zip(shape, known.letters, strict=True)
    expected = tuple(n for n, axis in sizes if axis != "C")
    if facet.values:
        array: npt.NDArray[np.generic] = io.read_values(path)
        found = array.shape[-len(expected) :]
    else:
        channels = channel_count(shape, known.letters)
        kept = result_axes(known.letters)
        file = io.read_label_file(path, expected, kept, channels)
        array = _told(file, facet.kind)
        found = array.shape
    if found != expected:
        raise InputError(
            f"{str(path)!r} has the shape {array.shape}, but labels of its image have "
            f"{expected}; name its own image, or say with --axes which axis is which."
        )
    return array, known


def _told(file: LabelFile, kind: LabelKind) -> npt.NDArray[np.generic]:
    """Return the labels of a file, and say what was made of them."""
    labels = io.labels_of(file, kind)
    for note in annotation.tell([("", labels)]):
        say(about(file.path, note))
    return labels.array


def _read_own_labels(
    path: Path, axes: str | None, kind: LabelKind
) -> tuple[npt.NDArray[np.generic], KnownAxes]:
    """Return labels without an image, with the axes of one."""
    if io.is_roi_file(path):
        raise InputError(
            f"{str(path)!r} holds regions, which know no size of an image; give the "
            "image that they were drawn on, with --image."
        )
    file = io.read_label_file(path)
    labels, known = _told(file, kind), io.axes_of_labels(file, axes)
    _say_note(path, guess_in_words(known, labels.shape, channels=False))
    return labels, known


def _read_own_values(
    path: Path, axes: str | None, _kind: LabelKind
) -> tuple[npt.NDArray[np.generic], KnownAxes]:
    """Return values without an image, variables first, with the axes of their file."""
    image = io.read_image(path)
    known = io.axes_of_values(image, axes)
    for note in (image.note, guess_in_words(known, image.shape)):
        _say_note(path, note)
    values = image.array.astype(np.float32)
    if "C" in known.letters:
        values = np.moveaxis(values, known.letters.index("C"), 0)
    return values, known


def _say_note(path: Path, note: str | None) -> None:
    if note:
        say(about(path, note))


def _titles(image: ArrayImage, letters: str, header: ImageHeader) -> tuple[str, ...]:
    count = channel_count(image.shape, letters)
    return channel_titles(count, names_or_colours(header.channels, letters, count))
