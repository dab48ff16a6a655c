"""A job around a generator that a test has written."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from napari_unet.core.jobs import Job


@dataclass(frozen=True)
class Generated(Job[Any, Any]):
    steps: Generator[Any, None, Any]

    def run(self) -> Generator[Any, None, Any]:
        return self.steps
