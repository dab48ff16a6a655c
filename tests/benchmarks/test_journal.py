"""Strokes that are written down are measured to the end."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from benchmarks import journal


def test_strokes_are_noticed_and_reach_the_disk(monkeypatch):
    monkeypatch.setattr(journal, "STROKES", 25)
    subject = SimpleNamespace(image=np.zeros((256, 256), np.uint8))
    report = journal.measure(subject)
    assert len(report.rows) == 4
    (note,) = report.notes
    assert "0 unwritten" in note
    assert not note.startswith("0.0 kB")
