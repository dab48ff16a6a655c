from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killed_at_any_moment_the_last_save_is_whole(tmp_path: Path) -> None:
    program = Path(__file__).with_name("saving_until_killed.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "a.unet"), "8", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= 8
