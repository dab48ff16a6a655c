"""What a worker of this machine does before its first share.

It reads the script that has started it (`leave_where_read_again`); then dask calls
`dask_setup`, see `preload` in the documentation of dask.distributed.
"""

from __future__ import annotations

import signal
import sys
from multiprocessing import current_process
from typing import Any


def dask_setup(worker: Any) -> None:  # noqa: ARG001
    """Load what takes long; Ctrl+C is for the program that has started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # After that: it takes some seconds.
    import napari_unet.large.work  # noqa: F401


def leave_where_read_again() -> None:
    """End a worker whose script would start workers of its own, without a word.

    The process that has started it sees that, and says what is wrong in the script.
    """
    # As multiprocessing knows by itself that a script is read again, but it says so in
    # a page for each worker.
    if getattr(current_process(), "_inheriting", False):
        sys.exit(1)
