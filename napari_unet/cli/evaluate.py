"""`napari-unet evaluate`: how well label maps match the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from napari_unet import annotation, io, scores
from napari_unet.cli.console import (
    JsonOption,
    about,
    print_json,
    print_result,
    progress_bar,
    say,
)
from napari_unet.errors import InputError
from napari_unet.io.pairing import by_stem, hint_at, list_images, name_some, stem_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.progress import Progress

    from napari_unet.annotation.labels import LabelKind, Labels
    from napari_unet.io.labels import LabelFile

R = TypeVar("R")


def evaluate(
    truth: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of true label maps.")
    ],
    predicted: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of predicted label maps.")
    ],
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK", help="What is compared: instances, classes or regression."
        ),
    ] = "instances",
    as_json: JsonOption = False,
) -> None:
    """Score predictions against the truth.

    For objects: the average precision TP / (TP + FP + FN) at IoU 0.50 to 0.90, Dice,
    and the counts of objects found, false and missed. For classes: Dice of each and
    accuracy. For values: correlation and errors. Files are matched by their names.
    """
    if task not in _TASKS:
        raise InputError(
            f"Task {task!r} is not available; choose one of: {', '.join(_TASKS)}."
        )
    pairs = _pair(truth, predicted, regions=task == "instances")
    with progress_bar() as progress:
        report = _TASKS[task](_Pairs(pairs, progress))
    if as_json:
        print_json(report.as_json)
    else:
        print_result(report.table)
        if report.words:
            print_result(report.words)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Truths and predictions; a look at them one after the other is shown."""

    paths: list[tuple[Path, Path]]
    progress: Progress

    def __iter__(self) -> Iterator[tuple[Path, Path]]:
        return iter(self.progress.track(self.paths, description="evaluate"))


@dataclass(frozen=True, slots=True)
class _Report:
    """The same scores for programs and for people."""

    as_json: dict[str, Any]
    table: Table
    words: str = ""


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


def _score_instances(pairs: _Pairs) -> _Report:
    found = scores.pool(_compare(pairs, annotation.OBJECT_IDS, scores.metrics.evaluate))
    table = Table(title=f"Average precision, {found.images} images")
    table.add_column("IoU")
    table.add_column("pooled", justify="right")
    table.add_column("mean of images", justify="right")
    pooled = found.pooled
    for threshold, value in pooled.ap.items():
        table.add_row(threshold, f"{value:.3f}", f"{found.ap_mean[threshold]:.3f}")
    words = (
        f"Dice {pooled.dice:.3f}. At IoU 0.50: {pooled.tp} found, {pooled.fp} false, "
        f"{pooled.fn} missed."
    )
    return _Report(found.as_json(), table, words)


def _compare(
    pairs: _Pairs,
    kind: LabelKind,
    compare: Callable[[NDArray[Any], NDArray[Any]], R],
) -> list[R]:
    """Compare the label maps of every pair, and say what was made of them."""
    judged = [_are_masks(files, kind) for files in zip(*pairs.paths, strict=True)]
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
        true = io.read_label_file(truth, found.array.shape)
    elif io.is_roi_file(truth):
        raise InputError(
            f"{str(truth)!r} and {str(predicted)!r} are both regions, which know no "
            "size of an image; give one of them as a label map."
        )
    else:
        true = io.read_label_file(truth)
        found = io.read_label_file(predicted, true.array.shape)
    if true.array.shape != found.array.shape:
        raise InputError(
            f"{str(predicted)!r} has the shape {found.array.shape}, its truth "
            f"{str(truth)!r} has {true.array.shape}; compare label maps of the same "
            "image."
        )
    return true, found


def _score_classes(pairs: _Pairs) -> _Report:
    counts = _compare(pairs, annotation.CLASS_NUMBERS, scores.count_classes)
    pooled = scores.add_counts(counts)
    table = Table(title=f"Classes, {len(counts)} images")
    table.add_column("class", justify="right")
    table.add_column("Dice, pooled", justify="right")
    for number, dice in enumerate(pooled.dice):
        table.add_row(str(number), "-" if dice is None else f"{dice:.3f}")
    as_json = {
        "images": len(counts),
        "dice": pooled.dice,
        "accuracy": pooled.accuracy,
    }
    return _Report(as_json, table, f"Accuracy {pooled.accuracy:.3f}.")


def _score_values(pairs: _Pairs) -> _Report:
    rows: dict[str, list[dict[str, Any]]] = {}
    table = Table(title="Values")
    for heading in ("image", "variable", "correlation", "mean error", "RMS error"):
        table.add_column(heading, justify="left" if heading == "image" else "right")
    for true, found in pairs:
        values = [io.read_values(path) for path in (true, found)]
        truth, predicted = (v[None] if v.ndim == 2 else v for v in values)
        variables = _named(found, scores.score_values, truth, predicted)
        rows[stem_of(true)] = [asdict(score) for score in variables]
        for number, s in enumerate(variables, start=1):
            numbers = (f"{s.correlation:.3f}", f"{s.mae:.4g}", f"{s.rmse:.4g}")
            table.add_row(escape(stem_of(true)), str(number), *numbers)
    means = _mean_correlations(list(rows.values()))
    as_json = {"images": len(rows), "correlation": means, "variables": rows}
    return _Report(as_json, table)


def _mean_correlations(rows: list[list[dict[str, Any]]]) -> list[float]:
    """Return the mean correlation of every variable over the images."""
    columns = zip(*rows, strict=False)
    return [sum(v["correlation"] for v in c) / len(c) for c in columns]


def _named(path: Path, compare: Callable[..., R], *arguments: Any) -> R:
    """Compare, and name the file where that is impossible."""
    try:
        return compare(*arguments)
    except InputError as error:
        raise InputError(about(path, str(error))) from error


_TASKS: dict[str, Callable[[_Pairs], _Report]] = {
    "instances": _score_instances,
    "classes": _score_classes,
    "regression": _score_values,
}
