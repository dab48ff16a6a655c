"""Command line: all parts, or the ones that are named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

import torch
from rich.console import Console

from benchmarks import (
    event_loop,
    gestures,
    journal,
    predict,
    rounds,
    strokes,
    train_step,
)
from benchmarks.report import Report, as_json, show
from benchmarks.subject import Subject, prepare
from benchmarks.timing import Stopwatch
from napari_unet.errors import InputError, NapariUnetError

Part = Callable[[Subject, Stopwatch, float], list[Report]]

PARTS: dict[str, Part] = {
    "predict": lambda subject, watch, _: [predict.measure(subject, watch)],
    "stages": lambda subject, watch, _: [predict.stages(subject, watch)],
    "train": lambda subject, watch, _: train_step.measure(subject, watch),
    "journal": lambda subject, *_: [journal.measure(subject)],
    "window": lambda subject, _, seconds: [event_loop.measure(subject, seconds)],
    "gestures": lambda subject, watch, _: [gestures.measure(subject, watch.rounds)],
    "strokes": lambda subject, *_: [strokes.measure(subject)],
}
"""What is measured when nothing is named, in this order."""

EXTRA: dict[str, Part] = {
    "rounds": lambda subject, watch, _: [rounds.measure(subject, watch.rounds)],
    "tune": lambda subject, watch, _: [predict.tune(subject, watch)],
}
"""Measured only when it is named."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables or JSON, return the exit code."""
    options = _parser().parse_args(arguments)
    # With --json nothing else goes to stdout, not even what napari prints.
    tables = sys.stderr if options.json else sys.stdout
    try:
        with redirect_stdout(tables):
            reports = _measure(options, Console(file=tables))
    except NapariUnetError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(as_json(reports))
    return 0


def _measure(options: argparse.Namespace, console: Console) -> list[Report]:
    """Measure part by part, and show each as soon as it is done."""
    subject = prepare(options.model, options.size, options.device)
    if options.busy:
        _count_one_thread(subject)
    watch = Stopwatch(subject.device, options.rounds, options.busy)
    reports = []
    for name in options.parts or PARTS:
        for report in (PARTS | EXTRA)[name](subject, watch, options.seconds):
            show(report, console)
            reports.append(report)
    return reports


def _count_one_thread(subject: Subject) -> None:
    if subject.device.type != "cpu":
        raise InputError(
            f"--busy counts what the CPU computes, and {subject.device} would be "
            "measured; add --device cpu."
        )
    torch.set_num_threads(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        choices=[*PARTS, *EXTRA, []],
        metavar="PART",
        help=f"{', '.join([*PARTS, *EXTRA])}; without a name the first {len(PARTS)}",
    )
    parser.add_argument("--model", default="nuclei", help="built-in name or folder")
    parser.add_argument("--size", type=int, default=2048, help="extent in pixels")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="length of a phase in the window"
    )
    parser.add_argument(
        "--device", default="auto", choices=["auto", "cuda", "mps", "cpu"]
    )
    parser.add_argument(
        "--busy",
        action="store_true",
        help="count computing instead of elapsed time, in one thread (CPU only)",
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
