"""The tests that docs/safety.md names are there, in the files that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LOST = re.compile(r"## What others have lost.*?\n## ", re.DOTALL)
_NAME = re.compile(r"`([\w/]+\.py|test_\w+)`")


def named() -> Iterator[tuple[Path, str]]:
    """Return files and the tests that they should hold, row by row."""
    found = _LOST.search((ROOT / "docs" / "safety.md").read_text(encoding="utf-8"))
    assert found is not None
    file = ROOT
    for name in _NAME.findall(found[0]):
        if name.endswith(".py"):
            file = ROOT / name if "/" in name else file.with_name(name)
        else:
            yield file, name


@pytest.mark.parametrize(("file", "test"), [*named()])
def test_what_is_named_exists(file: Path, test: str) -> None:
    assert f"def {test}(" in file.read_text(encoding="utf-8")


def test_every_row_names_one() -> None:
    assert len(list(named())) >= 20
