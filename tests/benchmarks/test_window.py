import json
import subprocess
import sys

import pytest

from benchmarks import event_loop, window
from benchmarks.subject import prepare
from napari_unet.instances.by_reach import ReachDecoding

OPTIONS = ["--size", "96", "--seconds", "0.5", "--device", "cpu", "--json"]

# Where other tests run beside this one, a lower priority means to wait for them.
PROGRAM = """
import napari_unet.core.apart, napari_unet.gui.thread_job
napari_unet.core.apart._NICENESS = napari_unet.gui.thread_job._NICENESS = 0
from benchmarks.__main__ import main
raise SystemExit(main())
"""


def test_without_a_display_it_says_so(tiny_model, monkeypatch):
    monkeypatch.setattr(window, "has_display", lambda: False)
    report = event_loop.measure(prepare(str(tiny_model), 64, "cpu"), 1.0)
    assert report.rows == []
    assert report.notes == (event_loop.NO_DISPLAY,)


# What the window does meanwhile has nothing to do with how objects are told apart.
@pytest.mark.skipif(not window.has_display(), reason="needs a display")
@pytest.mark.parametrize("tiny_model", [ReachDecoding], indirect=True)
def test_every_phase_of_a_session_is_measured(tiny_model):
    # In a process of its own: it opens and closes a napari of its own.
    program = [sys.executable, "-c", PROGRAM, "window", "--model", str(tiny_model)]
    done = subprocess.run([*program, *OPTIONS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert [row["while"] for row in report["rows"]] == [
        "idle",
        "predicting",
        "painting",
        "painting in bare napari",
        "training",
        "painting; training",
        "painting in bare napari; training",
        "painting, training held; training",
        "training in the window",
        "painting; training in the window",
    ]
    assert [row["steps"] for row in report["rows"][:3]] == [0, 0, 0]
    assert all(row["steps"] >= 0 for row in report["rows"])
    assert all(
        row["median ms"] <= row["99 % ms"] <= row["longest ms"]
        for row in report["rows"]
    )
