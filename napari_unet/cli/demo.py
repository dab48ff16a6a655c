"""`napari-unet demo`: the whole story in numbers and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from napari_unet import nets
from napari_unet.cli.console import (
    DeviceOption,
    JsonOption,
    print_json,
    print_result,
    say,
)
from napari_unet.cli.outputs import output_folder
from napari_unet.cli.window import open_window

if TYPE_CHECKING:
    from napari_unet.cli.story import DemoResult


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the pictures go.")
    ] = Path("demo_out"),
    headless: Annotated[
        bool, typer.Option("--headless", help="Do not open napari afterwards.")
    ] = False,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="How often to tell the story.")
    ] = 3,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Predict, correct by script, fine-tune, and predict better, on sample images.

    Scores come from images that the scripted annotator never opened.
    """
    # The whole engine; no --help needs it.
    from napari_unet.cli.story import tell_story

    nets.resolve_device(device)
    with output_folder(out):
        result = tell_story(out, say, seeds=range(seeds), device=device)
    if as_json:
        print_json(result.as_json())
    else:
        _show(result)
    if not headless:
        raise typer.Exit(open_window("phase"))


def _show(result: DemoResult) -> None:
    table = Table("IoU", "before", "after", title="Average precision, unopened images")
    before, after = result.before.pooled.ap, result.after
    for key in before:
        table.add_row(key, f"{before[key]:.3f}", f"{after[key]:.3f}")
    print_result(table)
    most = max(run.corrections for run in result.runs)
    print_result(
        f"At most {most} objects corrected per run, {len(result.runs)} runs, "
        f"{result.seconds:.0f} s in all. Blue: truth, orange: found. Pictures:"
    )
    for path in result.pictures:
        print_result(f"  {path}")
