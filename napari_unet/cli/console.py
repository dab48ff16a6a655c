"""What the subcommands share: results to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

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

EXIT_DEFECT = 1
"""Something that the program did not expect; see `cli/failures.py`."""

EXIT_MISTAKE = 2
"""The user's mistake: one clear sentence on stderr."""

EXIT_INTERRUPTED = 130


def print_whatever_the_console() -> None:
    """Let names that a console or log cannot show be written in another way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_result(result: str | Table = "") -> None:
    """Print a result, a line or a table, to stdout.

    Nothing is printed where there is no stdout, or nobody who reads it any more. A
    StorageError says that it cannot be written; what else was done stays done.
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
    """Print a result for machines, in ASCII where the output takes nothing else."""
    if sys.stdout is None:
        raise StorageError(
            "The result could not be printed, because stdout is closed; files that "
            "were written are there."
        )
    text = json.dumps(result, indent=2, ensure_ascii=False)
    if not _survives(text, sys.stdout.encoding or "ascii"):
        text = json.dumps(result, indent=2)
    print_result(text)


def _survives(text: str, encoding: str) -> bool:
    """Return whether text that is printed can be read again as what it was.

    Some encodings of Windows write a sign as another one that looks like it.
    """
    try:
        return text.encode(encoding).decode(encoding) == text
    except UnicodeError:
        return False


def report(result: Any, lines: Iterable[str | Table], *, as_json: bool) -> None:
    """Print a result for machines, or else what it is for a person, line by line."""
    if as_json:
        print_json(result)
        return
    for line in lines:
        print_result(line)


def end_with(problems: Iterable[str]) -> None:
    """Say what is wrong and end with the exit code of a mistake, if anything is."""
    told = [plain(problem) for problem in problems]
    for problem in told:
        say(problem)
    if told:
        raise typer.Exit(EXIT_MISTAKE)


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


def counted(number: int, noun: str) -> str:
    """Return how many there are, such as "1 image" and "2 images"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def in_words(error: OSError) -> str | None:
    """Return what to do where a name that was given cannot even be looked up.

    None is any other error, which whoever reads or writes has to tell.
    """
    name = repr(plain(str(error.filename or "a file")))
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"Cannot reach {name}: you may not enter its folder; change its "
            "permissions, or choose another place."
        )
    if error.errno == errno.ENAMETOOLONG:
        return f"The name {name} is too long for this disk; choose a shorter one."
    return None


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
