"""Memory that is free goes back to the operating system.

glibc keeps what a thread has freed for that thread, and every job has a thread of its
own: after some predictions half a gigabyte is free, and nobody can have it.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back() -> None:
    """Return what is free to the operating system, where it does not go by itself.

    It takes some milliseconds, which others only wait for when they ask for memory.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another library than glibc's
            ctypes.CDLL(None).malloc_trim(0)
