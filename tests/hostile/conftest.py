"""The command line in this process, a tiny model, an image; long fuzzing on request."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_LONG = os.environ.get("NAPARI_UNET_TORTURE") == "1"

FUZZ = settings(
    deadline=None, max_examples=3000 if _LONG else 60, suppress_health_check=_CHECKS
)
"""How much is tried of what no list can hold."""
