"""`napari-unet evaluate`: how well label maps match the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from napari_unet.cli.console import (
    JsonOption,
    about,
    print_json,
    print_result,
    progress_bar,
    say,
)
from napari_unet.errors import InputError
from napari_unet.io.pairing import by_stem, list_images, name_some

if TYPE_CHECKING:
    from napari_unet.core.metrics import Scores
    from napari_unet.core.provenance import LabelMap

R = TypeVar("R")
Pairs: TypeAlias = Iterable[tuple[Path, Path]]


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
        tracked = progress.track(pairs, description="evaluate")
        report = _TASKS[task](tracked)
    if as_json:
        print_json(report.as_json)
    else:
        print_result(report.table)
        if report.words:
            print_result(report.words)


@dataclass(frozen=True, slots=True)
class _Report:
    """The same scores for programs and for people."""

    as_json: dict[str, Any]
    table: Table
    words: str = ""


def _pair(truth: Path, predicted: Path, *, regions: bool) -> list[tuple[Path, Path]]:
    """Pair by name; every truth needs a prediction, more predictions are reported."""
    from napari_unet.io.rois import ROI_SUFFIXES

    more = ROI_SUFFIXES if regions else frozenset()
    true, found = (by_stem(list_images(f, more=more)) for f in (truth, predicted))
    missing = sorted(true.keys() - found.keys())
    if missing:
        raise InputError(
            f"No prediction in {str(predicted)!r} for {name_some(missing)} of "
            f"{str(truth)!r}; predict {'it' if len(missing) == 1 else 'them'} first."
        )
    extra = sorted(found.keys() - true.keys())
    if extra:
        say(f"Left out, for there is no truth for them: {name_some(extra)}.")
    return [(true[stem], found[stem]) for stem in sorted(true)]


def _score_instances(pairs: Pairs) -> _Report:
    from napari_unet.core.metrics import pool

    scores = pool([_score_objects(*pair) for pair in pairs])
    table = Table(title=f"Average precision, {scores.images} images")
    table.add_column("IoU")
    table.add_column("pooled", justify="right")
    table.add_column("mean of images", justify="right")
    pooled = scores.pooled
    for threshold, value in pooled.ap.items():
        table.add_row(threshold, f"{value:.3f}", f"{scores.ap_mean[threshold]:.3f}")
    words = (
        f"Dice {pooled.dice:.3f}. At IoU 0.50: {pooled.tp} found, {pooled.fp} false, "
        f"{pooled.fn} missed."
    )
    return _Report(scores.as_json(), table, words)


def _score_objects(truth: Path, predicted: Path) -> Scores:
    from napari_unet.core.metrics import evaluate as score

    true, found = _read_both(truth, predicted)
    if true.shape != found.shape:
        raise InputError(
            f"{str(predicted)!r} has the shape {found.shape}, its truth "
            f"{str(truth)!r} has {true.shape}; compare label maps of the same image."
        )
    return score(true, found)


def _read_both(truth: Path, predicted: Path) -> tuple[LabelMap, LabelMap]:
    """Read two label maps; one of them may be regions, which have the other's size."""
    from napari_unet.io.dataset import read_objects
    from napari_unet.io.read import read_labels
    from napari_unet.io.rois import is_roi_file

    if not is_roi_file(predicted):
        found = read_labels(predicted)
        return read_objects(truth, found.shape), found
    if is_roi_file(truth):
        raise InputError(
            f"{str(truth)!r} and {str(predicted)!r} are both regions, which know no "
            "size of an image; give one of them as a label map."
        )
    true = read_labels(truth)
    return true, read_objects(predicted, true.shape)


def _score_classes(pairs: Pairs) -> _Report:
    from napari_unet.core.pixel_scores import add_counts, count_classes
    from napari_unet.io.read import read_labels

    counts = [
        _named(found, count_classes, read_labels(true), read_labels(found))
        for true, found in pairs
    ]
    pooled = add_counts(counts)
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


def _score_values(pairs: Pairs) -> _Report:
    from napari_unet.core.pixel_scores import score_values
    from napari_unet.io.read import read_values

    rows: dict[str, list[dict[str, Any]]] = {}
    table = Table(title="Values")
    for heading in ("image", "variable", "correlation", "mean error", "RMS error"):
        table.add_column(heading, justify="left" if heading == "image" else "right")
    for true, found in pairs:
        values = [read_values(path) for path in (true, found)]
        truth, predicted = (v[None] if v.ndim == 2 else v for v in values)
        scores = _named(found, score_values, truth, predicted)
        rows[true.stem] = [asdict(score) for score in scores]
        for number, s in enumerate(scores, start=1):
            numbers = (f"{s.correlation:.3f}", f"{s.mae:.4g}", f"{s.rmse:.4g}")
            table.add_row(escape(true.stem), str(number), *numbers)
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


_TASKS: dict[str, Callable[[Pairs], _Report]] = {
    "instances": _score_instances,
    "classes": _score_classes,
    "regression": _score_values,
}
