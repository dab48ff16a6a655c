"""Imports stand at the top: rooms have doors that load nothing until they are used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import napari_unet

PACKAGE = Path(napari_unet.__file__).parent
MOST = 20


def inside_functions() -> Iterator[tuple[str, bool]]:
    """Yield imports with their places, and whether a comment says why they are there.

    It stands behind or above the import, or above others that follow each other.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        found = {
            node.lineno
            for function in ast.walk(ast.parse(text))
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        for number in sorted(found):
            above = number - 1
            while above in found:
                above -= 1
            reason = "#" in lines[number - 1] or "# " in lines[above - 1]
            yield f"{path.relative_to(PACKAGE)}:{number}: {lines[number - 1]}", reason


def test_few_imports_are_inside_functions() -> None:
    found = [place for place, _ in inside_functions()]
    assert len(found) < MOST, "\n".join(found)


def test_each_of_them_says_why() -> None:
    assert [place for place, reason in inside_functions() if not reason] == []
