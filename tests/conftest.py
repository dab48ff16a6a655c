from __future__ import annotations

import functools
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A time limit per example would make correctness a matter of how busy a machine is.
settings.register_profile("suite", deadline=None, max_examples=50)
settings.load_profile("suite")

REPOSITORY = Path(__file__).parents[1]

# Each worker holds torch and napari in memory, a gigabyte.
MOST_WORKERS = 4

MEMORY_DISK = Path("/dev/shm")
WANTED_ON_IT = 2 << 30  # bytes


def pytest_configure(config: pytest.Config) -> None:
    """Write in memory where there is room: half of the time would go to the disk.

    Who wants to look at the files afterwards names a folder in PYTEST_DEBUG_TEMPROOT.
    """
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not MEMORY_DISK.is_dir():
        return
    if shutil.disk_usage(MEMORY_DISK).free > WANTED_ON_IT:
        folder = tempfile.TemporaryDirectory(prefix="pytest-", dir=MEMORY_DISK)
        config.add_cleanup(folder.cleanup)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder.name


def pytest_collection_finish() -> None:
    """Let no search for garbage look at what was imported, again and again.

    napari searches six times for every window; what torch and Qt brought never goes.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Say how many workers `-n auto` starts: none, but this process, without screens.

    Windows that share a screen take each other's focus.
    """
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS) if _has_screens() else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Give every worker a screen of its own, and one thread.

    Threads that wait for each other take minutes where the cores are shared.
    """
    for spec in specs:
        spec.env["OMP_NUM_THREADS"] = "1"
        if _has_screens():
            screen, name = _open_screen()
            config.add_cleanup(functools.partial(_close_screen, screen))
            spec.env |= {"DISPLAY": name, "QT_QPA_PLATFORM": "xcb"}


def _has_screens() -> bool:
    return sys.platform == "linux" and shutil.which("Xvfb") is not None


def _open_screen() -> tuple[subprocess.Popen[str], str]:
    """Start a virtual screen under the first free number, which it tells itself."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24"]
    screen = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert screen.stdout is not None
    number = screen.stdout.readline().strip()
    if not number:
        raise pytest.UsageError(f"no virtual screen: {' '.join(command)} ended")
    return screen, f":{number}"


def _close_screen(screen: subprocess.Popen[str]) -> None:
    screen.terminate()
    screen.communicate()


@pytest.fixture(autouse=True)
def _no_data_folder_of_the_user(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep the list of a person's models, and unfiled work, out of the real one."""
    folder = tmp_path_factory.mktemp("user-data")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the top folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images beside the checkout, or skip the test."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real images that are not in the repository: {folder}")
    return folder
