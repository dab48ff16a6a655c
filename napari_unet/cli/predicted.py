"""What came of a prediction of files, and how that is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

from napari_unet.cli.console import (
    EXIT_INTERRUPTED,
    EXIT_MISTAKE,
    about,
    counted,
    report,
    say,
)
from napari_unet.instances.diameter import in_pixels


@dataclass(frozen=True, slots=True)
class Written:
    """The result of an image, and what is to be said of it."""

    image: str
    labels: str
    objects: int | None
    notes: list[str]
    diameter: float | None = None
    tracks: str | None = None


@dataclass(slots=True)
class Done:
    """What came of all images; those after an interruption are in neither list."""

    written: list[Written] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    interrupted: bool = False


def tell(done: Done, *, as_json: bool) -> None:
    """Say what came of all images, and end with the code that belongs to it."""
    written, failed = done.written, done.failed
    for one in written:
        for note in one.notes:
            say(about(Path(one.image), note))
    for bad in failed:
        say(bad["error"])
    result = asdict(done)
    for name in ("interrupted", "kept"):
        if not result[name]:
            del result[name]
    report(result, map(_in_words, written), as_json=as_json)
    if done.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if done.kept:
        say(f"{counted(len(done.kept), 'result')} from before kept.")
    if failed:
        total = len(written) + len(failed) + len(done.kept)
        if total > 1:
            say(f"{len(failed)} of {total} images failed.")
        raise typer.Exit(EXIT_MISTAKE)


def _in_words(one: Written) -> str:
    words = one.labels
    if one.objects is not None:
        words += f": {counted(one.objects, 'object')}"
    if one.diameter is not None:
        words += f", about {in_pixels(one.diameter)} px across"
    return words
