"""The command `napari-unet`: subcommands, errors in one sentence, exit codes.

0 done, 2 the user's mistake, 130 interrupted. Anything unexpected is a defect of the
program: it keeps its traceback and ends with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from napari_unet import __version__
from napari_unet.cli.console import (
    EXIT_INTERRUPTED,
    EXIT_MISTAKE,
    in_words,
    print_result,
    print_whatever_the_console,
    say,
)
from napari_unet.cli.demo import demo
from napari_unet.cli.evaluate import evaluate
from napari_unet.cli.export import export
from napari_unet.cli.measure import measure
from napari_unet.cli.models import app as models
from napari_unet.cli.predict import predict
from napari_unet.cli.project import project
from napari_unet.cli.train import train
from napari_unet.cli.window import open_window, refuse_stranger
from napari_unet.errors import InputError, NapariUnetError

app = typer.Typer(
    name="napari-unet",
    add_completion=False,
    invoke_without_command=True,
    # Plain text: an error is a sentence, not a box around one.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(predict)
app.command()(train)
app.command()(evaluate)
app.command()(measure)
app.command()(export)
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
    if context.invoked_subcommand is None:
        raise typer.Exit(open_window(sample))
    if sample is not None:
        raise InputError("--sample opens napari; give it without a subcommand.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, with other arguments where some are given, and exit."""
    print_whatever_the_console()
    try:
        app(args=arguments, prog_name="napari-unet")
    except NapariUnetError as error:
        say(str(error))
        sys.exit(EXIT_MISTAKE)
    except OSError as error:
        if (words := in_words(error)) is None:
            raise
        say(words)
        sys.exit(EXIT_MISTAKE)
    except KeyboardInterrupt:
        say("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)
