"""Free memory does not stay with the threads that had it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import psutil
import pytest

from napari_unet.core.memory import KEEPING, give_back

_PIECE, _PIECES = 60_000, 2_000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need no help")
def test_what_a_thread_has_freed_goes_back() -> None:
    """Also below what it still holds, which is where glibc keeps it."""
    kept: list[bytes] = []

    def work() -> None:
        pieces = [b"x" * _PIECE for _ in range(_PIECES)]
        kept.append(pieces[-1])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    process = psutil.Process()
    before = process.memory_info().rss
    give_back()
    assert before - process.memory_info().rss > _PIECE * _PIECES / 2


_FAULTS = """
import resource, sys
import numpy as np
from napari_unet.core.memory import keep

if sys.argv[1] == "keep":
    keep()
for _ in range(11):
    np.ones(100_000_000, np.uint8)
    np.ones(100_000_000, np.uint8)
    if _ == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_a_process_that_keeps_its_memory_need_not_get_it_again() -> None:
    """Whether it says so itself, or was started so."""

    def faults(word: str, more: dict[str, str]) -> int:
        command = [sys.executable, "-c", _FAULTS, word]
        # Of huge pages a whole array takes some dozens.
        kept = os.environ | {"NUMPY_MADVISE_HUGEPAGE": "0"} | more
        return int(subprocess.run(command, env=kept, stdout=-1, check=True).stdout)

    usual = faults("", {})
    assert faults("keep", {}) < usual / 10
    assert faults("", KEEPING) < usual / 10
