"""`napari-unet evaluate`: how well label maps match the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from rich.markup import escape
from rich.table import Table

from napari_unet import annotation, io, tasks
from napari_unet.cli.console import about, progress_bar, report, say
from napari_unet.cli.options import JsonOption, any_task, option
from napari_unet.errors import InputError
from napari_unet.io.pairing import by_stem, hint_at, list_images, name_some, stem_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.annotation.labels import LabelKind, Labels
    from napari_unet.io.labels import LabelFile
    from napari_unet.scores.report import ScoreReport

R = TypeVar("R")


def evaluate(
    truth: Annotated[Path, option("DIR", "Folder of true label maps.")],
    predicted: Annotated[Path, option("DIR", "Folder of predicted label maps.")],
    task: Annotated[
        str, option("TASK", f"What is compared: {any_task()}.")
    ] = tasks.task_names()[0],
    as_json: JsonOption = False,
) -> None:
    """Score predictions against the truth.

    For objects: the average precision TP / (TP + FP + FN) at IoU 0.50 to 0.90, its mean
    over IoU 0.50 to 0.95 (mSA), Dice, and the counts of objects found, false and
    missed. For classes: Dice of each and accuracy. For values: correlation and errors.
    Files are matched by their names.
    """
    compared = tasks.find_task(task)
    labels, scoring = compared.labels, compared.scoring
    pairs = _pair(truth, predicted, regions=labels.objects)
    with progress_bar() as progress:
        shown = progress.track(pairs, description="evaluate")
        if labels.values:
            scores = _compare_values(shown, scoring.compare)
        else:
            judged = [_are_masks(f, labels.kind) for f in zip(*pairs, strict=True)]
            scores = _compare(shown, labels.kind, judged, scoring.compare)
    found = scoring.report([stem_of(true) for true, _ in pairs], scores)
    report(found.as_json, _table_and_words(found), as_json=as_json)


def _table_and_words(found: ScoreReport) -> Iterator[str | Table]:
    table = Table(title=found.title)
    for number, heading in enumerate(found.columns):
        numbers = number >= found.numbers_from
        table.add_column(heading, justify="right" if numbers else "left")
    for row in found.rows:
        table.add_row(*map(escape, row))
    yield table
    if found.words:
        yield found.words


def _pair(truth: Path, predicted: Path, *, regions: bool) -> list[tuple[Path, Path]]:
    """Pair by name; every truth needs a prediction, more predictions are reported."""
    more = io.ROI_SUFFIXES if regions else frozenset()
    true, found = (by_stem(list_images(f, more=more)) for f in (truth, predicted))
    missing = sorted(true.keys() - found.keys())
    if missing:
        raise InputError(
            f"No prediction in {str(predicted)!r} for {name_some(missing)} of "
            f"{str(truth)!r}; predict {'it' if len(missing) == 1 else 'them'} first."
            + hint_at(missing, found.keys() - true.keys())
        )
    extra = sorted(found.keys() - true.keys())
    if extra:
        say(f"Left out, for there is no truth for them: {name_some(extra)}.")
    return [(true[stem], found[stem]) for stem in sorted(true)]


def _compare(
    pairs: Iterable[tuple[Path, Path]],
    kind: LabelKind,
    judged: list[bool | None],
    compare: Callable[[NDArray[Any], NDArray[Any]], R],
) -> list[R]:
    """Compare the label maps of every pair, and say what was made of them."""
    compared: list[R] = []
    told: list[tuple[str, Labels]] = []
    for pair in pairs:
        files = _read_both(*pair)
        found = [
            io.labels_of(f, kind, mask=m) for f, m in zip(files, judged, strict=True)
        ]
        compared.append(_named(pair[1], compare, *(each.array for each in found)))
        # Only what is said of them: the pixels of all images would not fit.
        told += [
            (str(path), replace(each, array=each.array[:0]))
            for path, each in zip(pair, found, strict=True)
        ]
    for note in annotation.tell(told):
        say(note)
    return compared


def _are_masks(paths: Iterable[Path], kind: LabelKind) -> bool | None:
    """Return whether the label maps of a folder are masks; None: each tells alone."""
    files = [path for path in paths if not io.is_roi_file(path)]
    if len(files) < 2:
        return None
    return io.are_mask_files(map(io.read_label_file, files), kind)


def _read_both(truth: Path, predicted: Path) -> tuple[LabelFile, LabelFile]:
    """Read two label maps; one of them may be regions, which have the other's size."""
    if not io.is_roi_file(predicted):
        found = io.read_label_file(predicted)
        true = io.read_label_file(truth, found.array.shape, found.axes)
    elif io.is_roi_file(truth):
        raise InputError(
            f"{str(truth)!r} and {str(predicted)!r} are both regions, which know no "
            "size of an image; give one of them as a label map."
        )
    else:
        true = io.read_label_file(truth)
        found = io.read_label_file(predicted, true.array.shape, true.axes)
    if true.array.shape != found.array.shape:
        raise InputError(
            f"{str(predicted)!r} has the shape {found.array.shape}, its truth "
            f"{str(truth)!r} has {true.array.shape}; compare label maps of the same "
            "image."
        )
    return true, found


def _compare_values(
    pairs: Iterable[tuple[Path, Path]],
    compare: Callable[[NDArray[Any], NDArray[Any]], R],
) -> list[R]:
    """Compare the values of every pair; those of one variable may lack its axis."""
    scores: list[R] = []
    for pair in pairs:
        values = [io.read_values(path) for path in pair]
        truth, predicted = (v[None] if v.ndim == 2 else v for v in values)
        scores.append(_named(pair[1], compare, truth, predicted))
    return scores


def _named(path: Path, compare: Callable[..., R], *arguments: Any) -> R:
    """Compare, and name the file where that is impossible."""
    try:
        return compare(*arguments)
    except InputError as error:
        raise InputError(about(path, str(error))) from error
