"""Tries to lose work, for as long as one likes, and prints what was lost.

python -m tests.torture                 everything; make torture calls this
python -m tests.torture kills --kills 50
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

Try = Callable[[Path, argparse.Namespace], "Row"]


@dataclass(frozen=True)
class Row:
    """What was tried, how often, what came of it, and what was lost."""

    tried: str
    found: str
    lost: list[str]


def kills(home: Path, options: argparse.Namespace) -> Row:
    """Kill programs without a window."""
    import torch

    import napari_unet.inference.predict
    import napari_unet.learning.train
    import napari_unet.weights.folder  # noqa: F401 - before the forks: it takes long
    from tests.torture.kills import run_kills

    torch.set_num_threads(1)
    done = run_kills(home, options.kills, options.seed)
    words = f"kill -9 of headless runs: {done.kills} kills"
    return Row(words, f"{done.strokes} strokes finished", done.lost)


def windows(home: Path, options: argparse.Namespace) -> Row:
    """Kill the real application."""
    import napari  # noqa: F401 - before the forks: it takes long
    import torch

    import napari_unet.learning.train  # noqa: F401
    from tests.torture.kills import run_kills
    from tests.torture.window import live_in_window

    torch.set_num_threads(1)
    done = run_kills(home, options.windows, options.seed, live_in_window, 3.0)
    words = f"kill -9 of napari with the dock and a mouse: {done.kills} kills"
    return Row(words, f"{done.strokes} strokes finished", done.lost)


def damage(home: Path, options: argparse.Namespace) -> Row:
    """Cut, or flip a bit of, every file of a project."""
    from tests.torture.damage import run_damage

    done = run_damage(home, options.rounds, options.seed)
    total = sum(done.files.values())
    words = f"one file of a project cut, or a bit of it flipped: {total} times"
    kinds = ", ".join(f"{name} {n}" for name, n in sorted(done.files.items()))
    return Row(words, kinds, done.lost)


def machine(home: Path, options: argparse.Namespace) -> Row:
    """Do anything in any order, with crashes, failing disks and moves."""
    from tests.torture.sitting import run_sittings

    try:
        tally = run_sittings(options.steps, options.seed)
    except (AssertionError, ExceptionGroup):
        return Row("anything in any order", "", [traceback.format_exc()])
    most = ", ".join(f"{name} {n}" for name, n in tally.most_common(8))
    return Row(f"anything in any order: {sum(tally.values())} steps", most, [])


def soak(home: Path, options: argparse.Namespace) -> Row:
    """Work for a long time."""
    from tests.torture.soak import run_soak

    done = run_soak(home, options.minutes, options.seed)
    first, last = done.taken[0], done.taken[-1]
    found = (
        f"{done.strokes} strokes; memory {first.megabytes:.0f} to "
        f"{last.megabytes:.0f} MB ({done.growth:+.0f} MB an hour), threads "
        f"{first.threads} to {last.threads}, handles {first.handles} to "
        f"{last.handles}, project {last.folder_megabytes:.1f} MB"
    )
    return Row(f"work without a pause: {done.minutes:g} min", found, done.lost)


TRIES: dict[str, Try] = {
    "kills": kills,
    "windows": windows,
    "damage": damage,
    "machine": machine,
    "soak": soak,
}


def main() -> int:
    """Run what is named, print a table; 1 if anything was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description=__doc__
    )
    parser.add_argument("tries", nargs="*", choices=[*TRIES, []], metavar="TRY")
    parser.add_argument("--kills", type=int, default=170, help="of headless runs")
    parser.add_argument("--windows", type=int, default=30, help="kills of napari")
    parser.add_argument("--rounds", type=int, default=10, help="damages of every file")
    parser.add_argument("--steps", type=int, default=10_000, help="of the machine")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the soak")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console, rows = Console(width=110), []
    for name in options.tries or TRIES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="torture-") as home:
            row = TRIES[name](Path(home), options)
        rows.append(row)
        seconds = time.monotonic() - began
        console.print(f"{name}: {len(row.lost)} lost, {seconds:.0f} s", style="dim")
        for each in row.lost[:20]:
            console.print(f"  {each}", markup=False)
    _show(rows, console)
    return int(any(row.lost for row in rows))


def _show(rows: list[Row], console: Console) -> None:
    table = Table("tried", "what came of it", "lost", title="What was lost")
    for row in rows:
        table.add_row(row.tried, row.found, str(len(row.lost)))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
