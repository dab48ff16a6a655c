"""What a program that will be killed tells its judge, over a pipe.

Before an action: what is under way. After it: everything that must be there from then
on. A report is a line of JSON, then the bytes of its arrays.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Report:
    """One message: facts, and arrays by name."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def send(self, descriptor: int) -> None:
        """Write it, all of it, before the program goes on."""
        described = {
            name: [array.dtype.str, list(array.shape)]
            for name, array in self.arrays.items()
        }
        content = json.dumps({**self.facts, "arrays": described}).encode() + b"\n"
        for array in self.arrays.values():
            content += np.ascontiguousarray(array).tobytes()
        while content:
            content = content[os.write(descriptor, content) :]


class Listener:
    """Reads reports in a thread, so that the program never waits for the pipe."""

    def __init__(self, descriptor: int) -> None:
        self.reports: list[Report] = []
        self.first = threading.Event()
        self._file = os.fdopen(descriptor, "rb")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> list[Report]:
        """Return all reports that came whole; the program is dead by now."""
        self._thread.join(30)
        self._file.close()
        return self.reports

    def _run(self) -> None:
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                return
            facts = json.loads(line)
            arrays = {}
            for name, (dtype, shape) in facts.pop("arrays").items():
                size = np.dtype(dtype).itemsize * int(np.prod(shape))
                content = self._file.read(size)
                if len(content) < size:
                    return
                arrays[name] = np.frombuffer(content, dtype).reshape(shape)
            self.reports.append(Report(facts, arrays))
            self.first.set()
