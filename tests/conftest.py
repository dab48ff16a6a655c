from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# A time limit per example would make correctness a matter of how busy a machine is.
settings.register_profile("suite", deadline=None, max_examples=50)
settings.load_profile("suite")

REPOSITORY = Path(__file__).parents[1]


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
