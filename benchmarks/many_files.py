"""The memory of `napari-unet predict` while it goes through many small images.

    python -m benchmarks.many_files --count 10000

The images are nuclei of 64 x 64 pixels; every hundredth file is broken. Memory is what
the system counts for the process (RSS), each time that another tenth is done. Then the
same command with --resume finds what is there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import tifffile
import torch

from benchmarks.scene import draw_nuclei
from napari_unet import models, weights

_SIZE = 64
_BROKEN = 100
_SCENE = 1024
_TENTHS = 10


def main() -> None:
    """Draw images, predict them in another process, and print what it needs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--model", help="a tiny network where it is missing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw(folder / "images", options.count)
        model = options.model or str(make_model(folder / "tiny"))
        print(f"{options.count} images, load {os.getloadavg()[0]:.1f}")
        for words in ((), ("--resume",)):
            began = time.monotonic()
            for done, megabytes in predict(folder, model, words):
                seconds = time.monotonic() - began
                print(f"{done:6} done, {seconds:6.0f} s, {megabytes:5.0f} MB")
            print(f"all {' '.join(words)}: {time.monotonic() - began:.0f} s")


def make_model(folder: Path) -> Path:
    """Save a network with random weights, so small that files count and not it."""
    torch.manual_seed(0)
    network = models.ARCHITECTURES["unet"].model_copy(
        update={"depth": 2, "base_channels": 4}
    )
    spec = models.ModelSpec(name="tiny", architecture=network)
    weights.save_model(weights.new_model(spec), folder)
    return folder


def draw(folder: Path, count: int) -> None:
    """Write small images, pieces of a large one, some of which are none."""
    folder.mkdir()
    scene = draw_nuclei(_SCENE).image
    steps = _SCENE - _SIZE
    for number in range(count):
        path = folder / f"field{number}.tif"
        if number % _BROKEN == _BROKEN - 1:
            path.write_bytes(b"no image")
            continue
        y, x = number * 7 % steps, number * 13 % steps
        tifffile.imwrite(path, scene[y : y + _SIZE, x : x + _SIZE])


def predict(
    folder: Path, model: str, words: tuple[str, ...]
) -> Iterator[tuple[int, float]]:
    """Predict; yield how many are done and the megabytes, a tenth after the other."""
    report = folder / "report.csv"
    total = len(list((folder / "images").iterdir()))
    images, out = str(folder / "images"), str(folder / "out")
    command = ["predict", images, "--model", model, "--out", out, *words]
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_unet", *command, "--report", str(report)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    due = total // _TENTHS
    while process.poll() is None:
        time.sleep(0.2)
        done = _count_lines(report) - 1
        if not words and done >= due:
            yield done, _megabytes(process.pid)
            due += total // _TENTHS


def _count_lines(report: Path) -> int:
    if not report.exists():
        return 0
    with report.open("rb") as file:
        return sum(1 for _ in file)


def _megabytes(process: int) -> float:
    try:
        return float(psutil.Process(process).memory_info().rss) / 1e6
    except psutil.NoSuchProcess:  # it has just ended
        return float("nan")


if __name__ == "__main__":
    main()
