"""Memory that is free goes back to the operating system, or stays for what comes next.

glibc keeps what a thread has freed for that thread, and every job has a thread of its
own: after some predictions half a gigabyte is free, and nobody can have it. Arrays of
more than 32 MB it gives back at once, though, and gets anew: a fourth of the time of a
process that does nothing but predict large blocks, one after the other.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_MUCH = 2**30

KEEPING = {
    "MALLOC_TRIM_THRESHOLD_": str(_MUCH),
    "MALLOC_MMAP_THRESHOLD_": str(_MUCH),
    "MALLOC_ARENA_MAX": "1",
}
"""The environment of a process that keeps what it has freed, with glibc.

Only its first arena can hold arrays of more than 64 MB, so all threads share it.
"""

# What the same is called for a process that runs (malloc.h).
_OPTIONS = {-1: _MUCH, -3: _MUCH, -8: 1}


def keep() -> None:
    """Let this process keep what it frees, as `KEEPING` does for one that starts."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another library than glibc's
            options = ctypes.CDLL(None).mallopt
            for name, value in _OPTIONS.items():
                options(name, value)


def give_back() -> None:
    """Return what is free to the operating system, where it does not go by itself.

    It takes some milliseconds, which others only wait for when they ask for memory.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another library than glibc's
            ctypes.CDLL(None).malloc_trim(0)
