"""Check a GPU against the CPU and time it: ``python -m benchmarks.gpu``.

Made to run wherever a GPU turns up, in under eight minutes, without napari and Qt: of
the package it imports `core`, `nets` and `engine` alone. It needs no installation, only
the repository's folder and torch, numpy, scipy, scikit-image, safetensors, rich and
pydantic. Where one is missing::

    python3 -m pip install pydantic safetensors scikit-image rich
    python3 -m benchmarks.gpu --json > gpu.json

Without a connection, carry the wheels of pydantic and of the three packages it needs
(pydantic-core, annotated-types, typing-inspection) there.

Exit code 0: all checks passed; 1: one did not; 2: there is no GPU. `--device cpu` goes
the same way without one, to try the script itself.
"""

from __future__ import annotations

import argparse
import sys

import torch
from rich.console import Console

from benchmarks import train_step
from benchmarks.gpu_checks import Check, run_checks
from benchmarks.report import Report, as_json, show
from benchmarks.subject import Subject, forward_pass, prepare, whole_prediction
from benchmarks.timing import Stopwatch, interleave
from napari_unet.errors import NapariUnetError
from napari_unet.nets.device import NAMES


def main(arguments: list[str] | None = None) -> int:
    """Check, measure, print; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        subject = prepare(options.model, options.size, options.device)
    except NapariUnetError as error:
        print(error, file=sys.stderr)
        return 2
    console = Console(stderr=options.json)
    checks = run_checks(subject)
    reports = [_as_report(checks, subject), *_figures(subject, options.rounds)]
    for report in reports:
        show(report, console)
    if options.json:
        print(as_json(reports))
    return 0 if all(check.passed for check in checks) else 1


def _as_report(checks: list[Check], subject: Subject) -> Report:
    return Report(
        f"{subject.device} against the CPU: {subject.describe()}",
        [check.as_row() for check in checks],
        (f"torch {torch.__version__}",),
    )


def _figures(subject: Subject, rounds: int) -> list[Report]:
    """Time prediction and training; say how much of the GPU's memory they took."""
    watch = Stopwatch(subject.device, rounds)
    runs = {
        "bare forward pass": forward_pass(subject),
        "whole prediction": whole_prediction(subject),
    }
    timings = interleave(runs, watch)
    notes = [watch.describe()]
    if subject.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(subject.device) / 2**30
        notes.append(f"At most {peak:.2f} GiB of GPU memory so far.")
    prediction = Report(
        f"Prediction: {subject.describe()}", timings.rows(), tuple(notes)
    )
    return [prediction, *train_step.measure(subject, watch)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--model", default="nuclei", help="built-in name or folder")
    parser.add_argument("--size", type=int, default=2048, help="extent in pixels")
    parser.add_argument("--rounds", type=int, default=10, help="repetitions of each")
    parser.add_argument("--device", default="cuda", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
