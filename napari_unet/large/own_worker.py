"""What a worker of this machine does before its first share; dask calls it.

See `preload` in the documentation of dask.distributed.
"""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:  # noqa: ARG001
    """Load what takes long; Ctrl+C is for the program that has started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # After that: it takes some seconds.
    import napari_unet.large.work  # noqa: F401
