"""`napari-unet project`: what a project holds, whether it is sound, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unet.cli.console import JsonOption, OverwriteOption
from napari_unet.io.reader import collect_log

project = typer.Typer(
    help="Look into, check, recover and export project folders (NAME.unet).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Project folder, such as cells.unet.")
]


@project.callback()
def _keep_quiet(context: typer.Context) -> None:
    """Look into, check, recover and export project folders (NAME.unet)."""
    # What is wrong with a map is told once, in our words.
    context.with_resource(collect_log("tifffile"))


@project.command()
def info(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Show what a project holds: images, work on them, and models.

    Nothing is written, and the project may be open elsewhere.
    """
    # All other commands start without it.
    from napari_unet.cli.project_report import report_info

    report_info(folder, as_json=as_json)


@project.command()
def verify(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Check every save, every line of the journals, models and images.

    Nothing is written. The exit code is 2 if anything is damaged or missing.
    """
    # All other commands start without it.
    from napari_unet.cli.project_report import report_verify

    report_verify(folder, as_json=as_json)


@project.command()
def recover(
    folder: FolderArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="NEW.unet",
            help="Make a sound copy, and leave the damaged project untouched.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring back everything that can be read of a damaged project.

    Nothing is destroyed: damaged files are kept in DIR/damaged-DATE-TIME. The exit code
    is 2 if anything is lost.
    """
    # All other commands start without it.
    from napari_unet.cli.project_export import iter_near
    from napari_unet.cli.project_report import report_recover

    report_recover(folder, out, lambda: iter_near(folder), as_json=as_json)


@project.command()
def export(
    folder: FolderArgument,
    out: Annotated[Path, typer.Option(metavar="OUT", help="Folder to write to.")],
    task: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="Only instances, classes or regression."),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write labels, masks of what is verified, and a table.

    The folders OUT/labels and OUT/verified are those that `train` takes.
    """
    # All other commands start without it.
    from napari_unet.cli.project_export import report_export

    report_export(folder, out, task, overwrite=overwrite, as_json=as_json)
