"""`napari-unet measure`: the objects of label maps, in one table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from typer import Argument

from napari_unet import annotation, io, measurements
from napari_unet.cli import outputs
from napari_unet.cli.console import about, counted, progress_bar, report, say
from napari_unet.cli.named_files import expand
from napari_unet.cli.options import (
    AxesOption,
    JsonOption,
    OverwriteOption,
    guess_in_words,
    option,
)
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.images.channels import channel_count, channel_titles, names_or_colours
from napari_unet.io.pairing import by_stem, hint_at, list_images, name_some

if TYPE_CHECKING:
    from napari_unet.geometry.axes import ImageHeader
    from napari_unet.images.source import ArrayImage
    from napari_unet.io.labels import LabelFile
    from napari_unet.measurements.table import Measurements


def measure(
    labels: Annotated[
        list[str],
        Argument(
            metavar="LABELS...",
            help="Label maps, or ImageJ regions with --images; or folders.",
        ),
    ],
    out: Annotated[Path, option("FILE", "Where the table goes, such as cells.csv.")],
    images: Annotated[
        Path | None,
        option("DIR", "Folder of their images, by the same names: grey values."),
    ] = None,
    axes: AxesOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the objects of label maps: sizes, shapes, and grey values of images.

    For example: napari-unet measure labels --images plate --out cells.csv

    Writes one table of comma-separated values, a row for each object, and for each
    frame of a time-lapse. Sizes are in micrometres where files say how wide pixels are.
    """
    paths = dict.fromkeys(p for each in labels for p in _label_files(each, images))
    pairs = _pair(by_stem(paths), images)
    read = [path for pair in pairs.values() for path in pair if path is not None]
    outputs.refuse_replacing_inputs(read, [out])
    if out.suffix.lower() != ".csv":
        raise InputError(
            f"Expected a name that ends with .csv, found {out.name!r}: the table is a "
            "file of comma-separated values."
        )
    if not overwrite:
        outputs.refuse_existing([out])
    with outputs.output_folder(out.parent):
        found = _measure_all(pairs, axes)
        measurements.write_csv_of_images(out, found)
    objects = sum(len(np.unique(each["id"])) for each in found.values())
    result = {"written": str(out), "images": len(found), "objects": objects}
    words = f"{counted(objects, 'object')} in {counted(len(found), 'label map')}"
    report(result, [f"{out}: {words}"], as_json=as_json)


def _label_files(labels: str, images: Path | None) -> list[Path]:
    """Return the files that an argument names; label maps alone without images."""
    found = expand(labels, more=io.ROI_SUFFIXES)
    maps = [path for path in found if not io.is_roi_file(path)]
    return found if images is not None else maps or found


def _pair(
    labels: dict[str, Path], images: Path | None
) -> dict[str, tuple[Path, Path | None]]:
    """Return label maps by their names, each with its image if there are images."""
    if images is None:
        if regions := [p.name for p in labels.values() if io.is_roi_file(p)]:
            raise InputError(
                f"{name_some(regions)}: regions know no size of an image; "
                "give the folder of the images that they were drawn on, with --images."
            )
        return {name: (path, None) for name, path in labels.items()}
    found = by_stem(list_images(images))
    missing = sorted(labels.keys() - found.keys())
    if missing:
        raise InputError(
            f"No image in {str(images)!r} for {name_some(missing)}; give both the same "
            "name up to the suffix." + hint_at(missing, found.keys() - labels.keys())
        )
    return {name: (path, found[name]) for name, path in labels.items()}


def _measure_all(
    pairs: dict[str, tuple[Path, Path | None]], axes: str | None
) -> dict[str, Measurements]:
    """Measure one after the other, and say what was made of the files."""
    mask = _are_masks(path for path, _ in pairs.values())
    found = {}
    with progress_bar() as progress:
        shown = progress.track(pairs.items(), description="measure")
        for name, (path, image) in shown:
            found[name] = _measure_one(path, image, axes, mask=mask)
    return found


def _are_masks(paths: Iterable[Path]) -> bool | None:
    """Return whether the label maps are masks; None: a single one tells for itself."""
    files = [path for path in paths if not io.is_roi_file(path)]
    if len(files) < 2:
        return None
    return io.are_mask_files(map(io.read_label_file, files), annotation.OBJECT_IDS)


def _measure_one(
    path: Path, image_path: Path | None, axes: str | None, *, mask: bool | None
) -> Measurements:
    image = io.read_image(image_path) if image_path is not None else None
    if image is not None:
        known = io.axes_of_file(image, axes)
        sizes = zip(image.shape, known.letters, strict=True)
        shape = tuple(n for n, axis in sizes if axis != "C")
        channels = channel_count(image.shape, known.letters)
        file = io.read_label_file(path, shape, result_axes(known.letters), channels)
        _refuse_other_shape(file, shape)
    else:
        file = io.read_label_file(path)
        shape, known = file.array.shape, io.axes_of_labels(file, axes)
    labels = io.labels_of(file, annotation.OBJECT_IDS, mask=mask)
    of_image = image is not None
    guess = guess_in_words(known, image.shape if image else shape, channels=of_image)
    for note in (image and image.note, guess, *annotation.tell([("", labels)])):
        if note:
            say(about(path, note))
    header = io.read_header(image_path or path)
    return measurements.measure_objects(
        labels.array,
        known.letters,
        image=image.array if image is not None else None,
        channels=_titles(image, known.letters, header) if image is not None else (),
        spacing=header.pixel_size,
    )


def _refuse_other_shape(file: LabelFile, shape: tuple[int, ...]) -> None:
    if file.array.shape != shape:
        raise InputError(
            f"{str(file.path)!r} has the shape {file.array.shape}, but labels of its "
            f"image have {shape}; name the folder of its images, or say with --axes "
            "which axis is which."
        )


def _titles(image: ArrayImage, letters: str, header: ImageHeader) -> tuple[str, ...]:
    count = channel_count(image.shape, letters)
    return channel_titles(count, names_or_colours(header.channels, letters, count))
