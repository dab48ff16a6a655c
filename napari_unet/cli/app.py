"""The command `napari-unet`: subcommands, errors in one sentence, exit codes.

0 done; what other ends there are, and their codes, is in `cli/failures.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from napari_unet import __version__
from napari_unet.cli.console import print_result, print_whatever_the_console
from napari_unet.cli.demo import demo
from napari_unet.cli.evaluate import evaluate
from napari_unet.cli.export import export
from napari_unet.cli.failures import failures_in_words, told_when_interrupted
from napari_unet.cli.measure import measure
from napari_unet.cli.models import app as models
from napari_unet.cli.predict import predict
from napari_unet.cli.project import project
from napari_unet.cli.shortcut import shortcut
from napari_unet.cli.track import track
from napari_unet.cli.train import train
from napari_unet.cli.verify_seams import verify_seams
from napari_unet.cli.window import open_window, refuse_stranger
from napari_unet.core.torchrun import count_processes
from napari_unet.errors import InputError


class _Commands(TyperGroup):
    """All subcommands; typer itself would end without a word after Ctrl+C."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with told_when_interrupted():
            return super().make_context(*arguments, **options)

    def invoke(self, *arguments: Any, **options: Any) -> Any:
        with told_when_interrupted():
            return super().invoke(*arguments, **options)


app = typer.Typer(
    name="napari-unet",
    cls=_Commands,
    invoke_without_command=True,
    # Plain text: an error is a sentence, not a box around one.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(predict)
app.command()(train)
app.command()(evaluate)
app.command("verify-seams")(verify_seams)
app.command()(measure)
app.command()(track)
app.command()(export)
app.command()(shortcut)
app.add_typer(models, name="models")
app.add_typer(project, name="project")


@app.callback()
def start(
    context: typer.Context,
    sample: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Open napari with this sample image."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.")
    ] = False,
) -> None:
    """Segment microscopy images with a U-Net that learns from your corrections.

    Without a subcommand, napari opens with the dock.
    """
    if version:
        print_result(__version__)
        raise typer.Exit
    refuse_stranger()
    if count_processes() > 1 and context.invoked_subcommand != "train":
        raise InputError(
            "torchrun starts several processes that train together, and this is no "
            "training; type napari-unet instead, which is one process."
        )
    if context.invoked_subcommand is None:
        raise typer.Exit(open_window(sample))
    if sample is not None:
        raise InputError("--sample opens napari; give it without a subcommand.")


_command = typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, with other arguments where some are given, and exit."""
    print_whatever_the_console()
    with failures_in_words():
        _command(args=arguments, prog_name="napari-unet")
