"""Options that several subcommands take, and what they mend of axes and channels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unet import io, tasks
from napari_unet.errors import InputError
from napari_unet.geometry.axes import axes_in_words, readings
from napari_unet.images.channels import channel_titles, names_or_colours

if TYPE_CHECKING:
    from napari_unet.errors import ChannelMismatchError
    from napari_unet.geometry.axes import KnownAxes


def option(metavar: str, words: str, *names: str, **limits: Any) -> Any:
    """Return an option: what it takes, what it does, and its names if they differ."""
    return typer.Option(*names, metavar=metavar, help=words, **limits)


def flag(name: str, words: str) -> Any:
    """Return an option that is given or not."""
    return typer.Option(name, help=words)


def names_in(listed: str | None) -> tuple[str, ...]:
    """Return the names that a person listed; an InputError if one is empty."""
    names = tuple(name.strip() for name in listed.split(",")) if listed else ()
    if not all(names):
        raise InputError("--names holds an empty name; separate names by one comma.")
    return names


def any_task() -> str:
    """Return the names of all tasks, in words."""
    *others, last = tasks.task_names()
    return f"{', '.join(others)} or {last}"


JsonOption = Annotated[
    bool, flag("--json", "Print machine-readable results to stdout.")
]
OverwriteOption = Annotated[bool, flag("--overwrite", "Replace results that exist.")]
FullPrecisionOption = Annotated[
    bool,
    flag(
        "--full-precision",
        "Compute in float32 everywhere: often slower, alike on all machines.",
    ),
]
DeviceOption = Annotated[str, option("auto|cuda|mps|cpu", "Where to compute.")]
AxesOption = Annotated[
    str | None,
    option(
        "AXES",
        "One letter of TCZYX per axis of the images, such as ZYX; from the file, or "
        "guessed, where it is missing.",
    ),
]
ChannelOption = Annotated[
    str | None,
    option(
        "N|NAME",
        "Channel that the model sees, by its number from 1 or its name in the file; "
        "several in the model's order, such as 3,1. All where it is missing.",
    ),
]


def mismatch_in_words(error: ChannelMismatchError, path: Path) -> str:
    """Return what to do with channels that do not fit, by the names of options."""
    names = names_or_colours(io.read_header(path).channels, error.axes, error.channels)
    example = ",".join(str(n + 1) for n in range(error.wanted))
    some = "one of its channels" if error.wanted == 1 else f"{error.wanted} of them"
    pick = f"choose {some} with --channel, such as --channel {example}"
    if any(names):
        pick += f" (there are {', '.join(channel_titles(error.channels, names))})"
    return error.with_ways(pick, "convert it to grey", "such as --axes CYX")


def guess_in_words(
    known: KnownAxes, shape: tuple[int, ...], *, channels: bool = True
) -> str | None:
    """Say what was guessed of an image, and how to mend it; None if nothing was.

    Label maps have no channels, and what a file calls so are planes.
    """
    if known.origin != "guess" or len(shape) < 3:
        return None
    others = [
        axes
        for axes in readings(shape)
        if axes != known.letters and (channels or "C" not in axes)
    ]
    if not others:
        return None
    what = "its axes are" if channels else "what its planes are is"
    ways = " or ".join(f"--axes {axes} ({axes_in_words(axes)})" for axes in others[:2])
    return (
        f"{what} stated nowhere and {known.letters} "
        f"({axes_in_words(known.letters)}) was guessed; say {ways} if that is wrong"
    )
