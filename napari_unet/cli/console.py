"""What the subcommands share: results to stdout, everything else to stderr."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from napari_unet.errors import StorageError

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
ChannelOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|NAME",
        help="Channel that the model sees, by its number from 1 or its name in the "
        "file; several in the model's order, such as 3,1. All where it is missing.",
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that exist.")
]


def print_whatever_the_console() -> None:
    """Let names that a console or log cannot show be written in another way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_result(result: str | Table = "") -> None:
    """Print a result, a line or a table, to stdout.

    Nothing is printed where there is no stdout, or nobody who reads it any more.

    Raises
    ------
    StorageError
        If it cannot be written; what else was done stays done.
    """
    if sys.stdout is None:
        return
    try:
        if isinstance(result, str):
            sys.stdout.write(f"{result}\n")
        else:
            Console(file=sys.stdout).print(result)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_the_rest(sys.stdout)
    except OSError as error:
        _drop_the_rest(sys.stdout)
        raise StorageError(
            f"The result could not be printed ({error.strerror or error}); files "
            "that were written are there. Print to another place."
        ) from error


def print_json(result: Any) -> None:
    """Print a result for machines, in ASCII where the output takes nothing else.

    Raises
    ------
    StorageError
        As `print_result`, and if there is no stdout.
    """
    if sys.stdout is None:
        raise StorageError(
            "The result could not be printed, because stdout is closed; files that "
            "were written are there."
        )
    text = json.dumps(result, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(result, indent=2)
    print_result(text)


def say(message: str) -> None:
    """Print a line for the person to stderr, where it cannot spoil results."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    except OSError:
        # There is nobody left to tell.
        _drop_the_rest(sys.stderr)


def _drop_the_rest(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that Python's end is a quiet one."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def plain(text: str) -> str:
    """Spell out what could steer a terminal: names may come from anywhere."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


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
