"""`napari-unet evaluate`: how well label maps match the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_unet.cli.console import JsonOption, print_json, progress_bar, say
from napari_unet.errors import InputError
from napari_unet.io.pairing import by_stem, list_images, name_some

if TYPE_CHECKING:
    from napari_unet.core.metrics import PooledScores, Scores


def evaluate(
    truth: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of true label maps.")
    ],
    predicted: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of predicted label maps.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Score predictions against the truth.

    Prints the average precision TP / (TP + FP + FN) at IoU 0.50 to 0.90, Dice, and
    the counts of objects found, false and missed. Files are matched by their names.
    """
    pairs = _pair(truth, predicted)
    from napari_unet.core.metrics import pool

    with progress_bar() as progress:
        tracked = progress.track(pairs, description="evaluate")
        scores = [_score(*pair) for pair in tracked]
    pooled = pool(scores)
    if as_json:
        print_json(pooled.as_json())
    else:
        _print_table(pooled)


def _pair(truth: Path, predicted: Path) -> list[tuple[Path, Path]]:
    """Pair by name; every truth needs a prediction, more predictions are reported."""
    true, found = by_stem(list_images(truth)), by_stem(list_images(predicted))
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


def _score(truth: Path, predicted: Path) -> Scores:
    from napari_unet.core.metrics import evaluate as score
    from napari_unet.io.read import read_labels

    true, found = read_labels(truth), read_labels(predicted)
    if true.shape != found.shape:
        raise InputError(
            f"{str(predicted)!r} has the shape {found.shape}, its truth "
            f"{str(truth)!r} has {true.shape}; compare label maps of the same image."
        )
    return score(true, found)


def _print_table(scores: PooledScores) -> None:
    table = Table(title=f"Average precision, {scores.images} images")
    table.add_column("IoU")
    table.add_column("pooled", justify="right")
    table.add_column("mean of images", justify="right")
    for threshold, value in scores.pooled.ap.items():
        table.add_row(threshold, f"{value:.3f}", f"{scores.ap_mean[threshold]:.3f}")
    Console().print(table)
    pooled = scores.pooled
    typer.echo(
        f"Dice {pooled.dice:.3f}. At IoU 0.50: {pooled.tp} found, {pooled.fp} false, "
        f"{pooled.fn} missed."
    )
