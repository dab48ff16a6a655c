"""Kills programs at random moments, and looks at what is on the disk.

Every life is forked from this process, which has imported what takes long and has no
threads; the kill is a real SIGKILL of the process that paints.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tifffile

from napari_unet.annotation.annotation import Annotation
from napari_unet.project.identity import ImageIdentity
from tests.torture.judge import judge, read_back
from tests.torture.reports import Listener
from tests.torture.victim import NAMES, Victim, picture

Live = Callable[[Path, int, int], None]


@dataclass
class Kills:
    """What came of all kills."""

    kills: int = 0
    strokes: int = 0
    lost: list[str] = field(default_factory=list)


def live_headless(home: Path, seed: int, pipe: int) -> None:
    """Live without a window."""
    import torch

    torch.set_num_threads(1)
    Victim(home, seed, pipe).live()


def run_kills(
    home: Path, kills: int, seed: int, live: Live = live_headless, longest: float = 1.0
) -> Kills:
    """Let programs live one after the other on the same images, and kill each.

    Parameters
    ----------
    home : Path
        Where images and projects lie.
    kills : int
        How many.
    seed : int
        Of the moments, and of what the programs do.
    live : callable
        What a program does.
    longest : float
        Seconds after its first report until which it is killed.
    """
    moments, total = random.Random(seed), Kills()
    for name in NAMES:
        path = home / f"{name}.tif"
        if not path.exists():
            tifffile.imwrite(path, picture(name))
    for number in range(kills):
        listener, status = _one_life(home, seed + number, live, moments, longest)
        total.kills += 1
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            total.lost.append(f"life {number} ended by itself ({status})")
        reports = listener.close()
        found = {name: _read(home, name) for name in NAMES}
        verdict = judge(reports, found)
        total.strokes += verdict.strokes
        total.lost += [f"life {number}, {each}" for each in verdict.lost]
    return total


def _one_life(
    home: Path, seed: int, live: Live, moments: random.Random, longest: float
) -> tuple[Listener, int]:
    listen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(listen)
        _live_and_never_return(home, seed, tell, live)
    os.close(tell)
    listener = Listener(listen)
    listener.first.wait(120)
    time.sleep(moments.uniform(0, longest))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return listener, status


def _live_and_never_return(home: Path, seed: int, pipe: int, live: Live) -> None:
    try:
        live(home, seed, pipe)
    except Exception:  # noqa: BLE001 - told; the parent sees that it was not killed
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(3)


def _read(home: Path, name: str) -> Annotation:
    image = ImageIdentity.of(name, picture(name), "YX")
    return read_back(home / f"{name}.unet", image)
