"""Free memory does not stay with the threads that had it."""

from __future__ import annotations

import sys
import threading

import psutil
import pytest

from napari_unet.core.memory import give_back

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
