"""What the subcommands share: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

EXIT_MISTAKE = 2
"""The user's mistake: one clear sentence on stderr."""

EXIT_INTERRUPTED = 130

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print machine-readable results to stdout.")
]
DeviceOption = Annotated[
    str,
    typer.Option(metavar="auto|cuda|mps|cpu", help="Where to compute."),
]
AxesOption = Annotated[
    str | None,
    typer.Option(
        metavar="AXES",
        help="One letter of TCZYX per axis of the images, such as ZYX; "
        "from the file, or guessed, where it is missing.",
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that exist.")
]


def print_json(result: Any) -> None:
    """Print a result for machines."""
    typer.echo(json.dumps(result, indent=2, ensure_ascii=False))


def say(message: str) -> None:
    """Print a line for the person to stderr, where it cannot spoil results."""
    typer.echo(message, err=True)


def about(path: Path, message: str) -> str:
    """Return the message with the file that it is about, named once."""
    return message if str(path) in message else f"{path}: {message}"


def progress_bar() -> Progress:
    """Return a progress bar on stderr that is only drawn on a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
