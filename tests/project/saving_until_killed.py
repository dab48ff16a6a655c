"""Saves in a loop, is killed at random moments, and looks at what is on the disk.

A program of its own, so that forking is safe: `test_kill.py` starts it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.store import ProjectStore

SHAPE = (200, 200)
IMAGE = ImageIdentity.of("a", np.zeros(SHAPE, np.uint8), "YX")


def load(folder: Path) -> int:
    """Return which save is there, after checking that its halves belong together."""
    stored = ProjectStore(folder).load(IMAGE.key)
    if stored is None:
        return 0
    value = int(stored.labels[0, 0])
    assert stored.notice is None, stored.notice
    assert (stored.labels == value).all()
    assert (stored.provenance == value % 4).all()
    assert stored.next_id == value + 1
    return value


def save_forever(folder: Path, ready: int) -> None:
    store = ProjectStore(folder)
    store.load(IMAGE.key)
    for value in count(load(folder) + 1):
        labels = np.full(SHAPE, value, np.int32)
        provenance = np.full(SHAPE, value % 4, np.uint8)
        store.save(IMAGE, AnnotationSnapshot(labels, provenance, value + 1, value))
        os.write(ready, b"!")


def main(folder: Path, kills: int, seed: int) -> None:
    moments, last = random.Random(seed), 0
    for _ in range(kills):
        listen, ready = os.pipe()
        child = os.fork()
        if child == 0:
            save_forever(folder, ready)
        os.close(ready)
        os.read(listen, 1)
        time.sleep(moments.uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(listen)
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        found = load(folder)
        assert found > last, f"save {last} was lost, found {found}"
        last = found
    sys.stdout.write(f"{last} saves survived\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
