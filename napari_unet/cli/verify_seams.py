"""`napari-unet verify-seams`: whether objects across seams are what the model says."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from napari_unet import large, weights
from napari_unet.cli.console import EXIT_MISTAKE, counted, progress_bar, report, say
from napari_unet.cli.options import DeviceOption, JsonOption, option
from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import drain


def verify_seams(
    result: Annotated[
        Path,
        Argument(metavar="RESULT", help="What predict --output-format has written."),
    ],
    image: Annotated[
        Path | None, option("FILE", "The image, where it lies elsewhere now.")
    ] = None,
    model: Annotated[
        str | None, option("M", "The model, where it lies elsewhere now.")
    ] = None,
    samples: Annotated[
        int, option("N", "How many windows across seams are compared.", min=1)
    ] = 16,
    seed: Annotated[int, option("N", "Other numbers choose other windows.", min=0)] = 0,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Predict windows again, across seams and elsewhere, and compare the result.

    For example: napari-unet verify-seams labels/slide.zarr

    A window is predicted in one piece. Exit code 0 says that the same pixels belong
    together in all of them, 2 that somewhere they do not.
    """
    loaded = None if model is None else weights.load_model(model)
    with progress_bar() as progress:
        bar = progress.add_task("verify", total=samples)

        def hear(event: object) -> None:
            if isinstance(event, TilesDone):
                progress.update(bar, completed=event.done, total=event.total)

        steps = large.iter_check_seams(
            result,
            image=None if image is None else str(image),
            model=loaded,
            samples=samples,
            seed=seed,
            device=device,
        )
        with closing(steps):
            checked = drain(steps, hear)
    words = (
        f"{counted(checked.windows, 'window')} compared, of "
        f"{counted(checked.seams, 'seam')} and {counted(checked.blocks, 'block')}; "
        f"{len(checked.differing)} differ"
    )
    report(asdict(checked), [words], as_json=as_json)
    for place in checked.differing:
        say(f"{result}: at {place} the result differs from what the model says.")
    if checked.differing:
        raise typer.Exit(EXIT_MISTAKE)
