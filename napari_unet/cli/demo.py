"""`napari-unet demo`: the whole story in numbers and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from napari_unet import nets
from napari_unet.cli.console import report, say
from napari_unet.cli.options import DeviceOption, JsonOption, flag, option
from napari_unet.cli.outputs import output_folder
from napari_unet.cli.window import open_window

if TYPE_CHECKING:
    from napari_unet.cli.story import DemoResult


def demo(
    out: Annotated[Path, option("DIR", "Where the pictures go.")] = Path("demo_out"),
    headless: Annotated[
        bool, flag("--headless", "Do not open napari afterwards.")
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
    report(result.as_json(), _lines(result), as_json=as_json)
    if not headless:
        raise typer.Exit(open_window("phase"))


def _lines(result: DemoResult) -> Iterator[str | Table]:
    table = Table("IoU", "before", "after", title="Average precision, unopened images")
    before, after = result.before.pooled.ap, result.after
    for key in before:
        table.add_row(key, f"{before[key]:.3f}", f"{after[key]:.3f}")
    msa = (result.before.pooled.msa, result.msa_after)
    table.add_row("mSA", *(f"{value:.3f}" for value in msa))
    yield table
    most = max(run.corrections for run in result.runs)
    yield (
        "mSA is the mean over IoU 0.50, 0.55, ... 0.95. "
        f"At most {most} objects corrected per run, {len(result.runs)} runs, "
        f"{result.seconds:.0f} s in all. Blue: truth, orange: found. Pictures:"
    )
    yield from (f"  {path}" for path in result.pictures)
