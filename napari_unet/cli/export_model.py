"""`napari-unet models export`: a model as a file that other programs run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from napari_unet import exchange, weights
from napari_unet.cli import outputs
from napari_unet.cli.console import plain, progress_bar, report, say
from napari_unet.cli.options import JsonOption, OverwriteOption, option
from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain


def export_model(
    model: Annotated[
        str, Argument(metavar="M", help="A built-in model or a model folder.")
    ],
    out: Annotated[
        Path, option("FILE", "Where it goes, such as nuclei.zip or nuclei.onnx.")
    ],
    format_: Annotated[
        str | None,
        option(
            "bioimageio|onnx",
            "A package for Fiji, ilastik, QuPath and the BioImage Model Zoo; or the "
            "network alone, for onnxruntime and others; from the name of FILE where "
            "it is missing.",
            "--format",
        ),
    ] = None,
    author: Annotated[
        list[str] | None,
        option("NAME", "Who made the model; several times for several people."),
    ] = None,
    license_: Annotated[
        str,
        option(
            "SPDX",
            "Under which licence others may use it, such as CC-BY-4.0; as its card "
            "says, where it is missing.",
            "--license",
        ),
    ] = "",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a model as a file that other programs run.

    What is written was compared with the model on images of several sizes before.
    """
    chosen = (
        exchange.model_format_of(out)
        if format_ is None
        else exchange.find_model_format(format_)
    )
    if not overwrite:
        outputs.refuse_existing([out])
    loaded = weights.load_model(model)
    made_by = exchange.Credits(tuple(author or ()), license_)
    notes: list[str] = []
    with outputs.output_folder(out.absolute().parent), progress_bar() as bar:
        task = bar.add_task(plain(out.name), total=1.0)

        def hear(event: Notice | float) -> None:
            if isinstance(event, Notice):
                notes.append(event.message)
            else:
                bar.update(task, completed=event)

        drain(
            exchange.iter_export_model(
                loaded, out, chosen, made_by, overwrite=overwrite
            ),
            hear,
        )
    for note in notes:
        say(f"{out}: {note}")
    megabytes = round(out.stat().st_size / 1e6, 2)
    result = {
        "model": str(out),
        "format": chosen.name,
        "megabytes": megabytes,
        "notes": notes,
    }
    report(result, [f"{out}: {chosen.name}, {megabytes:.1f} MB"], as_json=as_json)
